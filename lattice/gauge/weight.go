package gauge

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Weight is the weight exp(-s(θ)) of one plaquette. s is even, 2π-periodic and smooth. It
// must be safe for concurrent use.
type Weight interface {
	// Energy returns s(θ).
	Energy(theta float64) float64
	// Derivative returns s′(θ).
	Derivative(theta float64) float64
	// Params returns the couplings by name, see [lattice.Params].
	Params() map[string]float64
}

// Wilson is s(θ) = -β cos θ (K. G. Wilson, Phys. Rev. D 10 (1974) 2445).
type Wilson struct {
	// Beta is the inverse coupling β = 1/g².
	Beta float64
}

// Energy returns -β cos θ.
func (w Wilson) Energy(theta float64) float64 { return -w.Beta * math.Cos(theta) }

// Derivative returns β sin θ.
func (w Wilson) Derivative(theta float64) float64 { return w.Beta * math.Sin(theta) }

// Params returns β as "beta".
func (w Wilson) Params() map[string]float64 { return map[string]float64{"beta": w.Beta} }

// Villain is the periodic Gaussian
//
//	exp(-s(θ)) = Σ_m exp(-β(θ+2πm)²/2) = (2πβ)^{-1/2} Σ_n exp(-n²/(2β)) cos nθ
//
// (J. Villain, J. Phys. (Paris) 36 (1975) 581).
type Villain struct {
	// Beta is the inverse coupling β > 0.
	Beta float64
}

// dual is the β below which the sum over n of Villain's weight is used and not that over m.
const dual = 0.5

// Energy returns s(θ).
func (w Villain) Energy(theta float64) float64 {
	theta = Wrap(theta)
	sum, _ := w.sums(theta)
	if w.Beta < dual {
		return 0.5*math.Log(2*math.Pi*w.Beta) - math.Log(sum)
	}
	return w.Beta*theta*theta/2 - math.Log(sum)
}

// Derivative returns s′(θ).
func (w Villain) Derivative(theta float64) float64 {
	sum, slope := w.sums(Wrap(theta))
	return slope / sum
}

// sums returns the weight of θ in (-π, π] up to a factor, exp(-βθ²/2) or (2πβ)^{-1/2}, and
// s′ times that; NaN unless β > 0. Terms that are left out are below e^{-40} of the largest.
func (w Villain) sums(theta float64) (sum, slope float64) {
	const negligible = 40
	switch {
	case !(w.Beta > 0):
		return math.NaN(), math.NaN()
	case w.Beta < dual:
		sum = 1
		for n := 1.0; n*n < 2*w.Beta*negligible; n++ {
			sin, cos := math.Sincos(n * theta)
			e := 2 * math.Exp(-n*n/(2*w.Beta))
			sum += e * cos
			slope += n * e * sin
		}
		return sum, slope
	}
	sum, slope = 1, w.Beta*theta
	for _, sign := range []float64{1, -1} {
		for m := sign; ; m += sign {
			// β[(θ+2πm)² - θ²]/2, which increases with |m|.
			exponent := 2 * math.Pi * w.Beta * m * (theta + math.Pi*m)
			if exponent > negligible {
				break
			}
			e := math.Exp(-exponent)
			sum += e
			slope += w.Beta * (theta + 2*math.Pi*m) * e
		}
	}
	return sum, slope
}

// Params returns β as "beta_villain".
func (w Villain) Params() map[string]float64 {
	return map[string]float64{"beta_villain": w.Beta}
}

// checkWeight returns an error unless the weight is finite, even and periodic, and its
// derivative that of its energy.
func checkWeight(w Weight) error {
	if w == nil {
		return fmt.Errorf("gauge: expected a weight, got nil")
	}
	rng := rand.New(rand.NewPCG(1, 0x7765696768))
	for range 8 {
		theta := math.Pi * (2*rng.Float64() - 1)
		s, slope := w.Energy(theta), w.Derivative(theta)
		if s-s != 0 || slope-slope != 0 {
			return fmt.Errorf("gauge: expected a finite weight of every angle, got s = %v, s′ = %v at θ = %v for %#v", s, slope, theta, w)
		}
		scale := 1 + math.Abs(s) + math.Abs(slope)
		if math.Abs(w.Energy(-theta)-s) > 1e-9*scale || math.Abs(w.Energy(theta+2*math.Pi)-s) > 1e-9*scale {
			return fmt.Errorf("gauge: expected a weight that is even and 2π-periodic, got %v, %v and %v at ±θ and θ+2π for %#v", s, w.Energy(-theta), w.Energy(theta+2*math.Pi), w)
		}
		const step = 1e-4
		if d := (w.Energy(theta+step) - w.Energy(theta-step)) / (2 * step); math.Abs(d-slope) > 1e-4*scale {
			return fmt.Errorf("gauge: expected the derivative of the energy at θ = %v, %v by differences, got %v for %#v", theta, d, slope, w)
		}
	}
	return nil
}
