package hollow

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/hartley"
	"github.com/latdiff/latdiff/internal/nn"
)

// filterWidths are the numbers a of the Wiener filters C_k/(C_k + aσ²) of the context
// and of the smoothed part; the optimal filter of Gaussian data has a = 1.
var filterWidths = []float64{0.25, 1, 4}

// optimal is the index of a = 1.
const optimal = 1

// builder carries what all parts of one graph share.
type builder struct {
	cfg    Config
	scope  *model.Scope
	in     diffusion.Inputs
	dims   []int
	sites  int
	batch  int
	levels int
	embed  *graph.Node // [levels, width]

	variance float64 // v₀ = (1/V) Σ_k C_k

	field  *graph.Node // φ [batch, 1, sites]
	modes  *graph.Node // its transform [batch, 1, modes]
	sign   *graph.Node // alignment [batch, 1, sites], or nil
	noise  *graph.Node // σ² [levels, 1]
	unit   *graph.Node // 1/√(v₀+σ²) [levels, 1]
	noisy  *graph.Node // C_k + σ² [levels, 1, modes]
	wiener *graph.Node // C_k/(C_k + σ²) [levels, 1, modes]
	widths *graph.Node // C_k + aσ² [levels, filters, modes]
}

// ApplyDivergence builds the network; see [diffusion.ExactNetwork].
func (n *Network) ApplyDivergence(scope *model.Scope, in diffusion.Inputs) (out, divergence *graph.Node) {
	b := newBuilder(n.cfg, scope, in)
	out, divergence = b.hollow()
	smooth, trace := b.smoothed()
	return graph.Reshape(graph.Add(out, smooth), in.Field.Shape().Dimensions...), graph.Add(divergence, trace)
}

func newBuilder(cfg Config, scope *model.Scope, in diffusion.Inputs) *builder {
	shape, levels := in.Field.Shape().Dimensions, in.Sigma.Shape().Dimensions[0]
	b := &builder{
		cfg: cfg, scope: scope, in: in, dims: shape[2:], sites: len(in.Spectrum), batch: shape[0], levels: levels,
		embed: nn.NoiseEmbedding(scope, graph.Log(in.Sigma), cfg.Embedding),
	}
	b.field = graph.Reshape(in.Field, b.batch, 1, b.sites)
	b.modes = transform(b.field, b.dims)
	for _, c := range in.Spectrum {
		b.variance += c / float64(b.sites)
	}
	b.noise = graph.Reshape(graph.Square(in.Sigma), levels, 1)
	b.unit = graph.Reciprocal(graph.Sqrt(graph.AddScalar(b.noise, b.variance)))
	if in.Sign != nil {
		b.sign = row(repeatLast(in.Sign, b.sites))
	}
	b.noisy = graph.Add(b.perMode(in.Spectrum, 1), repeatLast(b.noise, b.sites))
	b.wiener = graph.Div(b.perMode(in.Spectrum, 1), b.noisy)
	b.widths = graph.Add(b.perMode(in.Spectrum, len(filterWidths)), repeatLast(b.perWidth(), b.sites))
	return b
}

// perWidth returns aσ² for all widths a, [levels, filters].
func (b *builder) perWidth() *graph.Node {
	return product(b.noise, b.constant(filterWidths, 1, len(filterWidths)))
}

// perMode returns a function of the mode for n channels, [levels, n, modes].
func (b *builder) perMode(values []float64, n int) *graph.Node {
	return repeatFirst(b.constant(slices.Repeat(values, n), n, b.sites), b.levels)
}

// numFilters returns the number of filtered fields.
func (b *builder) numFilters() int {
	if b.cfg.Local {
		return len(filterWidths)
	}
	return len(filterWidths) + 1
}

// filters returns v_k/(C_k + aσ²) for all widths a and, unless the network is local, the
// projector on k = 0, [levels, filters, modes].
func (b *builder) filters(v []float64) *graph.Node {
	f := graph.Div(b.perMode(v, len(filterWidths)), b.widths)
	if b.cfg.Local {
		return f
	}
	zero := make([]float64, b.sites)
	zero[0] = 1
	return join(1, f, b.perMode(zero, 1))
}

// zeroMode returns the values of filters(C) at k = 0, [levels, filters].
func (b *builder) zeroMode() *graph.Node {
	c := b.in.Spectrum[0]
	f := graph.MulScalar(graph.Reciprocal(graph.AddScalar(b.perWidth(), c)), c)
	if b.cfg.Local {
		return f
	}
	return join(1, f, ones(f, b.levels, 1))
}

