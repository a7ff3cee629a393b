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

const paperKind = "unet-paper"

func init() {
	diffusion.RegisterNetwork(paperKind, func(config json.RawMessage) (diffusion.Network, error) {
		var cfg PaperConfig
		if err := json.Unmarshal(config, &cfg); err != nil {
			return nil, fmt.Errorf("unet: malformed configuration: %w", err)
		}
		return NewPaper(cfg)
	})
}

// PaperConfig describes a [Paper] network. The zero value is the published one.
type PaperConfig struct {
	// Channels is the number of channels after each convolution of the encoder.
	// Default {32, 64, 128, 256}. The first must be a multiple of 4, the others of 32.
	Channels []int `json:"channels"`
	// Embedding is the width of the embedding of the time, an even number. Default 256.
	Embedding int `json:"embedding"`
	// Scale is the standard deviation of the random frequencies of the embedding.
	// Default 30.
	Scale float64 `json:"scale"`
	// Sigma is the base σ of the noise schedule s(t)² = (σ^{2t} - 1)/(2 ln σ), which
	// turns noise levels into the time that the network sees. Default 25.
	Sigma float64 `json:"sigma"`
	// Strided selects a variant with as many parameters and one fortieth of the
	// arithmetic: no convolution is padded, and all but the outermost ones have stride
	// 2. With the default channels it needs extents that are multiples of 8, from 24.
	Strided bool `json:"strided"`
}

// Paper is the network of appendix A of arXiv:2309.17082, as published: four 3×3
// convolutions 1→32→64→128→256 and four transposed ones back, all with stride 1 and
// zeros beyond the edges, a Gaussian Fourier embedding of the time t with fixed
// frequencies, dense layers that add the embedding to the channels, group
// normalisation, swish, and skip connections by concatenation. The division by s(t)
// at its end is left to the model around it.
//
// It is neither odd nor does it commute with translations, because of the edges, and
// with fresh weights it does not vanish. For one feature and one output in two
// dimensions it has 1 115 425 parameters, including the 128 frequencies. Initial
// weights are drawn from the distributions that PyTorch uses for these layers.
type Paper struct {
	cfg PaperConfig
}

var _ diffusion.Network = (*Paper)(nil)

// NewPaper returns the network. It returns an error if a size in cfg is not possible.
func NewPaper(cfg PaperConfig) (*Paper, error) {
	if cfg.Channels == nil {
		cfg.Channels = []int{32, 64, 128, 256}
	}
	if cfg.Embedding == 0 {
		cfg.Embedding = 256
	}
	if cfg.Scale == 0 {
		cfg.Scale = 30
	}
	if cfg.Sigma == 0 {
		cfg.Sigma = 25
	}
	if len(cfg.Channels) == 0 || len(cfg.Channels) > maxResolutions {
		return nil, fmt.Errorf("unet: expected from 1 to %d convolutions, got %d", maxResolutions, len(cfg.Channels))
	}
	for i, c := range cfg.Channels {
		if c < 1 || c > maxSize || c%paperGroups(i) != 0 {
			return nil, fmt.Errorf("unet: expected positive numbers of channels, a multiple of 4 and then multiples of 32, got %v", cfg.Channels)
		}
	}
	if len(cfg.Channels) > 1 && cfg.Channels[0]%paperGroups(1) != 0 {
		return nil, fmt.Errorf("unet: expected a multiple of 32 channels at the end of the decoder, got %d", cfg.Channels[0])
	}
	if cfg.Embedding < 2 || cfg.Embedding > maxSize || cfg.Embedding%2 != 0 {
		return nil, fmt.Errorf("unet: expected an even width of the embedding from 2 to %d, got %d", maxSize, cfg.Embedding)
	}
	if !(cfg.Scale > 0) || math.IsInf(cfg.Scale, 0) || !(cfg.Sigma > 1) || math.IsInf(cfg.Sigma, 0) {
		return nil, fmt.Errorf("unet: expected a positive scale and σ > 1, got %v and %v", cfg.Scale, cfg.Sigma)
	}
	return &Paper{cfg: cfg}, nil
}

// paperGroups returns the number of groups of channels behind convolution i.
func paperGroups(i int) int {
	if i == 0 {
		return 4
	}
	return 32
}

