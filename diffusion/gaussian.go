package diffusion

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/lattice"
)

// Gaussian is the exact score of Gaussian data with a constant mean m per component and a
// translation- and reflection-invariant covariance, diagonal in the components, of power
// spectrum C_k = ⟨|φ_k - m_k|²⟩ (unitary Fourier transform):
//
//	s(φ, σ)_k = -(φ - m)_k/(C_k + σ²).
//
// With the spectrum of [lattice.Phi4.FreeSpectrum] it is the exact score of the free
// field, with a measured spectrum the Gaussian approximation of any ensemble.
//
// With an order μ > 0 the data, of one component, are an equal mixture of two such
// Gaussians, for an ordered phase with both signs of the magnetisation: the zero mode
// φ_0 = Σ_x φ(x)/√V is centred at ±μ and has the score
//
//	-φ_0/(C_0 + σ²) + μ/(C_0 + σ²) tanh(μ φ_0/(C_0 + σ²)).
type Gaussian struct {
	gaussianPart
	store *model.Store
}

var (
	_ DivergenceModel = (*Gaussian)(nil)
	_ LinearModel     = (*Gaussian)(nil)
	_ SpaceModel      = (*Gaussian)(nil)
)

// NewGaussian returns the Gaussian, or the mixture of two, with the Layout, Spectrum, Mean,
// Order and Space of cfg; the rest is not used. It returns an error for a malformed spectrum,
// see [ModelConfig].
func NewGaussian(cfg ModelConfig) (*Gaussian, error) {
	part, err := newGaussianPart(cfg)
	if err != nil {
		return nil, err
	}
	if part.spectrum == nil {
		return nil, fmt.Errorf("diffusion: expected a spectrum for a Gaussian, got none")
	}
	return &Gaussian{part, model.NewStore()}, nil
}

// checkSpectrum returns an error unless there is a positive finite value for every mode
// of every component, even in every component of k to a relative 1e-6.
func checkSpectrum(layout lattice.Layout, spectrum []float64) error {
	if len(spectrum) != layout.Size() {
		return fmt.Errorf("diffusion: expected a spectrum of %d values for %v, got %d", layout.Size(), layout, len(spectrum))
	}
	coord := make([]int, layout.Dim())
	for c := range layout.Components {
		one := layout.Component(spectrum, c)
		for k, v := range one {
			if !(v > 0) || math.IsInf(v, 0) {
				return fmt.Errorf("diffusion: expected positive finite spectrum values, got %v at mode %d (does the field vary at all?)", v, k)
			}
			layout.Coord(coord, k)
			for mu := range coord {
				coord[mu] = -coord[mu]
				if m := one[layout.Index(coord...)]; math.Abs(m-v) > 1e-6*v {
					return fmt.Errorf("diffusion: expected a spectrum even in every component of k, got %v and %v", v, m)
				}
				coord[mu] = -coord[mu]
			}
		}
	}
	return nil
}

// Store returns an empty store: the model has no weights.
func (m *Gaussian) Store() *model.Store { return m.store }

// Score builds the score; see [ScoreModel].
func (m *Gaussian) Score(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
	score, _ := m.ScoreDivergence(scope, phi, sigma)
	return score
}

// Remainder builds what the order adds to the linear part, with its divergence.
func (m *Gaussian) Remainder(_ *model.Scope, phi, sigma *graph.Node) Remainder {
	return m.remainder(m.centred(phi), sigma)
}

// ScoreDivergence builds the score and its divergence.
func (m *Gaussian) ScoreDivergence(_ *model.Scope, phi, sigma *graph.Node) (score, divergence *graph.Node) {
	d, x := m.noisy(phi, sigma), m.centred(phi)
	score, divergence = m.space.Tangent(linearScore(x, d)), graph.Neg(SumModes(m.space, m.layout, graph.Reciprocal(d)))
	if r := m.remainder(x, sigma); r.Known != nil {
		score, divergence = graph.Add(score, r.Known), graph.Add(divergence, r.Divergence)
	}
	return score, divergence
}

// gaussianPart is the part of a score that is known: a Gaussian, or a mixture of two.
type gaussianPart struct {
	layout   lattice.Layout
	spectrum []float64
	mean     []float64 // per component
	order    float64
	space    Space
	site     *site    // nil: none
	solution Solution // of the space; nil: none
	// inputs hold the numbers as inputs of graphs; nil: they are constants.
	inputs *model.Store
}

