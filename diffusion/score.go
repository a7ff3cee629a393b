package diffusion

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/lattice"
)

// ScoreModel is a model of the score s(φ, σ) = ∇ log p_σ(φ), where p_σ is the data
// distribution convolved with N(0, σ²).
type ScoreModel interface {
	// Lattice returns the lattice whose fields the model takes.
	Lattice() *lattice.Lattice
	// Store holds the weights; a model without weights returns an empty store.
	Store() *model.Store
	// Score builds the graph of the score. phi has the shape [batch, extents…],
	// sigma (noise levels in the units of the field) the shape [batch], both with
	// the same floating-point type; the result has the shape and type of phi.
	// Like all functions that build GoMLX graphs it panics on malformed input.
	Score(scope *model.Scope, phi, sigma *graph.Node) *graph.Node
}

// DivergenceModel is a [ScoreModel] that knows the divergence ∇·s exactly.
type DivergenceModel interface {
	ScoreModel
	// ScoreDivergence builds the score and its divergence, of shape [batch].
	ScoreDivergence(scope *model.Scope, phi, sigma *graph.Node) (score, divergence *graph.Node)
}

// LinearModel is a [ScoreModel] that splits into the exact score of a Gaussian and
// a remainder, s(φ, σ)_k = -φ_k/(C_k + σ²) + r(φ, σ)_k, so that integrators can
// treat the linear part exactly.
type LinearModel interface {
	ScoreModel
	// Spectrum returns C_k, laid out like a field and even in every component of k,
	// or nil if this model has no linear part; see [Linear].
	Spectrum() []float64
	// Residual builds the remainder r(φ, σ), with the shapes of Score.
	Residual(scope *model.Scope, phi, sigma *graph.Node) *graph.Node
}

// Linear returns m as a [LinearModel], and whether it has a linear part.
func Linear(m ScoreModel) (LinearModel, bool) {
	l, ok := m.(LinearModel)
	return l, ok && l.Spectrum() != nil
}
