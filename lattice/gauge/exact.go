package gauge

import (
	"fmt"
	"math"
)

// Exact is the exact solution of the theory with action Σ_p s(θ_p) on a periodic lattice of
// L₀×L₁ sites with V = L₀L₁ plaquettes. A plaquette is independent of all others but for
// the condition that their sum is a multiple of 2π, and with the [Coefficients] c_n
//
//	Z = ∫ Π dφ/2π e^{-S} = Σ_n c_n^V
//
// (A. A. Migdal, Sov. Phys. JETP 42 (1975) 413; for the charge, C. Bonati and P. Rossi,
// Phys. Rev. D 99 (2019) 054503). It is safe for concurrent use.
type Exact struct {
	volume int
	c      Coefficients
	// terms holds (c_n/c_0)^V, n ≥ 0, and sum their sum over all n.
	terms []float64
	sum   float64
	// edge has the integrals over [0, π] that see the edge of the interval.
	edge *interval
}

// vanishing is the size of terms that are left out of sums whose largest term is 1.
const vanishing = 1e-18

// NewExact solves the theory with a weight. It returns an error for extents below 1 and for
// a weight that [Transform] refuses.
func NewExact(w Weight, l0, l1 int) (*Exact, error) {
	if l0 < 1 || l1 < 1 {
		return nil, fmt.Errorf("gauge: expected positive extents, got %d and %d", l0, l1)
	}
	c, err := Transform(w)
	if err != nil {
		return nil, err
	}
	e := &Exact{volume: l0 * l1, c: c}
	for n := range c.Ratio {
		e.terms = append(e.terms, power(c.Ratio[n], e.volume))
		e.sum += both(n) * e.terms[n]
	}
	e.edge = newInterval(w, e.points())
	return e, nil
}

// points returns a number of quadrature points on [0, π] that resolves the weight and the
// oscillations of its transform.
func (e *Exact) points() int { return 4*len(e.c.Ratio) + 2*maxFrequency }

// LogZ returns log Z with the Haar measure dφ/2π of every link.
func (e *Exact) LogZ() float64 { return float64(e.volume)*e.c.Log0 + math.Log(e.sum) }

// Plaquette returns ⟨cos θ⟩.
func (e *Exact) Plaquette() float64 {
	w, _ := e.Loop(1)
	return w
}

// Loop returns the Wilson loop ⟨cos Σ_{p∈A} θ_p⟩ = Σ_n c_n^{V-A} c_{n+1}^A / Z around an area
// of A plaquettes, whatever its shape. It returns an error unless 0 ≤ A ≤ V.
func (e *Exact) Loop(area int) (float64, error) {
	if area < 0 || area > e.volume {
		return 0, fmt.Errorf("gauge: expected an area between 0 and %d plaquettes, got %d", e.volume, area)
	}
	sum := 0.0
	for n := range e.c.Ratio {
		term := power(e.c.Ratio[n], e.volume-area)
		sum += term * power(e.ratio(n+1), area)
		if n > 0 {
			sum += term * power(e.ratio(n-1), area)
		}
	}
	return sum / e.sum, nil
}

// ratio returns c_n/c_0, 0 beyond those that are known.
func (e *Exact) ratio(n int) float64 {
	if n < len(e.c.Ratio) {
		return e.c.Ratio[n]
	}
	return 0
}

// Q2 returns ⟨Q²⟩,
//
//	(1/4π²Z) Σ_n [ V c_n^{V-1} a_n - V(V-1) c_n^{V-2} b_n² ],
//	a_n = ∫dθ/2π θ² cos nθ e^{-s},  b_n = ∫dθ/2π θ sin nθ e^{-s}.
//
// The integrands of a_n and b_n are not smooth at ±π: they are integrated over (0, π).
// One or two plaquettes, whose sum is 0, have no charge.
func (e *Exact) Q2() float64 {
	if e.volume <= 2 {
		return 0
	}
	v, sum := float64(e.volume), 0.0
	for n := range e.c.Ratio {
		rest := power(e.c.Ratio[n], e.volume-2)
		if math.Abs(rest) < vanishing {
			continue
		}
		a, b := e.edge.moments(n)
		sum += both(n) * rest * v * (e.c.Ratio[n]*a - (v-1)*b*b)
	}
	return sum / (4 * math.Pi * math.Pi * e.sum)
}

// maxFrequency bounds the frequencies of the transform in [Exact.Charges].
const maxFrequency = 300

// Charges returns P(Q) for Q = 0, 1, …, with P(-Q) = P(Q), up to the largest charge or to
// one that has no weight to double precision. It is the density of the sum of V independent
// plaquettes in (-π, π] at 2πQ, normalised,
//
//	P(Q) ∝ ∫dν cos(2πνQ) z(ν)^V,  z(ν) = ∫_{-π}^{π} dθ/2π cos(νθ) e^{-s},
//
// by the trapezoidal rule in ν, which is exact once the sum cannot reach the next
// multiple of the inverse step. z falls like e^{-s(π)}/ν: the error is that of the cut-off
// at ν = 300, below 10⁻⁶ for three plaquettes, 10⁻⁹ for four, and rounding for six and more.
func (e *Exact) Charges() []float64 {
	if e.volume <= 2 {
		return []float64{1}
	}
	// Sums of this many standard deviations have no weight.
	most := min((e.volume-1)/2, 5+int(12*math.Sqrt(e.Q2())))
	perUnit := 2*most + 2
	p := make([]float64, most+1)
	z0 := e.edge.transform(0)
	for unit := range maxFrequency {
		largest := 0.0
		for j := unit * perUnit; j < (unit+1)*perUnit; j++ {
			term := power(e.edge.transform(float64(j)/float64(perUnit))/z0, e.volume)
			largest = math.Max(largest, math.Abs(term))
			for q := range p {
				p[q] += both(j) * term * math.Cos(2*math.Pi*float64(j*q%perUnit)/float64(perUnit))
			}
		}
		if largest < vanishing {
			break
		}
	}
	norm := 0.0
	for q, v := range p {
		// What is below rounding is nothing.
		p[q] = math.Max(v, 0)
		norm += both(q) * p[q]
	}
	for q := range p {
		p[q] /= norm
	}
	return p
}

// both is the number of integers ±n.
func both(n int) float64 {
	if n == 0 {
		return 1
	}
	return 2
}

// power returns xⁿ, 1 for n = 0.
func power(x float64, n int) float64 { return math.Pow(x, float64(n)) }
