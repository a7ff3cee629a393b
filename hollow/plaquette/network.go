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

// New returns the network with the given configuration, and an error for a size that is
// negative.
func New(cfg Config) (*Network, error) {
	if cfg.Hidden < 0 || cfg.Embedding < 0 {
		return nil, fmt.Errorf("plaquette: expected sizes that are not negative, got %+v", cfg)
	}
	if cfg.Hidden == 0 {
		cfg.Hidden = 24
	}
	if cfg.Embedding == 0 {
		cfg.Embedding = 16
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
// angles that is even in them.
func (n *Network) Adapt(t diffusion.Theory) (diffusion.Architecture, error) {
	switch s := t.Symmetries; {
	case !t.Quantized || t.Components != 1:
		return nil, fmt.Errorf("plaquette: expected a theory of lifted angles, got %v, quantized: %v", t.Layout, t.Quantized)
	case s != nil && !s.Sign:
		return nil, fmt.Errorf("plaquette: expected an action that is even in the angles, got one that is not")
	}
	return n, nil
}

// ApplyDivergence builds the network; see [diffusion.ExactNetwork].
func (n *Network) ApplyDivergence(scope *model.Scope, in diffusion.Inputs) (out, divergence *graph.Node) {
	b := newBuilder(n.cfg, scope, in)
	f := b.output()
	// A plaquette depends on itself and on the sum of all, which is held fixed: J is diagonal,
	// and the trace without the constant field is a part 1 - 1/V of its own.
	trace := graph.ReduceSum(graph.Reshape(f.slope, b.batch, b.sites), 1)
	return graph.Reshape(f.value, in.Field.Shape().Dimensions...), graph.MulScalar(trace, 1-1/float64(b.sites))
}
