package unet

import (
	"encoding/json"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/nn"
)

const siteKind = "site"

func init() {
	diffusion.RegisterNetwork(siteKind, func(config json.RawMessage) (diffusion.Network, error) {
		var cfg SiteConfig
		if err := json.Unmarshal(config, &cfg); err != nil {
			return nil, fmt.Errorf("unet: malformed configuration: %w", err)
		}
		return NewSite(cfg)
	})
}

// SiteConfig describes a [Site] network. The zero value is the default network.
type SiteConfig struct {
	// Width is the number of channels of the hidden layers. Default 64.
	Width int `json:"width"`
	// Layers is the number of hidden layers. Default 2.
	Layers int `json:"layers"`
	// Embedding is the width of the embedding of the noise level. Default 32.
	Embedding int `json:"embedding"`
	// Parity says whether the network is odd in the field; if it is not, there are
	// shifts that depend on the noise level.
	Parity diffusion.Parity `json:"parity"`
}

// Site is a small fully connected network for theories of one site, such as the toy
// model (3.19) of arXiv:2309.17082. Its hidden layers are
//
//	h ← h + σ((1 + g(σ)) ⊙ (W h) + b(σ)),
//
// without the h of the first and without b for an odd network, with the odd activation
// x/√(1+x²). On a lattice of more sites it acts on each of them alone, which is
// right only for an action without couplings.
type Site struct {
	cfg SiteConfig
}

var _ diffusion.Network = (*Site)(nil)

// NewSite returns the network. It returns an error if a size in cfg is negative or above 4096.
func NewSite(cfg SiteConfig) (*Site, error) {
	if cfg.Width == 0 {
		cfg.Width = 64
	}
	if cfg.Layers == 0 {
		cfg.Layers = 2
	}
	if cfg.Embedding == 0 {
		cfg.Embedding = 32
	}
	if min(cfg.Width, cfg.Layers, cfg.Embedding) < 0 || max(cfg.Width, cfg.Layers, cfg.Embedding) > maxSize {
		return nil, fmt.Errorf("unet: expected sizes from 0 to 4096, got width %d, %d layers and an embedding of %d", cfg.Width, cfg.Layers, cfg.Embedding)
	}
	if err := cfg.Parity.Check(); err != nil {
		return nil, fmt.Errorf("unet: %w", err)
	}
	return &Site{cfg: cfg}, nil
}

// Kind returns "site".
func (s *Site) Kind() string { return siteKind }

// Config returns the [SiteConfig], with the defaults filled in.
func (s *Site) Config() any { return s.cfg }

// Adapt returns the network with the parity of the theory.
func (s *Site) Adapt(t diffusion.Theory) (diffusion.Architecture, error) {
	adapted := *s
	var err error
	if adapted.cfg.Parity, err = s.cfg.Parity.Resolve(t); err != nil {
		return nil, fmt.Errorf("unet: %w", err)
	}
	return &adapted, nil
}

// Apply builds the network; see [diffusion.Network].
func (s *Site) Apply(scope *model.Scope, in diffusion.Inputs) *graph.Node {
	b := &builder{scope: scope, embed: nn.NoiseEmbedding(scope, graph.Log(in.Sigma), in.Condition, s.cfg.Embedding), dim: in.Features.Rank() - 2}
	h := stack(in.Features)
	for i := range s.cfg.Layers {
		name := fmt.Sprintf("layer%d", i)
		y := b.gate(name+"_gate", b.pointwise(name, h, s.cfg.Width, 1))
		if s.cfg.Parity == diffusion.NoParity {
			y = b.shift(name+"_shift", y, b.shiftInit())
		}
		y = nn.OddSigmoid(y)
		if i > 0 {
			y = graph.Add(h, y)
		}
		h = y
	}
	y := b.pointwise("head", h, in.Outputs, 0)
	if s.cfg.Parity == diffusion.NoParity {
		y = b.shift("head_shift", y, nn.Zeros)
	}
	return unstack(y)
}