func (b *builder) constant(data []float64, dims ...int) *graph.Node {
	return hartley.Const(b.field.Graph(), b.field.DType(), data, dims...)
}

// param returns the weights name, initialised with variance gain².
func (b *builder) param(name string, gain float64, dims ...int) *graph.Node {
	return nn.Param(b.scope, b.field.Graph(), b.field.DType(), name, nn.Normal(gain), dims...)
}

// coefficients returns n numbers per noise level, [levels, n], that start at zero.
func (b *builder) coefficients(name string, n int) *graph.Node {
	return nn.Dense(b.scope.At("%s", name), b.embed, n, nn.Zeros)
}

// gate returns numbers as coefficients does, but starting at one.
func (b *builder) gate(name string, n int) *graph.Node {
	return graph.AddScalar(b.coefficients(name, n), 1)
}

// times multiplies x [levels, …] by numbers y [levels, 1].
func (b *builder) times(y, x *graph.Node) *graph.Node {
	dims := slices.Repeat([]int{1}, x.Rank())
	dims[0] = b.levels
	return graph.Mul(x, graph.BroadcastToDims(graph.Reshape(y, dims...), x.Shape().Dimensions...))
}

// onChannels repeats a function of the site, or the mode, for n channels.
func onChannels(x *graph.Node, n int) *graph.Node { return mix(ones(x, 1, n, 1), x) }

// filtered multiplies the modes x by the transfer functions t [levels, channels, modes].
func (b *builder) filtered(t, x *graph.Node) *graph.Node { return graph.Mul(each(t, b.batch), x) }

// norms returns the numbers [levels, filters] by which a noisy field, filtered by t, is to
// be multiplied to have unit variance.
func (b *builder) norms(t *graph.Node) *graph.Node {
	// A spectrum without structure has filters that vanish, and must not divide by it.
	const tiny = 1e-30
	variance := meanLast(graph.Mul(graph.Square(t), onChannels(b.noisy, t.Shape().Dimensions[1])))
	return graph.Reciprocal(graph.Sqrt(graph.AddScalar(variance, tiny)))
}

// total returns the divergence [batch] from sums [batch, 1 or 2] of derivatives: of
// Σ_x ∂out(x)/∂φ(x) with the alignment m held fixed and, if there is one, of
// Σ_x ∂out(x)/∂m, since ∂m/∂φ(x) is the same for all x.
func (b *builder) total(sums *graph.Node) *graph.Node {
	if b.sign != nil {
		slope := graph.ExpandAxes(b.in.Slope, 1)
		sums = graph.Mul(sums, join(1, graph.OnesLike(slope), slope))
	}
	return graph.ReduceSum(sums, 1)
}

// context holds the fields c(x), which do not depend on φ(x), and what their derivative
// with respect to the alignment needs.
type context struct {
	fields   *graph.Node // c [batch, channels, sites]
	site     sigmoid     // h, functions of the field, and the alignment, at a site
	slopes   *graph.Node // by which they depend on the field, [levels, features, 1]
	offsets  *graph.Node // and on the alignment, or nil
	features *graph.Node // by which c depends on h and the field, [levels, channels, features+1]
	transfer *graph.Node // T_c(k) [levels, channels, modes]
}

func (b *builder) context() (c context) {
	cfg := b.cfg
	// Functions of the field at a site: sigmoids of many slopes, and the field itself.
	gate := b.gate("site_gate", cfg.Features)
	slopes := nn.Param(b.scope, b.field.Graph(), b.field.DType(), "slopes", func(_ *rand.Rand, i int) float64 {
		return 0.3 + 2.7*float64(i)/math.Max(1, float64(cfg.Features-1))
	}, cfg.Features, 1)
	c.slopes = b.times(b.unit, scaleRows(gate, slopes))
	if b.sign != nil {
		c.offsets = scaleRows(gate, b.param("offsets", 0.5, cfg.Features, 1))
	}
	c.site = newSigmoid(mix(join(2, c.slopes, c.offsets), b.field, b.sign))
	features := repeatFirst(b.param("features", 1/math.Sqrt(float64(cfg.Features+1)), cfg.Channels, cfg.Features+1), b.levels)
	// The last column multiplies the field in units of its standard deviation.
	c.features = scaleColumns(features, join(1, ones(b.unit, b.levels, cfg.Features), b.unit))
	c.transfer = b.transfer()
	modes := mix(c.features, transform(c.site.value, b.dims), b.modes)
	c.fields = transform(b.filtered(c.transfer, modes), b.dims)
	return c
}

