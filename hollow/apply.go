package hollow

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/hartley"
	"github.com/latdiff/latdiff/internal/nn"
)

// filterWidths are the numbers a of the Wiener filters C_k/(C_k + aσ²) of the context
// and of the smoothed part; the optimal filter of Gaussian data has a = 1.
var filterWidths = []float64{0.25, 1, 4}

// builder carries what all parts of one graph share.
type builder struct {
	cfg   Config
	scope *model.Scope
	in    diffusion.ExactInputs
	dims  []int
	sites int
	batch int
	embed *graph.Node // [batch, width]

	variance float64 // v₀ = (1/V) Σ_k C_k

	field  *graph.Node // φ [1, sites, batch]
	unit   *graph.Node // 1/√(v₀+σ²) [1, 1, batch]
	u      *graph.Node // φ·unit
	sign   *graph.Node // alignment [1, sites, batch], or nil
	noisy  *graph.Node // C_k + σ² [1, modes, batch]
	wiener *graph.Node // C_k/(C_k + σ²) [1, modes, batch]
	widths *graph.Node // C_k + aσ² [filters, modes, batch]
}

// ApplyDivergence builds the network; see [diffusion.ExactNetwork].
func (n *Network) ApplyDivergence(scope *model.Scope, in diffusion.ExactInputs) (out, divergence *graph.Node) {
	b := newBuilder(n.cfg, scope, in)
	out, divergence = b.hollow()
	smooth, trace := b.smoothed()
	return fromSites(graph.Add(out, smooth), b.dims), graph.Reshape(graph.Add(divergence, trace), b.batch)
}

func newBuilder(cfg Config, scope *model.Scope, in diffusion.ExactInputs) *builder {
	shape := in.Field.Shape().Dimensions
	b := &builder{
		cfg: cfg, scope: scope, in: in, dims: shape[1:], sites: len(in.Spectrum), batch: shape[0],
		embed: nn.NoiseEmbedding(scope, graph.Log(in.Sigma), cfg.Embedding), field: toSites(in.Field),
	}
	for _, c := range in.Spectrum {
		b.variance += c / float64(b.sites)
	}
	noise := graph.Square(graph.Reshape(in.Sigma, 1, 1, b.batch))
	b.unit = graph.Reciprocal(graph.Sqrt(graph.AddScalar(noise, b.variance)))
	b.u = scale(b.unit, b.field)
	if in.Sign != nil {
		b.sign = repeat(graph.Reshape(in.Sign, 1, 1, b.batch), b.sites)
	}
	c, s := b.perMode(in.Spectrum), repeat(noise, b.sites)
	b.noisy = graph.Add(c, s)
	b.wiener = graph.Div(c, b.noisy)
	widths := make([]*graph.Node, len(filterWidths))
	for i, a := range filterWidths {
		widths[i] = graph.Add(c, graph.MulScalar(s, a))
	}
	b.widths = graph.Concatenate(widths, 0)
	return b
}

// perMode returns a function of the mode, [1, modes, batch].
func (b *builder) perMode(values []float64) *graph.Node {
	return graph.BroadcastToDims(b.constant(values, 1, b.sites, 1), 1, b.sites, b.batch)
}

// numFilters returns the number of filtered fields.
func (b *builder) numFilters() int {
	if b.cfg.Local {
		return len(filterWidths)
	}
	return len(filterWidths) + 1
}

// filters returns v_k/(C_k + aσ²) for all widths a and, unless the network is local, the
// projector on k = 0, [filters, modes, batch].
func (b *builder) filters(v []float64) *graph.Node {
	f := graph.Div(onChannels(b.perMode(v), len(filterWidths)), b.widths)
	if b.cfg.Local {
		return f
	}
	zero := make([]float64, b.sites)
	zero[0] = 1
	return graph.Concatenate([]*graph.Node{f, b.perMode(zero)}, 0)
}

func (b *builder) constant(data []float64, dims ...int) *graph.Node {
	return hartley.Const(b.field.Graph(), b.field.DType(), data, dims...)
}

// param returns the weights name, initialised with variance gain².
func (b *builder) param(name string, gain float64, dims ...int) *graph.Node {
	return nn.Param(b.scope, b.field.Graph(), b.field.DType(), name, nn.Normal(gain), dims...)
}

// coefficients returns n numbers per sample, [n, 1, batch], functions of the noise level
// that start at zero.
func (b *builder) coefficients(name string, n int) *graph.Node {
	c := nn.Dense(b.scope.At("%s", name), b.embed, n, nn.Zeros)
	return graph.ExpandAxes(graph.Transpose(c, 0, 1), 1)
}

