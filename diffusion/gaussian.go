package diffusion

import (
	"fmt"
	"math"

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
type Gaussian struct {
	lat      *lattice.Lattice
	spectrum []float64
	store    *model.Store
}

var (
	_ DivergenceModel = (*Gaussian)(nil)
	_ LinearModel     = (*Gaussian)(nil)
)

// NewGaussian returns the Gaussian score with spectrum C_k, laid out like a field
// (k = 2πn/L). It returns an error unless there are V positive finite values that
// are even in every component of k, to a relative 1e-6.
func NewGaussian(lat *lattice.Lattice, spectrum []float64) (*Gaussian, error) {
	if err := checkSpectrum(lat, spectrum); err != nil {
		return nil, err
	}
	return &Gaussian{lat: lat, spectrum: append([]float64(nil), spectrum...), store: model.NewStore()}, nil
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

// Lattice returns the lattice of the model.
func (m *Gaussian) Lattice() *lattice.Lattice { return m.lat }

// Store returns an empty store: the model has no weights.
func (m *Gaussian) Store() *model.Store { return m.store }

// Spectrum returns C_k. The caller must not modify it.
func (m *Gaussian) Spectrum() []float64 { return m.spectrum }

// Score builds -φ_k/(C_k + σ²); see [ScoreModel].
func (m *Gaussian) Score(_ *model.Scope, phi, sigma *graph.Node) *graph.Node {
	return linearScore(phi, noisySpectrum(m.lat, m.spectrum, phi, sigma))
}

// Residual builds the zero field: the model is its own linear part.
func (m *Gaussian) Residual(_ *model.Scope, phi, _ *graph.Node) *graph.Node {
	return graph.ZerosLike(phi)
}

// ScoreDivergence builds the score and its divergence -Σ_k 1/(C_k + σ²).
func (m *Gaussian) ScoreDivergence(_ *model.Scope, phi, sigma *graph.Node) (score, divergence *graph.Node) {
	d := noisySpectrum(m.lat, m.spectrum, phi, sigma)
	return linearScore(phi, d), linearDivergence(d)
}

// noisySpectrum returns C_k + σ² with the shape [batch, extents…] of phi.
func noisySpectrum(lat *lattice.Lattice, spectrum []float64, phi, sigma *graph.Node) *graph.Node {
	c := hartley.Const(phi.Graph(), phi.DType(), spectrum, append([]int{1}, lat.Dims()...)...)
	return graph.Add(graph.BroadcastToDims(c, phi.Shape().Dimensions...), nn.PerSample(graph.Square(sigma), phi))
}

func linearScore(phi, noisy *graph.Node) *graph.Node {
	return graph.Neg(hartley.Filter(phi, graph.Reciprocal(noisy)))
}

func linearDivergence(noisy *graph.Node) *graph.Node {
	return graph.Neg(nn.SumSites(graph.Reciprocal(noisy)))
}
