package diffusion

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/lattice"
)

// Theory is what a network has to know of a theory before it is built.
type Theory struct {
	// Layout is that of the fields.
	lattice.Layout
	// Symmetries are those of the action, nil if they are not known.
	Symmetries *lattice.Symmetries
	// Space is that of the fields, nil: [Euclidean]. The divergence of an [ExactNetwork] is that
	// in the directions in which noise moves a field, of its output there: for [LiftedAngles]
	// Σ_x ∂out(x)/∂φ(x) - (1/V) Σ_xy ∂out(x)/∂φ(y), in which the sum of the field is held fixed.
	Space Space
	// Conditions is the number of conditions, see [ModelConfig]; a network that has no place for
	// any returns an error from Adapt.
	Conditions int
}

// Fixed returns the modes of a field that noise leaves alone, see [Space].
func (t Theory) Fixed() []int {
	if t.Space == nil {
		return nil
	}
	return t.Space.Fixed(t.Layout)
}

// Architecture is what a [Model] can wrap: a [Network] or an [ExactNetwork].
type Architecture interface {
	// Kind names the architecture, the key under which its package registers the
	// function that restores it from a file; see [RegisterNetwork].
	Kind() string
	// Config returns the architecture as a value that encoding/json can marshal.
	Config() any
	// Adapt returns the network for a theory: the choices that its configuration
	// leaves open are made by the layout and the symmetries, for example whether it is
	// odd in the field. It returns an error if the network cannot describe the theory.
	// A network that has been adapted to a theory is not changed by doing it again.
	Adapt(t Theory) (Architecture, error)
}

// Network is a bare neural network, whose divergence is not known.
type Network interface {
	Architecture
	// Apply builds the network: in.Outputs fields, as the channels of one tensor
	// [batch, outputs, extents…], from in.Features. They should vanish, or be small,
	// with freshly initialised parameters.
	Apply(scope *model.Scope, in Inputs) *graph.Node
}

// ExactNetwork is a network whose divergence is known. The flow of a [Model] with
// such a network needs no probes.
type ExactNetwork interface {
	Architecture
	// ApplyDivergence builds the network: a field of the shape of in.Field, which
	// should have about unit variance when trained and vanish with freshly
	// initialised parameters, and its divergence Σ_i ∂out_i/∂φ_i over components and
	// sites, of shape [batch], to which the dependence of in.Sign on φ contributes.
	ApplyDivergence(scope *model.Scope, in Inputs) (out, divergence *graph.Node)
}

// Rater is implemented by networks that know which learning rate suits them.
type Rater interface {
	// LearningRate returns the peak learning rate of Adam for batches of 64.
	LearningRate() float64
}

// Inputs are what a network sees. Fields have the shape [batch, components, extents…].
type Inputs struct {
	// Theory has the layout and the symmetries.
	Theory
	// Field is the noisy field φ without its mean, in an ordered phase also without
	// Sign·Shift. With Sign held fixed, ∂Field_i/∂φ_j = δ_ij.
	Field *graph.Node
	// Sigma is the noise level in units of the field, of shape [batch] or, if it is one
	// for all samples, [1].
	Sigma *graph.Node
	// Spectrum is C_k, [components, sites], in float64 whatever the type of Field, which is
	// Gaussian with the spectrum C_k + σ² up to what the network has to learn. It is an input
	// of the graph: the network is the same for every spectrum. Nil for a model without.
	Spectrum *graph.Node
	// Sign is the expected sign tanh(μφ_0/(C_0+σ²)) of the magnetisation, [batch],
	// Slope its derivative ∂Sign/∂φ(x), which is the same for all sites x, [batch], and
	// Shift the size μ/√V of the magnetisation, a scalar. They are nil for a single Gaussian.
	Sign, Slope, Shift *graph.Node
	// Condition are the numbers of [ModelConfig].Condition, [1, numbers], nil for a model without.
	Condition *graph.Node
	// Features are for a [Network]: fields of about unit variance at every noise level,
	// as channels [batch, channels, extents…], and Outputs is the number of fields that
	// it returns. They are the scaled noisy field and, for a model with a spectrum,
	// the Wiener estimate of the clean one and in an ordered phase Sign.
	Features *graph.Node
	Outputs  int
}

// adapt returns the network for a theory, and an error if it is no network at all.
func adapt(network Architecture, t Theory) (Architecture, error) {
	if network == nil {
		return nil, fmt.Errorf("diffusion: expected a network, got nil")
	}
	adapted, err := network.Adapt(t)
	if err != nil {
		return nil, err
	}
	_, exact := adapted.(ExactNetwork)
	if _, ok := adapted.(Network); !ok && !exact {
		return nil, fmt.Errorf("diffusion: expected a Network or an ExactNetwork, got %T", adapted)
	}
	return adapted, nil
}