// gate returns numbers as coefficients does, but starting at one.
func (b *builder) gate(name string, n int) *graph.Node {
	return graph.AddScalar(b.coefficients(name, n), 1)
}

// withSign appends the alignment to the channels of x.
func (b *builder) withSign(x *graph.Node) *graph.Node {
	if b.sign == nil {
		return x
	}
	return graph.Concatenate([]*graph.Node{x, b.sign}, 0)
}

// mean averages x [channels, sites, batch] over sites, or modes.
func (b *builder) mean(x *graph.Node) *graph.Node {
	return graph.MulScalar(sumSites(x), 1/float64(b.sites))
}

// unitFilters returns the filters t [channels, modes, batch] scaled such that the
// filtered noisy field has unit variance.
func (b *builder) unitFilters(t *graph.Node) *graph.Node {
	// A spectrum without structure has filters that vanish, and must not divide by it.
	const tiny = 1e-30
	variance := b.mean(graph.Mul(graph.Square(t), onChannels(b.noisy, t.Shape().Dimensions[0])))
	return scale(graph.Reciprocal(graph.Sqrt(graph.AddScalar(variance, tiny))), t)
}

// context returns the fields c(x), which do not depend on φ(x).
func (b *builder) context() *graph.Node {
	cfg := b.cfg
	// Functions of the field at a site: sigmoids of many slopes, and the field itself.
	site := b.withSign(b.u)
	inputs := site.Shape().Dimensions[0]
	slopes := nn.Param(b.scope, site.Graph(), site.DType(), "slopes", func(_ *rand.Rand, i int) float64 {
		return 0.3 + 2.7*float64(i)/math.Max(1, float64(cfg.Features-1))
	}, cfg.Features, 1)
	w := slopes
	if inputs > 1 {
		w = graph.Concatenate([]*graph.Node{slopes, b.param("offsets", 0.5, cfg.Features, 1)}, 1)
	}
	h, _ := sigmoid(scale(b.gate("site_gate", cfg.Features), mix(w, site)))
	modes := transform(graph.Concatenate([]*graph.Node{h, b.u}, 0), b.dims)
	modes = mix(b.param("features", 1/math.Sqrt(float64(cfg.Features+1)), cfg.Channels, cfg.Features+1), modes)
	return transform(graph.Mul(b.transfer(), modes), b.dims)
}

// transfer returns the transfer functions T_c(k) of the context, [channels, modes,
// batch]. Their sums over modes, which are their values at distance zero, vanish.
func (b *builder) transfer() *graph.Node {
	cfg := b.cfg
	rows := orbits(b.dims, cfg.Range)
	waves := make([]float64, 0, len(rows)*b.sites)
	taps := 0.0
	for _, row := range rows {
		waves = append(waves, row...)
		taps += row[0]
	}
	kernels := product(b.param("kernels", 1/math.Sqrt(taps), cfg.Channels*cfg.Profiles, len(rows)), b.constant(waves, len(rows), b.sites))
	kernels = graph.Transpose(graph.Reshape(kernels, cfg.Channels, cfg.Profiles, b.sites), 1, 2)
	profiles := graph.Reshape(b.coefficients("profiles", cfg.Channels*cfg.Profiles), cfg.Channels, cfg.Profiles, b.batch)
	// The first profile starts at one: learned kernels that the others modify.
	first := make([]float64, cfg.Channels*cfg.Profiles)
	for c := range cfg.Channels {
		first[c*cfg.Profiles] = 1
	}
	profiles = graph.Add(profiles, graph.BroadcastToDims(b.constant(first, cfg.Channels, cfg.Profiles, 1), profiles.Shape().Dimensions...))
	local := products(kernels, profiles)

	// The Wiener filters without the site itself, scaled such that the filtered field u
	// has unit variance. C/(C+aσ²) is a constant plus a multiple of (C-v)/(C+aσ²) for any
	// v; unlike the former, whose values are close to each other at low noise, the latter
	// loses no digits in the subtraction.
	centred := make([]float64, b.sites)
	for k, c := range b.in.Spectrum {
		centred[k] = c - b.variance
	}
	filters := b.filters(centred)
	filters = b.unitFilters(graph.Sub(filters, repeat(b.mean(filters), b.sites)))
	filters = scale(onChannels(graph.Reciprocal(b.unit), b.numFilters()), filters)
	return graph.Add(local, mix(b.param("filters", 0.5, cfg.Channels, b.numFilters()), filters))
}

