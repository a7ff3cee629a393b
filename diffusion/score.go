package diffusion

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/lattice"
)

// ScoreModel is a model of the score s(φ, σ) = ∇ log p_σ(φ), where p_σ is the data
// distribution convolved with N(0, σ²).
type ScoreModel interface {
	// Layout returns the layout of the fields that the model takes.
	Layout() lattice.Layout
	// Store holds the weights; a model without weights returns an empty store.
	Store() *model.Store
	// Score builds the graph of the score. phi has the shape [batch, components, extents…],
	// sigma (noise levels in the units of the field) the shape [batch] or, for one
	// level that all samples share, [1], both with the same floating-point type; the
	// result has the shape and type of phi.
	// Like all functions that build GoMLX graphs it panics on malformed input.
	Score(scope *model.Scope, phi, sigma *graph.Node) *graph.Node
}

// DivergenceModel is a [ScoreModel] that knows the divergence ∇·s exactly.
type DivergenceModel interface {
	ScoreModel
	// ScoreDivergence builds the score and its divergence, of shape [batch].
	ScoreDivergence(scope *model.Scope, phi, sigma *graph.Node) (score, divergence *graph.Node)
}

// LinearModel is a [ScoreModel] that splits into the exact score of a Gaussian with mean
// m and a remainder, s(φ, σ)_k = -(φ - m)_k/(C_k + σ²) + r(φ, σ)_k, so that integrators
// can treat the linear part exactly.
type LinearModel interface {
	ScoreModel
	// Spectrum returns C_k, laid out like a field and even in every component of k,
	// or nil if this model has no linear part; see [Linear].
	Spectrum() []float64
	// Mean returns m for every component, or nil for zero.
	Mean() []float64
	// Order returns μ ≥ 0: if it is positive, the data are modelled as an equal
	// mixture of two Gaussians with the spectrum C_k, whose zero modes
	// φ_0 = Σ_x φ(x)/√V are centred at ±μ; see [Gaussian].
	Order() float64
	// Remainder builds r(φ, σ), with the shapes of Score.
	Remainder(scope *model.Scope, phi, sigma *graph.Node) Remainder
}

// Remainder is the graph of the non-linear part of a score, in two pieces.
type Remainder struct {
	// Learned is the piece whose divergence has to be estimated; nil: none.
	Learned *graph.Node
	// Known is the piece whose divergence, of shape [batch], is known; nil: none.
	Known, Divergence *graph.Node
}

// Sum returns both pieces together, or nil if there is neither.
func (r Remainder) Sum() *graph.Node {
	switch {
	case r.Learned == nil:
		return r.Known
	case r.Known == nil:
		return r.Learned
	}
	return graph.Add(r.Learned, r.Known)
}

// Linear returns m as a [LinearModel], and whether it has a linear part.
func Linear(m ScoreModel) (LinearModel, bool) {
	l, ok := m.(LinearModel)
	return l, ok && l.Spectrum() != nil
}
