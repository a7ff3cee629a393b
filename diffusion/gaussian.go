package diffusion

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/internal/hartley"
	"github.com/latdiff/latdiff/internal/nn"
	"github.com/latdiff/latdiff/lattice"
)

// Gaussian is the exact score of Gaussian data with zero mean and a translation-
// and reflection-invariant covariance of power spectrum C_k = ⟨|φ_k|²⟩ (unitary
// Fourier transform): s(φ, σ)_k = -φ_k/(C_k + σ²). With the spectrum of
// [lattice.Phi4.FreeSpectrum] it is the exact score of the free field, with a
// measured spectrum the Gaussian approximation of any ensemble.
//
// With an order μ > 0 the data are an equal mixture of two such Gaussians, for an
// ordered phase with both signs of the magnetisation: the zero mode
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
)

// NewGaussian returns the Gaussian score with spectrum C_k, laid out like a field
// (k = 2πn/L). It returns an error unless there are V positive finite values that
// are even in every component of k, to a relative 1e-6.
func NewGaussian(lat *lattice.Lattice, spectrum []float64) (*Gaussian, error) {
	return NewMixture(lat, spectrum, 0)
}

// NewMixture returns the score of the mixture of two Gaussians with spectrum C_k and
// zero modes centred at ±order. It returns an error for a malformed spectrum, see
// [NewGaussian], or an order that is negative or not finite.
func NewMixture(lat *lattice.Lattice, spectrum []float64, order float64) (*Gaussian, error) {
	if err := checkSpectrum(lat, spectrum); err != nil {
		return nil, err
	}
	if !(order >= 0) || math.IsInf(order, 0) {
		return nil, fmt.Errorf("diffusion: expected an order μ ≥ 0, got %v", order)
	}
	return &Gaussian{gaussianPart{lat, slices.Clone(spectrum), order}, model.NewStore()}, nil
}

func checkSpectrum(lat *lattice.Lattice, spectrum []float64) error {
	if lat == nil {
		return fmt.Errorf("diffusion: expected a lattice, got nil")
	}
	if len(spectrum) != lat.Volume() {
		return fmt.Errorf("diffusion: expected a spectrum of %d modes, got %d", lat.Volume(), len(spectrum))
	}
	coord := make([]int, lat.Dim())
	for k, c := range spectrum {
		if !(c > 0) || math.IsInf(c, 0) {
			return fmt.Errorf("diffusion: expected positive finite spectrum values, got %v at mode %d", c, k)
		}
		lat.Coord(coord, k)
		for mu := range coord {
			coord[mu] = -coord[mu]
			if m := spectrum[lat.Index(coord...)]; math.Abs(m-c) > 1e-6*c {
				return fmt.Errorf("diffusion: expected a spectrum even in every component of k, got %v and %v", c, m)
			}
			coord[mu] = -coord[mu]
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
	return m.remainder(phi, sigma)
}

// ScoreDivergence builds the score and its divergence.
func (m *Gaussian) ScoreDivergence(_ *model.Scope, phi, sigma *graph.Node) (score, divergence *graph.Node) {
	d := m.noisy(phi, sigma)
	score, divergence = linearScore(phi, d), graph.Neg(nn.SumSites(graph.Reciprocal(d)))
	if r := m.remainder(phi, sigma); r.Known != nil {
		score, divergence = graph.Add(score, r.Known), graph.Add(divergence, r.Divergence)
	}
	return score, divergence
}

// gaussianPart is the part of a score that is known: a Gaussian, or a mixture of two.
type gaussianPart struct {
	lat      *lattice.Lattice
	spectrum []float64
	order    float64
}

// Lattice returns the lattice of the model.
func (p *gaussianPart) Lattice() *lattice.Lattice { return p.lat }

// Spectrum returns C_k, or nil for a model without a Gaussian part. The caller must
// not modify it.
func (p *gaussianPart) Spectrum() []float64 { return p.spectrum }

// Order returns μ, 0 for a single Gaussian.
func (p *gaussianPart) Order() float64 { return p.order }

// noisy returns C_k + σ² in the shape of phi.
func (p *gaussianPart) noisy(phi, sigma *graph.Node) *graph.Node {
	return noisySpectrum(p.lat, p.spectrum, phi, sigma)
}

// alignment returns tanh(μφ_0/(C_0+σ²)) and C_0+σ², [batch] each: the expected sign of
// the magnetisation of the clean field, given the noisy one.
func (p *gaussianPart) alignment(phi, sigma *graph.Node) (sign, width *graph.Node) {
	width = graph.AddScalar(graph.Square(sigma), p.spectrum[0])
	zero := graph.MulScalar(nn.SumSites(phi), 1/math.Sqrt(float64(p.lat.Volume())))
	return graph.Tanh(graph.Div(graph.MulScalar(zero, p.order), width)), width
}

// remainder returns the score of the mixture beyond that of a Gaussian, a constant
// field, and its divergence.
func (p *gaussianPart) remainder(phi, sigma *graph.Node) Remainder {
	if p.order == 0 {
		return Remainder{}
	}
	sign, width := p.alignment(phi, sigma)
	pull := graph.MulScalar(graph.Div(sign, width), p.order/math.Sqrt(float64(p.lat.Volume())))
	slope := graph.Square(graph.MulScalar(graph.Reciprocal(width), p.order))
	return Remainder{
		Known:      nn.PerSample(pull, phi),
		Divergence: graph.Mul(slope, graph.OneMinus(graph.Square(sign))),
	}
}

// noisySpectrum returns C_k + σ² with the shape [batch, extents…] of phi.
func noisySpectrum(lat *lattice.Lattice, spectrum []float64, phi, sigma *graph.Node) *graph.Node {
	c := hartley.Const(phi.Graph(), phi.DType(), spectrum, append([]int{1}, lat.Dims()...)...)
	return graph.Add(graph.BroadcastToDims(c, phi.Shape().Dimensions...), nn.PerSample(graph.Square(sigma), phi))
}

func linearScore(phi, noisy *graph.Node) *graph.Node {
	return graph.Neg(hartley.Filter(phi, graph.Reciprocal(noisy)))
}