// alongSign returns the derivative of Σ_x Σ_c weights_c(x) c(x) with respect to the
// alignment, [batch, 1]; the field has the derivative -shift.
func (b *builder) alongSign(c context, weights *graph.Node) *graph.Node {
	back := b.filtered(c.transfer, transform(weights, b.dims))
	back = transform(mix(transposed(c.features), back), b.dims)
	rates := join(1, graph.Sub(c.offsets, graph.MulScalar(c.slopes, b.in.Shift)), graph.MulScalar(ones(c.slopes, b.levels, 1, 1), -b.in.Shift))
	slopes := join(1, c.site.slope(), b.ones())
	return sumSites(mix(transposed(rates), graph.Mul(back, slopes)))
}

// ones returns the field that is one.
func (b *builder) ones() *graph.Node { return graph.OnesLike(b.field) }

// transfer returns the transfer functions T_c(k) of the context, [levels, channels,
// modes]. Their sums over modes, which are their values at distance zero, vanish.
func (b *builder) transfer() *graph.Node {
	cfg := b.cfg
	rows := orbits(b.dims, cfg.Range)
	waves := make([]float64, 0, len(rows)*b.sites)
	taps := 0.0
	for _, row := range rows {
		waves = append(waves, row...)
		taps += row[0]
	}
	kernels := b.param("kernels", 1/math.Sqrt(taps), cfg.Channels*cfg.Profiles, len(rows))
	kernels = graph.Reshape(kernels, cfg.Channels, cfg.Profiles, len(rows))
	profiles := graph.Reshape(b.coefficients("profiles", cfg.Channels*cfg.Profiles), b.levels, cfg.Channels, cfg.Profiles)
	// The first profile starts at one: learned kernels that the others modify.
	first := make([]float64, cfg.Channels*cfg.Profiles)
	for c := range cfg.Channels {
		first[c*cfg.Profiles] = 1
	}
	profiles = graph.Add(profiles, graph.BroadcastToDims(b.constant(first, 1, cfg.Channels, cfg.Profiles), profiles.Shape().Dimensions...))
	local := graph.Transpose(dot(profiles, []int{2}, []int{1}, kernels, []int{1}, []int{0}), 0, 1)

	// The Wiener filters without the site itself, scaled such that the filtered field u
	// has unit variance. C/(C+aσ²) is a constant plus a multiple of (C-v)/(C+aσ²) for any
	// v; unlike the former, whose values are close to each other at low noise, the latter
	// loses no digits in the subtraction.
	centred := make([]float64, b.sites)
	for k, c := range b.in.Spectrum {
		centred[k] = c - b.variance
	}
	filters := b.filters(centred)
	filters = graph.Sub(filters, repeatLast(meanLast(filters), b.sites))
	norms := b.times(graph.Reciprocal(b.unit), b.norms(filters))
	wide := scaleColumns(repeatFirst(b.param("filters", 0.5, cfg.Channels, b.numFilters()), b.levels), norms)
	orbit := repeatFirst(b.constant(waves, len(rows), b.sites), b.levels)
	return mix(join(2, local, wide), orbit, filters)
}

// hollow returns G(u(x), c(x)) and its divergence [batch].
func (b *builder) hollow() (out, divergence *graph.Node) {
	width, channels := b.cfg.Hidden, b.cfg.Channels
	gate1, gate2 := b.gate("gate1", width), b.gate("gate2", width)
	weights := b.coefficients("output", width)
	c := b.context()
	inputs := channels
	if b.sign != nil {
		inputs++
	}
	// The columns of the first layer are those of the context, the alignment and the field.
	first := scaleRows(gate1, b.param("context", 1/math.Sqrt(float64(inputs)), width, inputs))
	own := b.times(b.unit, scaleRows(gate1, b.param("own", 1, width, 1)))
	second := b.param("second", 1/math.Sqrt(float64(width)), width, width)
	s1 := newSigmoid(mix(join(2, first, own), c.fields, b.sign, b.field))
	s2 := newSigmoid(mix(scaleRows(gate2, second), s1.value))
	out = graph.Add(mix(row(weights), s1.value), mix(row(weights), s2.value))

	// The derivative of out(x) with respect to the arguments of the first layer, backward
	// through the same layers: (w + Mᵀ(w ⊙ s₂′)) ⊙ s₁′.
	through := join(2, transposed(scaleRows(graph.Mul(weights, gate2), second)), transposed(row(weights)))
	back := graph.Div(mix(through, s2.slope(), b.ones()), s1.cube)
	if b.sign == nil {
		return out, b.total(sumSites(mix(transposed(own), back)))
	}
	fromContext, fromSign := columns(first, 0, channels), columns(first, channels, inputs)
	direct := graph.Sub(fromSign, graph.MulScalar(own, b.in.Shift))
	alongSign := b.alongSign(c, mix(transposed(fromContext), back))
	sums := sumSites(mix(transposed(join(2, own, direct)), back))
	return out, b.total(graph.Add(sums, join(1, graph.ZerosLike(alongSign), alongSign)))
}

