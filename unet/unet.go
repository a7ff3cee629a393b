package unet

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/nn"
)

const kind = "unet"

func init() {
	diffusion.RegisterNetwork(kind, func(config json.RawMessage) (diffusion.Network, error) {
		var cfg Config
		if err := json.Unmarshal(config, &cfg); err != nil {
			return nil, fmt.Errorf("unet: malformed configuration: %w", err)
		}
		return New(cfg)
	})
}

// Config describes a [Network]. The zero value is the default network.
type Config struct {
	// Channels is the number of channels at each resolution, finest first; every
	// further entry halves all extents. Default {16, 32, 64}.
	Channels []int `json:"channels"`
	// Blocks is the number of residual blocks per resolution and path. Default 1.
	Blocks int `json:"blocks"`
	// Stencil is that of all convolutions. Default Cross.
	Stencil Stencil `json:"stencil"`
	// Embedding is the width of the embedding of the noise level. Default 32.
	Embedding int `json:"embedding"`
	// Norm says how the output of every convolution is normalised. Default NoNorm.
	Norm Norm `json:"norm"`
	// D4 averages the network over the point group of the lattice, the reflections of
	// every axis and the exchanges of axes of equal extent (D4 on a square lattice),
	// with which it then commutes. The cost grows by the order of the group: 8 on a
	// square lattice, 4 on a rectangular one, 2^d·d! on a hypercubic one.
	D4 bool `json:"d4"`
	// Parity says whether the network is odd in the field; if it is not, there are
	// shifts that depend on the noise level. Left open, it is that of the action.
	Parity diffusion.Parity `json:"parity,omitempty"`
}

// Network is the U-Net. Per resolution, down and up, it applies residual blocks
//
//	h ← h + V · σ((1 + g(σ)) ⊙ N(W ∗ h) + b(σ)),
//
// with a periodic convolution W, the normalisation N if one is configured, channel
// gates g that depend on the noise level, the odd activation x/√(1+x²), a pointwise V and,
// for a network that is not odd, shifts b. The components of a field are channels. Coarsening merges the 2^d sites of a cell into channels, refining is
// the inverse; skip connections add.
type Network struct {
	cfg Config
}

var _ diffusion.Network = (*Network)(nil)

// These bound what a configuration from a file may ask for: its sizes, the number of
// resolutions, and the dimensions of networks whose stencil or group grows with 3^d or 2^d·d!.
const (
	maxSize        = 1 << 12
	maxResolutions = 30
	maxBoxDim      = 8
	maxD4Dim       = 5
)

// New returns a U-Net. It returns an error if a size in cfg is negative, above 4096, or zero
// where a list is given, or for an unknown stencil or norm.
func New(cfg Config) (*Network, error) {
	if cfg.Channels == nil {
		cfg.Channels = []int{16, 32, 64}
	}
	if cfg.Blocks == 0 {
		cfg.Blocks = 1
	}
	if cfg.Stencil == "" {
		cfg.Stencil = Cross
	}
	if cfg.Embedding == 0 {
		cfg.Embedding = 32
	}
	if cfg.Norm == "" {
		cfg.Norm = NoNorm
	}
	if err := cfg.Parity.Check(); err != nil {
		return nil, fmt.Errorf("unet: %w", err)
	}
	if len(cfg.Channels) == 0 {
		return nil, fmt.Errorf("unet: expected at least one resolution, got none")
	}
	if len(cfg.Channels) > maxResolutions {
		return nil, fmt.Errorf("unet: expected at most %d resolutions, got %d", maxResolutions, len(cfg.Channels))
	}
	for _, c := range cfg.Channels {
		if c < 1 || c > maxSize {
			return nil, fmt.Errorf("unet: expected numbers of channels from 1 to %d, got %v", maxSize, cfg.Channels)
		}
	}
	if cfg.Stencil != Cross && cfg.Stencil != Box {
		return nil, fmt.Errorf("unet: expected the stencil %q or %q, got %q", Cross, Box, cfg.Stencil)
	}
	if cfg.Norm != NoNorm && cfg.Norm != SiteNorm && cfg.Norm != GroupNorm {
		return nil, fmt.Errorf("unet: expected the norm %q, %q or %q, got %q", NoNorm, SiteNorm, GroupNorm, cfg.Norm)
	}
	if cfg.Blocks < 0 || cfg.Blocks > maxSize || cfg.Embedding < 0 || cfg.Embedding > maxSize {
		return nil, fmt.Errorf("unet: expected sizes from 0 to %d, got %d blocks and an embedding of %d", maxSize, cfg.Blocks, cfg.Embedding)
	}
	return &Network{cfg: cfg}, nil
}