// hollow returns G(u(x), c(x)) and its divergence [1, 1, batch].
func (b *builder) hollow() (out, divergence *graph.Node) {
	width := b.cfg.Hidden
	gate1, gate2 := b.gate("gate1", width), b.gate("gate2", width)
	weights := b.coefficients("output", width)
	context := b.withSign(b.context())
	inputs := context.Shape().Dimensions[0]
	own := b.param("own", 1, width, 1)
	second := b.param("second", 1/math.Sqrt(float64(width)), width, width)

	z := graph.Add(mix(b.param("context", 1/math.Sqrt(float64(inputs)), width, inputs), context), mix(own, b.u))
	x1, d1 := sigmoid(scale(gate1, z))
	x2, d2 := sigmoid(scale(gate2, mix(second, x1)))
	out = sumChannels(scale(weights, graph.Add(x1, x2)))

	// The derivatives with respect to u(x), forward through the same layers.
	t := graph.Mul(gate1, graph.BroadcastToDims(graph.ExpandAxes(own, -1), width, 1, b.batch))
	t1 := scale(t, d1)
	t2 := graph.Mul(d2, scale(gate2, mix(second, t1)))
	slope := sumChannels(graph.Mul(weights, sumSites(graph.Add(t1, t2))))
	return out, graph.Mul(slope, b.unit)
}

// smoothed returns W ∗ g(û) and its divergence [1, 1, batch].
func (b *builder) smoothed() (out, divergence *graph.Node) {
	n, head := b.numFilters(), b.cfg.Head
	filters := b.unitFilters(b.filters(b.in.Spectrum))
	modes := transform(b.field, b.dims)
	fields := transform(graph.Mul(filters, onChannels(modes, n)), b.dims)
	// ∂û_a(x)/∂φ(y) followed by the filter W back to y = x: the return amplitude.
	amplitude := b.mean(graph.Mul(filters, onChannels(b.wiener, n)))

	inputs := b.withSign(fields)
	mixing := b.param("head_filters", 0.7, head, n)
	w := mixing
	if b.sign != nil {
		w = graph.Concatenate([]*graph.Node{mixing, b.param("head_offsets", 0.7, head, 1)}, 1)
	}
	gate := b.gate("head_gate", head)
	x, d := sigmoid(scale(gate, mix(w, inputs)))
	weights := b.coefficients("head_output", head)
	g := sumChannels(scale(weights, x))
	trace := sumChannels(graph.Mul(graph.Mul(weights, graph.Mul(gate, mix(mixing, amplitude))), sumSites(d)))

	// Linear terms, and a cubic one: the drift grows like φ³, which no bounded function can
	// follow.
	linear := b.coefficients("head_linear", n)
	g = graph.Add(g, sumChannels(scale(linear, fields)))
	trace = graph.Add(trace, graph.MulScalar(sumChannels(graph.Mul(linear, amplitude)), float64(b.sites)))
	if b.sign != nil {
		g = graph.Add(g, scale(b.coefficients("head_sign", 1), b.sign))
	}
	psi, rate := b.estimate(modes)
	cubic := graph.MulScalar(b.coefficients("head_cubic", 1), 0.2)
	square := graph.Square(psi)
	g = graph.Add(g, graph.Mul(psi, scale(cubic, square)))
	trace = graph.Add(trace, graph.MulScalar(graph.Mul(graph.Mul(rate, cubic), sumSites(square)), 3))

	out = transform(graph.Mul(b.wiener, transform(g, b.dims)), b.dims)
	return out, trace
}

// estimate returns the expected clean field W ∗ φ, with the expected magnetisation of an
// ordered phase, divided by its standard deviation, and its return amplitude: that of
// the field after another filter W. modes is the transform of the field.
func (b *builder) estimate(modes *graph.Node) (psi, rate *graph.Node) {
	variance := b.mean(graph.Mul(graph.Square(b.wiener), b.noisy))
	norm := graph.Reciprocal(graph.Sqrt(graph.AddScalar(variance, b.in.Shift*b.in.Shift)))
	psi = scale(norm, transform(graph.Mul(b.wiener, modes), b.dims))
	if b.sign != nil {
		psi = graph.Add(psi, scale(graph.MulScalar(norm, b.in.Shift), b.sign))
	}
	return psi, graph.Mul(norm, b.mean(graph.Square(b.wiener)))
}