// Kind returns "unet-paper".
func (p *Paper) Kind() string { return paperKind }

// Config returns the [PaperConfig], with the defaults filled in.
func (p *Paper) Config() any { return p.cfg }

// Adapt returns the network itself. It returns an error if the strided variant does not
// return to the extents of the lattice; the published network takes any.
func (p *Paper) Adapt(t diffusion.Theory) (diffusion.Architecture, error) {
	if t.Conditions > 0 {
		return nil, fmt.Errorf("unet: expected a model without a condition for the published network, got %d", t.Conditions)
	}
	for _, n := range t.Dims() {
		m := n
		for level := range p.cfg.Channels {
			down := p.window(level)
			coarse := down.outputs(m)
			if coarse < 1 || down.returned(coarse) != m {
				return nil, fmt.Errorf("unet: expected extents that %d unpadded convolutions of stride 2 and their transposed ones restore, got %v",
					len(p.cfg.Channels)-1, t.Layout)
			}
			m = coarse
		}
	}
	return p, nil
}

// window returns the window of convolution number level.
func (p *Paper) window(level int) window {
	switch {
	case !p.cfg.Strided:
		return window{stride: 1, pad: 1}
	case level == 0:
		return window{stride: 1}
	}
	return window{stride: 2}
}

// returned returns the outputs of a transposed convolution of n sites along an axis,
// with one trailing site for stride 2.
func (k window) returned(n int) int { return k.stride*n + 2 - 2*k.pad }

// Apply builds the network; see [diffusion.Network].
func (p *Paper) Apply(scope *model.Scope, in diffusion.Inputs) *graph.Node {
	b := &paperBuilder{scope: scope, dim: in.Features.Rank() - 2}
	b.embed = b.timeEmbedding(graph.Log(in.Sigma), p.cfg)
	levels := len(p.cfg.Channels)
	h := stack(in.Features)
	maps := make([]*graph.Node, levels+1)
	maps[0] = h
	for i, channels := range p.cfg.Channels {
		h = b.conv(fmt.Sprintf("conv%d", i+1), p.window(i), h, channels)
		h = b.normalise(fmt.Sprintf("gnorm%d", i+1), fmt.Sprintf("dense%d", i+1), h, paperGroups(i))
		maps[i+1] = h
	}
	for i := levels - 1; i >= 0; i-- {
		inputs := []*graph.Node{h}
		if i < levels-1 {
			inputs = append(inputs, maps[i+1])
		}
		extents := maps[i].Shape().Dimensions[1 : b.dim+1]
		name := fmt.Sprintf("tconv%d", i+1)
		if i == 0 {
			h = b.addBias(name, b.transposed(name, p.window(i), inputs, in.Outputs, extents))
			break
		}
		h = b.transposed(name, p.window(i), inputs, p.cfg.Channels[i-1], extents)
		h = b.normalise(fmt.Sprintf("tgnorm%d", i+1), fmt.Sprintf("dense%d", 2*levels-i), h, 32)
	}
	return unstack(h)
}

// paperBuilder carries what all layers of one graph share.
type paperBuilder struct {
	scope *model.Scope
	embed *graph.Node // [batch, width]
	dim   int
}

// param returns a parameter of a layer, of the type of the layer's input x.
func (b *paperBuilder) param(layer, name string, init nn.Init, x *graph.Node, dims ...int) *graph.Node {
	return nn.Param(b.scope.At("%s", layer), x.Graph(), x.DType(), name, init, dims...)
}

// timeEmbedding returns swish of a dense layer on the sines and cosines of 2πtω_i with
// fixed ω_i ~ N(0, scale²). The time solves s(t) = σ: t = ln(1 + 2σ² ln Σ)/(2 ln Σ)
// with the base Σ of the schedule.
func (b *paperBuilder) timeEmbedding(logSigma *graph.Node, cfg PaperConfig) *graph.Node {
	g, dtype := logSigma.Graph(), logSigma.DType()
	l := 2 * math.Log(cfg.Sigma)
	t := graph.MulScalar(graph.Log1P(graph.MulScalar(graph.Exp(graph.MulScalar(logSigma, 2)), l)), 1/l)
	omega := nn.Constant(b.scope.At("embed"), g, dtype, "frequencies", nn.Normal(cfg.Scale), cfg.Embedding/2)
	phase := graph.MulScalar(graph.Mul(graph.InsertAxes(t, -1), graph.InsertAxes(omega, 0)), 2*math.Pi)
	waves := graph.Concatenate([]*graph.Node{graph.Sin(phase), graph.Cos(phase)}, 1)
	return swish(b.dense("embed", waves, cfg.Embedding))
}