// Kind returns "unet".
func (u *Network) Kind() string { return kind }

// Config returns the [Config], with the defaults filled in.
func (u *Network) Config() any { return u.cfg }

// Adapt returns the network with the parity of the theory. It returns an error unless every
// extent of the lattice is divisible by 2 to the number of coarser resolutions, for an odd
// network if the action is not even, and for D4 if the action is not invariant under
// reflections and exchanges of axes.
func (u *Network) Adapt(t diffusion.Theory) (diffusion.Architecture, error) {
	if d := t.Dim(); u.cfg.Stencil == Box && d > maxBoxDim || u.cfg.D4 && d > maxD4Dim {
		return nil, fmt.Errorf("unet: expected at most %d dimensions with the stencil %q and %d with D4, got %d", maxBoxDim, Box, maxD4Dim, d)
	}
	cell := 1 << (len(u.cfg.Channels) - 1)
	for _, n := range t.Dims() {
		if n%cell != 0 {
			return nil, fmt.Errorf("unet: expected extents divisible by %d for %d resolutions, got %v: give Channels fewer entries", cell, len(u.cfg.Channels), t.Layout)
		}
	}
	if s := t.Symmetries; u.cfg.D4 && s != nil && !(s.Reflection && s.Exchange) {
		return nil, fmt.Errorf("unet: expected an action that is invariant under reflections and exchanges of axes for a network with D4, got one that is not")
	}
	adapted := *u
	var err error
	if adapted.cfg.Parity, err = u.cfg.Parity.Resolve(t); err != nil {
		return nil, fmt.Errorf("unet: %w", err)
	}
	return &adapted, nil
}

// Apply builds the network; see [diffusion.Network].
func (u *Network) Apply(scope *model.Scope, in diffusion.Inputs) *graph.Node {
	logSigma := graph.Log(in.Sigma)
	if u.cfg.D4 {
		return averaged(in.Features, logSigma, func(features, logSigma *graph.Node) *graph.Node {
			return u.apply(scope, features, logSigma, in.Condition, in.Outputs)
		})
	}
	return u.apply(scope, in.Features, logSigma, in.Condition, in.Outputs)
}

func (u *Network) apply(scope *model.Scope, features, logSigma, condition *graph.Node, outputs int) *graph.Node {
	b := &builder{
		scope: scope,
		embed: nn.NoiseEmbedding(scope, logSigma, condition, u.cfg.Embedding),
		dim:   features.Rank() - 2,
		cfg:   u.cfg,
	}
	h := b.conv("stem", stack(features), u.cfg.Channels[0], 1)
	var skips []*graph.Node
	for level, channels := range u.cfg.Channels {
		if level > 0 {
			skips = append(skips, h)
			h = b.pointwise(fmt.Sprintf("down%d", level), coarsen(h), channels, 1)
		}
		for i := range u.cfg.Blocks {
			h = b.block(fmt.Sprintf("enc%d_%d", level, i), h)
		}
	}
	cells := 1 << b.dim
	for level := len(u.cfg.Channels) - 2; level >= 0; level-- {
		up := b.pointwise(fmt.Sprintf("up%d", level), h, cells*u.cfg.Channels[level], 1)
		h = graph.Add(refine(up), skips[level])
		for i := range u.cfg.Blocks {
			h = b.block(fmt.Sprintf("dec%d_%d", level, i), h)
		}
	}
	y := b.pointwise("head", h, outputs, 0)
	if b.cfg.Parity == diffusion.NoParity {
		y = b.shift("head_shift", y, nn.Zeros)
	}
	return unstack(y)
}

