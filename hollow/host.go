package hollow

import (
	"sync"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/lanes"
)

var _ diffusion.HostNetwork = (*Network)(nil)

// Host returns the network for fields of one component, and nil for others; see
// [diffusion.HostNetwork].
func (n *Network) Host(t diffusion.Theory, shift float64) diffusion.Host {
	if t.Components != 1 {
		return nil
	}
	h := &host{cfg: n.cfg, dims: t.Dims(), sites: t.Volume(), shift: float32(shift), kernels: lanes.Fastest()}
	h.transform = lanes.NewTransform(h.kernels, t.Dims())
	return h
}

// host evaluates a network without a graph, for lanes.Width fields at a time.
type host struct {
	cfg       Config
	dims      []int
	sites     int
	shift     float32
	kernels   *lanes.Kernels
	transform *lanes.Transform
	scratch   sync.Pool // of *block
}

// level is a network at one noise level.
type level struct {
	*host
	c coefficients[[]float32]

	features, edgeIn, edgeOwn *lanes.Matrix
	// featureRates is features with its columns multiplied by the derivatives of the
	// arguments of the features, and of the field, with respect to the alignment.
	featureRates *lanes.Matrix
	// first has the columns of the context, of the field and of the alignment. Rates are
	// without biases.
	first, firstRates   *lanes.Matrix
	second, secondRates *lanes.Matrix
	// tangent is second with its columns multiplied by own: with it s₁′ becomes the
	// derivative of the second layer with respect to the field.
	tangent *lanes.Matrix
	mixing  *lanes.Matrix
	// ownOutput is output times own.
	ownOutput []float32
	pairs     *pairLevel     // nil: none
	gradients *gradientLevel // nil: none
}

// Level returns the network at one noise level; see [diffusion.Host].
func (h *host) Level(values [][]float32) diffusion.HostLevel {
	l := &level{host: h}
	for i, x := range l.c.all() {
		*x = values[i]
	}
	cfg, c := h.cfg, &l.c
	l.features = h.kernels.NewMatrix(c.features, cfg.Channels, nil)
	if cfg.Edges > 0 {
		l.edgeIn, l.edgeOwn = h.kernels.NewMatrix(c.edgeIn, cfg.Edges, nil), h.kernels.NewMatrix(c.edgeOwn, cfg.Edges, nil)
	}
	columns := cfg.Features + 1
	rates := make([]float32, len(c.features))
	for i, w := range c.features {
		rate := -h.shift
		if f := i % columns; f < cfg.Features {
			rate = c.offsets[f] - h.shift*c.slopes[f]
		}
		rates[i] = w * rate
	}
	l.featureRates = h.kernels.NewMatrix(rates, cfg.Channels, nil)
	first := beside(cfg.Hidden, c.first, c.own, c.firstSign[:cfg.Hidden])
	l.first = h.kernels.NewMatrix(first, cfg.Hidden, c.bias1)
	l.firstRates = h.kernels.NewMatrix(first, cfg.Hidden, nil)
	l.second = h.kernels.NewMatrix(c.second, cfg.Hidden, c.bias2)
	l.secondRates = h.kernels.NewMatrix(c.second, cfg.Hidden, nil)
	tangent := make([]float32, len(c.second))
	for i, w := range c.second {
		tangent[i] = w * c.own[i%cfg.Hidden]
	}
	l.tangent = h.kernels.NewMatrix(tangent, cfg.Hidden, nil)
	l.mixing = h.kernels.NewMatrix(beside(cfg.Head, c.mixing, c.mixingSign[:cfg.Head]), cfg.Head, c.headBias)
	for i, w := range c.output {
		l.ownOutput = append(l.ownOutput, w*c.own[i])
	}
	if cfg.Pairs > 0 {
		l.pairs = newPairLevel(h, c)
	}
	if cfg.Gradients > 0 {
		l.gradients = newGradientLevel(h, c)
	}
	return l
}

// beside joins matrices with the same number of rows.
func beside(rows int, parts ...[]float32) (m []float32) {
	for r := range rows {
		for _, p := range parts {
			n := len(p) / rows
			m = append(m, p[r*n:(r+1)*n]...)
		}
	}
	return m
}

// Evaluate evaluates the network; see [diffusion.HostLevel].
func (l *level) Evaluate(out, divergence, modes, sign, slope []float64) {
	b, _ := l.scratch.Get().(*block)
	if b == nil {
		b = newBlock(l.host)
	}
	defer l.scratch.Put(b)
	n := len(modes) / l.sites
	for lo := 0; lo < n; lo += lanes.Width {
		hi := min(lo+lanes.Width, n)
		in := fields{modes: modes[lo*l.sites : hi*l.sites], out: out[lo*l.sites : hi*l.sites]}
		if divergence != nil {
			in.divergence = divergence[lo:hi]
		}
		if sign != nil {
			in.sign, in.slope = sign[lo:hi], slope[lo:hi]
		}
		b.evaluate(l, in)
	}
}