// dense adds a dense layer on x [batch, in].
func (b *paperBuilder) dense(name string, x *graph.Node, out int) *graph.Node {
	in := x.Shape().Dimensions[1]
	bound := 1 / math.Sqrt(float64(in))
	w := b.param(name, "w", nn.Uniform(bound), x, out, in)
	bias := b.param(name, "b", nn.Uniform(bound), x, 1, out)
	return graph.Add(outer(x, w), bias)
}

func (b *paperBuilder) taps() int { return Box.taps(b.dim) }

func (b *paperBuilder) conv(name string, k window, x *graph.Node, out int) *graph.Node {
	fan := b.taps() * x.Shape().Dimensions[0]
	return k.conv(x, b.param(name, "w", nn.Uniform(1/math.Sqrt(float64(fan))), x, out, fan))
}

func (b *paperBuilder) transposed(name string, k window, xs []*graph.Node, out int, extents []int) *graph.Node {
	fan, in := b.taps()*out, 0
	for _, x := range xs {
		in += x.Shape().Dimensions[0]
	}
	return k.transposed(xs, b.param(name, "w", nn.Uniform(1/math.Sqrt(float64(fan))), xs[0], fan, in), extents)
}

// addBias adds one number per channel to x.
func (b *paperBuilder) addBias(name string, x *graph.Node) *graph.Node {
	out := x.Shape().Dimensions[0]
	bias := b.param(name, "b", nn.Uniform(1/math.Sqrt(float64(b.taps()*out))), x, out, 1)
	maps := flatten(x)
	return unflatten(graph.Add(maps, graph.BroadcastToDims(bias, maps.Shape().Dimensions...)), x)
}

// normalise adds a dense layer on the embedding to the channels of h, normalises
// groups of channels per sample to mean 0 and variance 1, applies one scale and
// shift per channel, and swish. The moments of the sum follow from those of h, so
// that the whole is one scale and shift per channel and sample.
func (b *paperBuilder) normalise(name, dense string, h *graph.Node, groups int) *graph.Node {
	maps := bySites(h)
	channels, sites, batch := maps.Shape().Dimensions[0], maps.Shape().Dimensions[1], maps.Shape().Dimensions[2]
	gamma := b.param(name, "scale", nn.Ones, h, channels, 1, 1)
	beta := b.param(name, "shift", nn.Zeros, h, channels, 1, 1)
	t := graph.Reshape(graph.Transpose(b.dense(dense, b.embed, channels), 0, 1), channels, 1, batch)

	n := float64(sites)
	first, second := moments(maps)
	second = graph.Add(second, graph.Mul(t, graph.Add(graph.MulScalar(first, 2), graph.MulScalar(t, n))))
	first = graph.Add(first, graph.MulScalar(t, n))
	average := func(sums *graph.Node) *graph.Node {
		members := channels / groups
		s := graph.ReduceSum(graph.Reshape(sums, groups, members, batch), 1)
		s = graph.MulScalar(s, 1/(n*float64(members)))
		s = graph.BroadcastToDims(graph.ExpandAxes(s, 1), groups, members, batch)
		return graph.Reshape(s, channels, 1, batch)
	}
	mean := average(first)
	variance := graph.Sub(average(second), graph.Square(mean))
	const epsilon = 1e-5
	scale := graph.Div(gamma, graph.Sqrt(graph.AddScalar(variance, epsilon)))
	shift := graph.Add(beta, graph.Mul(graph.Sub(t, mean), scale))
	y := graph.Add(graph.Mul(maps, repeatSites(scale, sites)), repeatSites(shift, sites))
	return graph.Reshape(swish(y), h.Shape().Dimensions...)
}