// stack turns fields [batch, channels, extents…] into feature maps [channels, extents…,
// batch].
func stack(fields *graph.Node) *graph.Node {
	rank := fields.Rank()
	perm := make([]int, rank)
	for i := range perm {
		perm[i] = (i + 1) % rank
	}
	return graph.TransposeAllAxes(fields, perm...)
}

// unstack is the inverse of stack.
func unstack(x *graph.Node) *graph.Node {
	rank := x.Rank()
	perm := make([]int, rank)
	for i := range perm {
		perm[i] = (i + rank - 1) % rank
	}
	return graph.TransposeAllAxes(x, perm...)
}

// builder carries what all layers of one graph share.
type builder struct {
	scope *model.Scope
	embed *graph.Node // [batch, width]
	dim   int
	cfg   Config
}

// conv adds a periodic convolution, initialised to preserve a variance up to
// gain².
func (b *builder) conv(name string, x *graph.Node, out int, gain float64) *graph.Node {
	fan := b.cfg.Stencil.taps(b.dim) * x.Shape().Dimensions[0]
	w := nn.Param(b.scope.At("%s", name), x.Graph(), x.DType(), "w", nn.Normal(gain/math.Sqrt(float64(fan))), out, fan)
	return conv(b.cfg.Stencil, x, w)
}

// pointwise adds a 1×…×1 convolution, initialised like conv.
func (b *builder) pointwise(name string, x *graph.Node, out int, gain float64) *graph.Node {
	in := x.Shape().Dimensions[0]
	w := nn.Param(b.scope.At("%s", name), x.Graph(), x.DType(), "w", nn.Normal(gain/math.Sqrt(float64(in))), out, in)
	return pointwise(x, w)
}

// gate multiplies the channels of x by 1 + g(σ), with g = 0 at initialisation.
func (b *builder) gate(name string, x *graph.Node) *graph.Node {
	channels, batch := x.Shape().Dimensions[0], x.Shape().Dimensions[x.Rank()-1]
	g := nn.Dense(b.scope.At("%s", name), b.embed, channels, nn.Zeros)
	g = graph.AddScalar(graph.Reshape(graph.Transpose(g, 0, 1), channels, 1, batch), 1)
	maps := bySites(x)
	return graph.Reshape(graph.Mul(maps, repeatSites(g, maps.Shape().Dimensions[1])), x.Shape().Dimensions...)
}

// block adds one residual block.
func (b *builder) block(name string, h *graph.Node) *graph.Node {
	channels := h.Shape().Dimensions[0]
	y := normalise(b.cfg.Norm, b.conv(name+"_conv", h, channels, 1))
	y = b.gate(name+"_gate", y)
	if b.cfg.Parity == diffusion.NoParity {
		y = b.shift(name+"_shift", y, b.shiftInit())
	}
	y = nn.OddSigmoid(y)
	return graph.Add(h, b.pointwise(name+"_mix", y, channels, 0.5))
}

// shift adds a number b(σ) to every channel of x.
func (b *builder) shift(name string, x *graph.Node, init nn.Init) *graph.Node {
	channels, batch := x.Shape().Dimensions[0], x.Shape().Dimensions[x.Rank()-1]
	t := nn.Dense(b.scope.At("%s", name), b.embed, channels, init)
	t = graph.Reshape(graph.Transpose(t, 0, 1), channels, 1, batch)
	maps := bySites(x)
	return graph.Reshape(graph.Add(maps, repeatSites(t, maps.Shape().Dimensions[1])), x.Shape().Dimensions...)
}

// shiftInit draws the weights of the shifts of hidden layers, of about unit size.
func (b *builder) shiftInit() nn.Init {
	return nn.Normal(1 / math.Sqrt(float64(b.embed.Shape().Dimensions[1])))
}
