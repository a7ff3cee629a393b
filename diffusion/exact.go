package diffusion

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/internal/nn"
	"github.com/latdiff/latdiff/lattice"
)

// ExactNetwork is a network whose divergence is known. The flow of a [Model] with
// such a network needs no probes.
type ExactNetwork interface {
	Architecture
	// ApplyDivergence builds the network: a field of the shape of in.Field, which
	// should have about unit variance when trained and vanish with freshly
	// initialised parameters, and its divergence Σ_x ∂out(x)/∂φ(x), of shape [batch],
	// to which the dependence of in.Sign on φ contributes.
	ApplyDivergence(scope *model.Scope, in ExactInputs) (out, divergence *graph.Node)
}

// ExactInputs are the inputs of an [ExactNetwork].
type ExactInputs struct {
	// Field is the noisy field φ, in an ordered phase φ - Sign·Shift, with the shape
	// [batch, extents…]. With Sign held fixed, ∂Field(x)/∂φ(y) = δ_xy.
	Field *graph.Node
	// Sigma is the noise level, of shape [batch] or, if it is one for all samples, [1].
	Sigma *graph.Node
	// Spectrum is C_k, laid out like a field: the Field is Gaussian with the spectrum
	// C_k + σ², up to what the network has to learn.
	Spectrum []float64
	// Sign is the expected sign tanh(μφ_0/(C_0+σ²)) of the magnetisation, [batch],
	// Slope its derivative ∂Sign/∂φ(x), which is the same for all sites x, [batch], and
	// Shift the size μ/√V of the magnetisation. Sign is nil for a single Gaussian.
	Sign, Slope *graph.Node
	Shift       float64
}

// exact builds an ExactNetwork and its whole divergence, both to be scaled by c(σ).
func (m *Model) exact(network ExactNetwork, scope *model.Scope, phi, sigma *graph.Node) (out, divergence *graph.Node) {
	in := ExactInputs{Field: phi, Sigma: sigma, Spectrum: m.spectrum}
	if m.order == 0 {
		return network.ApplyDivergence(scope, in)
	}
	in.Shift = m.order / math.Sqrt(float64(m.lat.Volume()))
	sign, width := m.alignment(phi, sigma)
	in.Sign = sign
	in.Slope = graph.Div(graph.MulScalar(graph.OneMinus(graph.Square(sign)), in.Shift), width)
	in.Field = graph.Sub(phi, graph.MulScalar(nn.PerSample(sign, phi), in.Shift))
	return network.ApplyDivergence(scope, in)
}

// OnLattice returns a model with the network and the weights of m, copied, on another
// lattice of the same dimension, for which cfg holds the spectra: short samples
// measure them, while the network has learned from a small lattice. It returns an error
// if m has no weights yet, if the network does not fit lat, or as [NewModel] does.
func (m *Model) OnLattice(lat *lattice.Lattice, cfg ModelConfig) (*Model, error) {
	if lat != nil && lat.Dim() != m.lat.Dim() {
		return nil, fmt.Errorf("diffusion: expected a lattice of dimension %d, got %v", m.lat.Dim(), lat)
	}
	moved, err := NewModel(lat, m.network, cfg)
	if err != nil {
		return nil, err
	}
	if (moved.order > 0) != (m.order > 0) || (moved.spectrum == nil) != (m.spectrum == nil) {
		return nil, fmt.Errorf("diffusion: expected a Gaussian part of the same kind, with order %v, got %v", m.order, moved.order)
	}
	weights, err := copyWeights(m.store, netScope)
	if err != nil {
		return nil, err
	}
	if len(weights) == 0 {
		return nil, fmt.Errorf("diffusion: expected a model with weights, got one whose graph was never built")
	}
	return moved.withWeights(weights)
}

// copyWeights returns copies of the variables below scope, as weights of a model.
func copyWeights(store *model.Store, scope string) ([]namedTensor, error) {
	var weights []namedTensor
	for v := range store.Scope(scope).IterVariables() {
		value, err := v.MustValue().LocalClone()
		if err != nil {
			return nil, fmt.Errorf("diffusion: copying weight %s: %w", v.Path(), err)
		}
		weights = append(weights, namedTensor{netScope + v.Path()[len(scope):], value})
	}
	return weights, nil
}
