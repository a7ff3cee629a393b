package diffusion

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// Prior is the distribution from which the reverse process starts, of fields in the basis of
// modes: the Hartley transform of every component (cas(kx)/√V instead of e^{ikx}/√V), which is
// orthogonal.
type Prior interface {
	// Modes draws n fields, the numbers of a field each.
	Modes(rng *rand.Rand, n int) []float64
	// Perturb returns fields x, one after the other, after a step that is reversible with respect
	// to the prior, from beta = 0, which changes nothing, to 1, a fresh draw. Where the prior is
	// Gaussian it is x′ - c = √(1-β²)(x - c) + βξ with a fresh ξ of the width of the prior and its
	// centre c (the preconditioned Crank–Nicolson step of S. L. Cotter, G. O. Roberts, A. M. Stuart
	// and D. White, Stat. Sci. 28 (2013) 424).
	Perturb(rng *rand.Rand, x []float64, beta float64) []float64
	// LogDensity returns the logarithm of the density of one field, which is that of the field
	// itself, with respect to what [Space] says.
	LogDensity(modes []float64) float64
}

// NewPrior returns the distribution of the known part of the data of m with noise of level sigma,
// see [Space].
func NewPrior(m ScoreModel, sigma float64) Prior { return SpaceOf(m).Prior(m, sigma) }

// NewIsotropicPrior returns N(0, σ²), the prior of the paper, for the fields of m. It returns an
// error unless they are Euclidean.
func NewIsotropicPrior(m ScoreModel, sigma float64) (Prior, error) {
	s := SpaceOf(m)
	if _, ok := s.(Euclidean); !ok {
		return nil, fmt.Errorf("diffusion: expected fields of Euclidean space for an isotropic prior, got %s", s.Kind())
	}
	return newGaussianPrior(m.Layout(), sigma), nil
}

// gaussianPrior is independent in the modes: a Gaussian, or an equal mixture of two.
type gaussianPrior struct {
	layout   lattice.Layout
	variance []float64
	zero     []float64 // mean of the zero mode of every component
	order    float64
	constant float64 // log of the normalisation
}

// newGaussianPrior returns N(0, σ²).
func newGaussianPrior(layout lattice.Layout, sigma float64) *gaussianPrior {
	p := &gaussianPrior{layout: layout, variance: make([]float64, layout.Size()), zero: make([]float64, layout.Components)}
	for k := range p.variance {
		p.variance[k] = sigma * sigma
	}
	p.constant = -0.5 * float64(layout.Size()) * math.Log(2*math.Pi*sigma*sigma)
	return p
}

// setLinear adds the fluctuations of the linear part of a model to those of the noise.
func (p *gaussianPrior) setLinear(l LinearModel) {
	p.order, p.constant = l.Order(), 0
	for k, c := range l.Spectrum() {
		p.variance[k] += c
		p.constant -= 0.5 * math.Log(2*math.Pi*p.variance[k])
	}
	for c, mean := range l.Mean() {
		p.zero[c] = math.Sqrt(float64(p.layout.Volume())) * mean
	}
}

// Modes draws fields; see [Prior].
func (p *gaussianPrior) Modes(rng *rand.Rand, n int) []float64 {
	return eachField(make([]float64, n*len(p.variance)), len(p.variance), func(field []float64) { p.draw(rng, field) })
}

// eachField calls f for every field of fields, and returns them.
func eachField(fields []float64, size int, f func(field []float64)) []float64 {
	for lo := 0; lo < len(fields); lo += size {
		f(fields[lo : lo+size])
	}
	return fields
}

// draw draws one field.
func (p *gaussianPrior) draw(rng *rand.Rand, field []float64) {
	for k := range field {
		field[k] = math.Sqrt(p.variance[k]) * rng.NormFloat64()
	}
	for c, zero := range p.zero {
		p.layout.Component(field, c)[0] += zero
	}
	if p.order > 0 {
		field[0] += p.order * (1 - 2*float64(rng.Uint64()&1))
	}
}

// Perturb moves fields; see [Prior]. In a mixture of two a field belongs to one of them with its
// posterior probability, and with probability β²/2 changes to the other.
func (p *gaussianPrior) Perturb(rng *rand.Rand, x []float64, beta float64) []float64 {
	return eachField(append([]float64(nil), x...), len(p.variance), func(field []float64) { p.move(rng, field, beta) })
}

// move moves one field.
func (p *gaussianPrior) move(rng *rand.Rand, field []float64, beta float64) {
	keep := math.Sqrt(1 - beta*beta)
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
		field[k] = to + keep*(v-from) + beta*math.Sqrt(p.variance[k])*rng.NormFloat64()
	}
}

// LogDensity returns the logarithm of the density of one field; see [Prior].
func (p *gaussianPrior) LogDensity(modes []float64) float64 {
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
