package diffusion

import (
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// Prior is the distribution from which the reverse process starts. It is independent
// in the basis of modes, the Hartley transform of every component of the field (cas(kx)/√V
// instead of e^{ikx}/√V): Gaussian with a variance per mode around the mean of the model,
// and for a model with an order an equal mixture of two, with the zero mode centred at ±μ.
// For a model of lifted angles the zero mode is 2πq/√V with an integer q of the probability
// proportional to exp(-(2πq)²/2VC_0), whatever the noise.
type Prior struct {
	layout   lattice.Layout
	variance []float64
	zero     []float64 // mean of the zero mode of every component
	order    float64
	sectors  *sectors // of lifted angles, else nil
	constant float64  // log of the normalisation
}

// NewPrior returns the distribution of the known part of the data of m with noise of
// level sigma, or N(0, σ²) if m has no linear part.
func NewPrior(m ScoreModel, sigma float64) Prior {
	p := NewIsotropicPrior(m, sigma)
	l, ok := Linear(m)
	if !ok {
		return p
	}
	p.order, p.constant = l.Order(), 0
	for k, c := range l.Spectrum() {
		p.variance[k] += c
		p.constant -= 0.5 * math.Log(2*math.Pi*p.variance[k])
	}
	for c, mean := range l.Mean() {
		p.zero[c] = math.Sqrt(float64(p.layout.Volume())) * mean
	}
	if Quantized(m) {
		volume := p.layout.Volume()
		// The other modes are orthonormal coordinates of the fields of one sum, where
		// dφ(1) … dφ(V-1) is 1/√V of the volume element.
		p.constant += 0.5 * math.Log(2*math.Pi*p.variance[0]*float64(volume))
		p.variance[0] = l.Spectrum()[0]
		p.sectors = newSectors(p.variance[0], volume)
		p.constant -= p.sectors.logNorm
	}
	return p
}

// winding draws the zero mode of lifted angles.
func (p Prior) winding(rng *rand.Rand) float64 {
	return 2 * math.Pi * float64(p.sectors.draw(rng)) / math.Sqrt(float64(p.layout.Volume()))
}

// NewIsotropicPrior returns N(0, σ²), the prior of the paper, for the fields of m.
func NewIsotropicPrior(m ScoreModel, sigma float64) Prior {
	layout := m.Layout()
	p := Prior{layout: layout, variance: make([]float64, layout.Size()), zero: make([]float64, layout.Components)}
	for k := range p.variance {
		p.variance[k] = sigma * sigma
	}
	p.constant = -0.5 * float64(layout.Size()) * math.Log(2*math.Pi*sigma*sigma)
	return p
}

// Modes draws n fields in the basis of modes, the numbers of a field each.
func (p Prior) Modes(rng *rand.Rand, n int) []float64 {
	size := len(p.variance)
	modes := make([]float64, n*size)
	for i := range n {
		field := modes[i*size : (i+1)*size]
		for k := range field {
			field[k] = math.Sqrt(p.variance[k]) * rng.NormFloat64()
		}
		for c, zero := range p.zero {
			p.layout.Component(field, c)[0] += zero
		}
		if p.order > 0 {
			field[0] += p.order * (1 - 2*float64(rng.Uint64()&1))
		}
		if p.sectors != nil {
			field[0] = p.winding(rng)
		}
	}
	return modes
}

// Perturb returns fields x, one after the other in the basis of modes, after a step that is
// reversible with respect to the prior: x′ - c = √(1-β²)(x - c) + βξ with a fresh ξ of the
// width of the prior and its centre c (the preconditioned Crank–Nicolson step of S. L. Cotter,
// G. O. Roberts, A. M. Stuart and D. White, Stat. Sci. 28 (2013) 424). In a mixture of two
// a field belongs to one of them with its posterior probability, and with probability
// β²/2 changes to the other; lifted angles have their winding number drawn afresh with
// probability β².
func (p Prior) Perturb(rng *rand.Rand, x []float64, beta float64) []float64 {
	size, keep := len(p.variance), math.Sqrt(1-beta*beta)
	out := make([]float64, len(x))
	for lo := 0; lo < len(x); lo += size {
		field, next := x[lo:lo+size], out[lo:lo+size]
		before, after := 0.0, 0.0
		if p.order > 0 {
			before = p.order
			if rng.Float64() > 1/(1+math.Exp(-2*p.order*field[0]/p.variance[0])) {
				before = -p.order
			}
			after = before
			if rng.Float64() < beta*beta/2 {
				after = -before
			}
		}
		for k, v := range field {
			from, to := 0.0, 0.0
			if k == 0 {
				from, to = before, after
			}
			if volume := p.layout.Volume(); k%volume == 0 {
				from, to = from+p.zero[k/volume], to+p.zero[k/volume]
			}
			next[k] = to + keep*(v-from) + beta*math.Sqrt(p.variance[k])*rng.NormFloat64()
		}
		if p.sectors != nil {
			next[0] = field[0]
			if rng.Float64() < beta*beta {
				next[0] = p.winding(rng)
			}
		}
	}
	return out
}

// LogDensity returns the logarithm of the density of one field in the basis of modes,
// which is that of the field itself: the transform is orthogonal. For lifted angles it is that
// of the winding number and of all φ(x) but one.
func (p Prior) LogDensity(modes []float64) float64 {
	l := p.constant
	for c, zero := range p.zero {
		one, variance := p.layout.Component(modes, c), p.layout.Component(p.variance, c)
		for k, x := range one {
			if k == 0 {
				x -= zero
			}
			l -= 0.5 * x * x / variance[k]
		}
	}
	if p.order > 0 {
		// ½ Σ_± N(x ∓ μ) = N(x) e^{-μ²/2v} cosh(xμ/v).
		v := p.variance[0]
		a := math.Abs(modes[0]) * p.order / v
		l += a + math.Log1p(math.Exp(-2*a)) - math.Ln2 - 0.5*p.order*p.order/v
	}
	return l
}
