package plaquette

import (
	"encoding/json"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
)

// Config describes a [Network]. The zero value is the default.
type Config struct {
	// Hidden is the number of units in each of the two hidden layers. Default 24.
	Hidden int `json:"hidden"`
	// Embedding is the width of the embedding of the noise level. Default 16.
	Embedding int `json:"embedding"`
	// Context is the number of combinations of odd functions of the plaquettes around, and of
	// even ones. Default 0: plaquettes are independent but for their sum.
	Context int `json:"context,omitempty"`
	// Range is the largest distance in every direction of the plaquettes of the context.
	// Default 2; unused without Context.
	Range int `json:"range,omitempty"`
}

// Network is the score network of lifted plaquettes, see the package documentation. It is
// a [diffusion.ExactNetwork].
type Network struct{ cfg Config }

const kind = "plaquette"

func init() {
	diffusion.RegisterNetwork(kind, func(config json.RawMessage) (*Network, error) {
		var cfg Config
		if err := json.Unmarshal(config, &cfg); err != nil {
			return nil, fmt.Errorf("plaquette: %w", err)
		}
		return New(cfg)
	})
}

// maxSize bounds every size in a [Config], which may be from a file.
const maxSize = 1 << 12

// maxAround bounds the number of plaquettes of the context.
const maxAround = 1 << 16

// New returns the network with the given configuration, and an error for a size that is
// negative or above 4096.
func New(cfg Config) (*Network, error) {
	for _, n := range []int{cfg.Hidden, cfg.Embedding, cfg.Context, cfg.Range} {
		if n < 0 || n > maxSize {
			return nil, fmt.Errorf("plaquette: expected sizes from 0 to %d, got %+v", maxSize, cfg)
		}
	}
	if cfg.Hidden == 0 {
		cfg.Hidden = 24
	}
	if cfg.Embedding == 0 {
		cfg.Embedding = 16
	}
	switch {
	case cfg.Context == 0:
		cfg.Range = 0
	case cfg.Range == 0:
		cfg.Range = 2
	}
	return &Network{cfg}, nil
}

// Kind returns "plaquette".
func (n *Network) Kind() string { return kind }

// Config returns the [Config], with the defaults filled in.
func (n *Network) Config() any { return n.cfg }

// LearningRate returns 5e-3.
func (n *Network) LearningRate() float64 { return 5e-3 }

// Adapt returns the network itself. It returns an error unless the theory is one of lifted
// angles that is even in them, and for a context of more than 65536 plaquettes.
func (n *Network) Adapt(t diffusion.Theory) (diffusion.Architecture, error) {
	_, lifted := t.Space.(diffusion.LiftedAngles)
	switch s := t.Symmetries; {
	case !lifted || t.Components != 1:
		return nil, fmt.Errorf("plaquette: expected a theory of lifted angles, got %v in the space %T", t.Layout, t.Space)
	case s != nil && !s.Sign:
		return nil, fmt.Errorf("plaquette: expected an action that is even in the angles, got one that is not")
	}
	around := 1
	for range t.Dim() {
		if around *= 2*n.cfg.Range + 1; around > maxAround {
			return nil, fmt.Errorf("plaquette: expected a context of at most %d plaquettes, got the range %d in %d dimensions", maxAround, n.cfg.Range, t.Dim())
		}
	}
	return n, nil
}

// ApplyDivergence builds the network; see [diffusion.ExactNetwork].
func (n *Network) ApplyDivergence(scope *model.Scope, in diffusion.Inputs) (out, divergence *graph.Node) {
	b := newBuilder(n.cfg, scope, in)
	f := b.output()
	// tr J - (1/V) Σ_xy J(x,y).
	sum := func(x *graph.Node) *graph.Node { return graph.ReduceSum(graph.Reshape(x, b.batch, b.sites), 1) }
	divergence = graph.Sub(sum(f.slope), graph.MulScalar(sum(f.total()), 1/float64(b.sites)))
	return graph.Reshape(f.value, in.Field.Shape().Dimensions...), divergence
}