// smoothed returns W ∗ g(û) and its divergence [batch].
func (b *builder) smoothed() (out, divergence *graph.Node) {
	n, head := b.numFilters(), b.cfg.Head
	filters := b.filters(b.in.Spectrum)
	norms := b.norms(filters)
	fields := transform(b.filtered(filters, onChannels(b.modes, n)), b.dims)

	gate := b.gate("head_gate", head)
	mixing := scaleColumns(scaleRows(gate, b.param("head_filters", 0.7, head, n)), norms)
	linear := row(graph.Mul(b.coefficients("head_linear", n), norms))
	estimate := b.estimate()
	if b.sign != nil {
		mixing = join(2, mixing, scaleRows(gate, b.param("head_offsets", 0.7, head, 1)))
		linear = join(2, linear, row(b.coefficients("head_sign", 1)))
	}
	s := newSigmoid(mix(mixing, fields, b.sign))
	weights := row(b.coefficients("head_output", head))
	// Besides the sigmoids there are linear terms, and a cubic one: the drift grows like φ³,
	// which no bounded function can follow.
	psi := mix(estimate, fields, b.sign)
	square := graph.Square(psi)
	cubic := row(graph.MulScalar(b.coefficients("head_cubic", 1), 0.2))
	g := mix(join(2, weights, linear, cubic), s.value, fields, b.sign, graph.Mul(psi, square))
	out = transform(b.filtered(b.wiener, transform(g, b.dims)), b.dims)

	// How the fields change, at every site alike, with φ(x), and with the alignment; either
	// followed by the filter W.
	tangents, signs := b.tangents(filters)
	rates := graph.Mul(transposed(mix(mixing, tangents, signs)), weights)
	cubicRates := graph.Mul(transposed(mix(estimate, tangents, signs)), graph.MulScalar(cubic, 3))
	sums := sumSites(mix(join(2, rates, cubicRates), s.slope(), square))
	constant := graph.Reshape(graph.MulScalar(mix(linear, tangents, signs), float64(b.sites)), b.levels, -1)
	return out, b.total(graph.Add(sums, graph.BroadcastToDims(constant, sums.Shape().Dimensions...)))
}

// estimate returns the weights [levels, 1, inputs] that make, of the fields filtered
// by C/(C + aσ²) and the alignment, the expected clean field W ∗ φ, with the expected
// magnetisation of an ordered phase, divided by its standard deviation.
func (b *builder) estimate() *graph.Node {
	variance := meanLast(graph.Mul(graph.Square(b.wiener), b.noisy))
	norm := graph.Reciprocal(graph.Sqrt(graph.AddScalar(variance, b.in.Shift*b.in.Shift)))
	weights := make([]float64, b.numFilters(), b.numFilters()+1)
	weights[optimal] = 1
	if b.sign != nil {
		weights = append(weights, b.in.Shift)
	}
	return row(product(norm, b.constant(weights, 1, len(weights))))
}

// tangents returns, as fields of one or two sites, the derivatives of the filtered fields
// and of the alignment that contribute to the divergence. The first is ∂û_a(x)/∂φ(y)
// followed by the filter W back to y = x, the return amplitude. The second is that of
// constant fields, with respect to the alignment.
func (b *builder) tangents(filters *graph.Node) (fields, signs *graph.Node) {
	fields = graph.Reshape(meanLast(graph.Mul(filters, onChannels(b.wiener, b.numFilters()))), b.levels, -1, 1)
	if b.sign == nil {
		return fields, nil
	}
	zero := b.zeroMode()
	wiener := graph.SliceAxis(zero, 1, graph.AxisElem(optimal))
	along := b.times(graph.MulScalar(wiener, -b.in.Shift), zero)
	fields = join(2, fields, graph.Reshape(along, b.levels, -1, 1))
	wiener = row(wiener)
	return fields, join(2, graph.ZerosLike(wiener), wiener)
}
