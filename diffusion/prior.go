package diffusion

import (
	"math"
	"math/rand/v2"
)

// Prior is the distribution from which the reverse process starts. It is independent
// in the basis of modes, the Hartley transform of the field (cas(kx)/√V instead of
// e^{ikx}/√V): Gaussian with a variance per mode, and for a model with an order an
// equal mixture of two, with the zero mode centred at ±μ.
type Prior struct {
	variance []float64
	order    float64
	constant float64 // log of the normalisation
}

// NewPrior returns the distribution of the known part of the data of m with noise of
// level sigma, or N(0, σ²) if isotropic is true or m knows no spectrum.
func NewPrior(m ScoreModel, sigma float64, isotropic bool) Prior {
	p := Prior{variance: make([]float64, m.Lattice().Volume())}
	if l, ok := Linear(m); ok && !isotropic {
		copy(p.variance, l.Spectrum())
		p.order = l.Order()
	}
	for k := range p.variance {
		p.variance[k] += sigma * sigma
		p.constant -= 0.5 * math.Log(2*math.Pi*p.variance[k])
	}
	return p
}

// Modes draws n fields in the basis of modes, V numbers each.
func (p Prior) Modes(rng *rand.Rand, n int) []float64 {
	v := len(p.variance)
	modes := make([]float64, n*v)
	for i := range n {
		field := modes[i*v : (i+1)*v]
		for k := range field {
			field[k] = math.Sqrt(p.variance[k]) * rng.NormFloat64()
		}
		if p.order > 0 {
			field[0] += p.order * (1 - 2*float64(rng.Uint64()&1))
		}
	}
	return modes
}

// LogDensity returns the logarithm of the density of one field in the basis of modes,
// which is that of the field itself: the transform is orthogonal.
func (p Prior) LogDensity(modes []float64) float64 {
	l := p.constant
	for k, x := range modes {
		l -= 0.5 * x * x / p.variance[k]
	}
	if p.order > 0 {
		// ½ Σ_± N(x ∓ μ) = N(x) e^{-μ²/2v} cosh(xμ/v).
		v := p.variance[0]
		a := math.Abs(modes[0]) * p.order / v
		l += a + math.Log1p(math.Exp(-2*a)) - math.Ln2 - 0.5*p.order*p.order/v
	}
	return l
}
