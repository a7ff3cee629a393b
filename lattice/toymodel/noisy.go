package toymodel

import "math"

// Noisy is the density p_σ(φ) = ∫ dφ₀ p(φ₀) N(φ; φ₀, σ²) at one point.
type Noisy struct {
	// Log is log p_σ, normalised: the effective action is -Log, up to a constant.
	Log float64
	// Score is ∂ log p_σ/∂φ, the effective drift.
	Score float64
	// Slope is ∂² log p_σ/∂φ².
	Slope float64
}

// Flow returns ∂ log p_σ/∂(σ²) at fixed φ. It is the exact form of the flow equation
// (3.20): p_σ obeys the diffusion equation ∂p/∂(σ²) = ½ ∂²p/∂φ², so that S = -log p has
// ∂S/∂(σ²) = ½ (∂²S/∂φ² - (∂S/∂φ)²).
func (n Noisy) Flow() float64 { return 0.5 * (n.Slope + n.Score*n.Score) }

// Noisy returns the density with noise of level sigma ≥ 0 at phi, to about twelve digits.
// It is NaN if an argument is not finite or sigma is negative.
//
// The clean field φ₀ has the conditional density ∝ exp(-E), E = S(φ₀) + (φ-φ₀)²/2σ², over
// which the trapezoid rule averages. Score and slope follow from the drift K = -S′ of the
// clean field, which keeps its digits at low noise (De Bortoli et al., arXiv:2402.08667):
//
//	∂ log p_σ = ⟨K⟩,   ∂² log p_σ = ⟨K′⟩ + ⟨K²⟩ - ⟨K⟩².
func (d *Density) Noisy(phi, sigma float64) Noisy {
	if math.IsNaN(phi) || math.IsInf(phi, 0) || !(sigma >= 0) || math.IsInf(sigma, 0) {
		return Noisy{math.NaN(), math.NaN(), math.NaN()}
	}
	if sigma == 0 {
		k, slope := d.drift(phi)
		return Noisy{-d.value(phi) - d.logZ, k, slope}
	}
	exponent := func(x float64) float64 {
		u := (x - phi) / sigma
		return d.value(x) + 0.5*u*u
	}
	from, to, least := d.support(phi, sigma, exponent)
	n := max(64, int(math.Ceil((to-from)*perWidth/d.width(1/(sigma*sigma)))))
	h := (to - from) / float64(n)
	var z, first, second, slope float64
	for i := range n + 1 {
		x := from + float64(i)*h
		w := math.Exp(least - exponent(x))
		k, s := d.drift(x)
		z += w
		first += w * k
		second += w * k * k
		slope += w * s
	}
	first, second, slope = first/z, second/z, slope/z
	norm := 0.5*math.Log(2*math.Pi) + math.Log(sigma) + d.logZ
	return Noisy{math.Log(z*h) - least - norm, first, slope + second - first*first}
}

// support returns the interval outside of which exp(-exponent) is negligible, and a value
// of the exponent near its minimum.
func (d *Density) support(phi, sigma float64, exponent func(float64) float64) (from, to, least float64) {
	low, high := min(phi, -d.minimum), max(phi, d.minimum)
	precision := 1 + d.action.Mu2()*sigma*sigma
	if precision > 0 {
		// σ²E is convex, with its minimum where σ²g/6 x³ + (1+μ²σ²) x = φ.
		a, b := min(low, 0), max(high, 0)
		for range 200 {
			x := (a + b) / 2
			if x == a || x == b {
				break
			}
			if x*(sigma*sigma*d.action.G()/6*x*x+precision) < phi {
				a = x
			} else {
				b = x
			}
		}
		low, high = (a+b)/2, (a+b)/2
		least = exponent(low)
	} else {
		// There may be two minima, between φ and the two wells.
		least = math.Inf(1)
		const scan = 400
		for i := range scan + 1 {
			least = min(least, exponent(low+(high-low)*float64(i)/scan))
		}
	}
	rise := func(x float64) float64 { return exponent(x) - least }
	step := min(sigma, d.width(0))
	return ascend(low, -step, rise), ascend(high, step, rise), least
}
