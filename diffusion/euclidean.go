package diffusion

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/lattice"
)

// Euclidean is the [Space] of fields that are any real numbers: noise moves all modes, and the
// prior is a Gaussian, or a mixture of two.
type Euclidean struct{}

func init() { RegisterSpace[Euclidean](nil) }

// Kind returns "euclidean".
func (Euclidean) Kind() string { return "euclidean" }

// Check returns no error.
func (Euclidean) Check(ModelConfig) error { return nil }

// CheckFields returns no error.
func (Euclidean) CheckFields(*lattice.Ensemble) error { return nil }

// Wrap leaves fields as they are.
func (Euclidean) Wrap(lattice.Layout, []float64) {}

// Fixed returns none.
func (Euclidean) Fixed(lattice.Layout) []int { return nil }

// Tangent returns x.
func (Euclidean) Tangent(x *graph.Node) *graph.Node { return x }

// Prior returns the Gaussian with the variance C_k + σ² per mode around the mean of the model, for
// a model with an order an equal mixture of two, whose zero modes are centred at ±μ, and N(0, σ²)
// for a model without a linear part.
func (Euclidean) Prior(m ScoreModel, sigma float64) Prior {
	p := newGaussianPrior(m.Layout(), sigma)
	if l, ok := Linear(m); ok {
		p.setLinear(l)
	}
	return p
}

// Measure sets mean, spectrum, order and the potential of a site, as [Measure] says.
func (Euclidean) Measure(m *Measurement, action lattice.Action, ens *lattice.Ensemble) error {
	m.gaussian(ens, *m.Symmetries)
	m.sharpen(action, ens, *m.Symmetries)
	if err := m.checkFluctuates(); err != nil {
		return err
	}
	if m.Symmetries.Sign && ens.Components == 1 {
		m.order(ens, m.ordered)
	}
	m.site(action)
	return nil
}

// Average returns the spectrum as it is.
func (Euclidean) Average(spectrum []float64) []float64 { return spectrum }
