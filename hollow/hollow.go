package hollow

import (
	"encoding/json"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
)

const kind = "hollow"

func init() {
	diffusion.RegisterNetwork(kind, func(config json.RawMessage) (*Network, error) {
		var cfg Config
		if err := json.Unmarshal(config, &cfg); err != nil {
			return nil, fmt.Errorf("hollow: malformed configuration: %w", err)
		}
		return New(cfg)
	})
}

// Config describes a [Network]. The zero value is the default network.
type Config struct {
	// Range is the largest distance per direction that the learned kernels reach; on a
	// lattice whose extents are at most 2·Range + 1 they cover all of it. The Wiener
	// filtered part of the context has no such limit. Default 4.
	Range int `json:"range"`
	// Features is the number of functions of the field at one site. Default 8.
	Features int `json:"features"`
	// Channels is the number of fields in the context. Default 32.
	Channels int `json:"channels"`
	// Profiles is the number of kernels per channel, mixed with coefficients that
	// depend on the noise level. Default 4.
	Profiles int `json:"profiles"`
	// Hidden is the width of the two hidden layers of G. Default 48.
	Hidden int `json:"hidden"`
	// Head is the number of sigmoids in the smoothed part. Default 16.
	Head int `json:"head"`
	// Local leaves out the zero mode φ_0 = Σ_x φ(x)/√V, by which, in units of its standard
	// deviation, every site otherwise knows the magnetisation. What that means for the
	// score depends on the volume: choose Local for a model that is to be moved to other
	// lattices.
	Local bool `json:"local"`
	// Embedding is the width of the embedding of the noise level. Default 32.
	Embedding int `json:"embedding"`
}

// Network is the network; see the package comment. Since no weight depends on the size
// of the lattice, a trained model can be moved to another one of the same dimension by
// [diffusion.Model.OnLattice]; that is sensible if it is Local and the kernels did not
// reach around the lattice of the training.
type Network struct {
	cfg Config
}

var _ diffusion.ExactNetwork = (*Network)(nil)

// New returns a network. It returns an error if a size in cfg is negative.
func New(cfg Config) (*Network, error) {
	for _, d := range []struct {
		size  *int
		value int
	}{
		{&cfg.Range, 4}, {&cfg.Features, 8}, {&cfg.Channels, 32}, {&cfg.Profiles, 4},
		{&cfg.Hidden, 48}, {&cfg.Head, 16}, {&cfg.Embedding, 32},
	} {
		if *d.size == 0 {
			*d.size = d.value
		}
		if *d.size < 0 {
			return nil, fmt.Errorf("hollow: expected sizes that are not negative, got %+v", cfg)
		}
	}
	return &Network{cfg: cfg}, nil
}

// Kind returns "hollow".
func (n *Network) Kind() string { return kind }

// Config returns the [Config], with the defaults filled in.
func (n *Network) Config() any { return n.cfg }

// LearningRate returns 5e-3, which suits the network at its default size.
func (n *Network) LearningRate() float64 { return 5e-3 }

// Adapt returns the network itself. It returns an error for a lattice of a single site,
// where there is no context, for several components, and for an action that is not even.
func (n *Network) Adapt(t diffusion.Theory) (diffusion.Architecture, error) {
	switch {
	case t.Volume() < 2:
		return nil, fmt.Errorf("hollow: expected a lattice of more than one site, got %v", t.Layout)
	case t.Components != 1:
		return nil, fmt.Errorf("hollow: expected fields of one component, got %v", t.Layout)
	}
	if _, err := diffusion.Odd.Resolve(t); err != nil {
		return nil, fmt.Errorf("hollow: %w", err)
	}
	return n, nil
}