// newGaussianPart checks and copies the Gaussian part of a configuration.
func newGaussianPart(cfg ModelConfig) (gaussianPart, error) {
	p := gaussianPart{layout: cfg.Layout, space: cfg.Space}
	if p.space == nil {
		p.space = Euclidean{}
	}
	if err := cfg.Layout.Check(); err != nil {
		return p, fmt.Errorf("diffusion: %w", err)
	}
	if cfg.Spectrum == nil {
		return p, p.space.Check(cfg)
	}
	if err := checkSpectrum(cfg.Layout, cfg.Spectrum); err != nil {
		return p, err
	}
	mean := cfg.Mean
	if mean == nil {
		mean = make([]float64, cfg.Layout.Components)
	}
	if len(mean) != cfg.Layout.Components || lattice.CheckField(mean, len(mean)) != nil {
		return p, fmt.Errorf("diffusion: expected a finite mean of each of %d components, got %v", cfg.Layout.Components, mean)
	}
	if !(cfg.Order >= 0) || math.IsInf(cfg.Order, 0) {
		return p, fmt.Errorf("diffusion: expected an order μ ≥ 0, got %v", cfg.Order)
	}
	if cfg.Order > 0 && (len(mean) > 1 || mean[0] != 0) {
		return p, fmt.Errorf("diffusion: expected an order for a field of one component with mean zero only, got μ = %v with the means %v", cfg.Order, mean)
	}
	p.spectrum, p.mean, p.order = slices.Clone(cfg.Spectrum), slices.Clone(mean), cfg.Order
	return p, p.space.Check(cfg)
}

// Layout returns the layout of the fields of the model.
func (p *gaussianPart) Layout() lattice.Layout { return p.layout }

// Space returns the space of the fields of the model.
func (p *gaussianPart) Space() Space { return p.space }

// Spectrum returns C_k, or nil for a model without a Gaussian part. The caller must
// not modify it.
func (p *gaussianPart) Spectrum() []float64 { return p.spectrum }

// Mean returns the mean of every component, nil for a model without a Gaussian part. The
// caller must not modify it.
func (p *gaussianPart) Mean() []float64 { return p.mean }

// Order returns μ, 0 for a single Gaussian.
func (p *gaussianPart) Order() float64 { return p.order }

// fieldShape returns the shape of fields in graphs with the given batch.
func fieldShape(layout lattice.Layout, batch int) []int {
	return append([]int{batch, layout.Components}, layout.Dims()...)
}

// centred returns the field without its mean.
func (p *gaussianPart) centred(phi *graph.Node) *graph.Node {
	if !p.shifts() {
		return phi
	}
	return graph.Sub(phi, componentsLike(p.input(phi.Graph(), meanInput, p.mean), phi))
}

// shifts says whether there is a mean.
func (p *gaussianPart) shifts() bool {
	return slices.ContainsFunc(p.mean, func(m float64) bool { return m != 0 })
}

// noisy returns C_k + σ² in the shape of phi.
func (p *gaussianPart) noisy(phi, sigma *graph.Node) *graph.Node {
	return withNoise(p.spectrumLike(phi), sigma)
}

// alignment returns tanh(μφ_0/(C_0+σ²)) and C_0+σ², [batch] each: the expected sign of
// the magnetisation of the clean field, given the noisy one.
func (p *gaussianPart) alignment(phi, sigma *graph.Node) (sign, width *graph.Node) {
	width = graph.Add(graph.Square(sigma), element(p.input(phi.Graph(), spectrumInput, p.spectrum), 0, phi))
	zero := graph.MulScalar(nn.SumSites(phi), 1/math.Sqrt(float64(p.layout.Volume())))
	return graph.Tanh(graph.Div(graph.Mul(zero, p.orderLike(phi)), width)), width
}

// orderLike returns μ as a number of the type of phi.
func (p *gaussianPart) orderLike(phi *graph.Node) *graph.Node {
	return element(p.input(phi.Graph(), orderInput, []float64{p.order}), 0, phi)
}

// remainder returns what is known of the score beyond that of a Gaussian, and its divergence:
// the solution of one site, or the constant field of a mixture.
func (p *gaussianPart) remainder(phi, sigma *graph.Node) Remainder {
	switch {
	case p.site != nil:
		return p.siteRemainder(phi, sigma)
	case p.solution != nil:
		return p.solution.Remainder(phi, p.noisy(phi, sigma), sigma)
	case p.order == 0:
		return Remainder{}
	}
	sign, width := p.alignment(phi, sigma)
	ratio := graph.Div(p.orderLike(phi), width)
	pull := graph.MulScalar(graph.Mul(sign, ratio), 1/math.Sqrt(float64(p.layout.Volume())))
	slope := graph.Square(ratio)
	return Remainder{
		Known:      nn.PerSample(pull, phi),
		Divergence: graph.Mul(slope, graph.OneMinus(graph.Square(sign))),
	}
}

// withNoise returns C_k + σ² for a spectrum in the shape of a field.
func withNoise(spectrum, sigma *graph.Node) *graph.Node {
	return graph.Add(spectrum, nn.PerSample(graph.Square(sigma), spectrum))
}

func linearScore(phi, noisy *graph.Node) *graph.Node {
	return graph.Neg(hartley.Filter(phi, graph.Reciprocal(noisy)))
}
