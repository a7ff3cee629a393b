package hollow

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
)

// context holds the fields c(x), which do not depend on the field at x, and what their
// derivative with respect to the alignment needs, which exists for one species only.
type context struct {
	fields *graph.Node // c [batch, channels+edges, copies·sites]
	siteFeatures
	transfer *graph.Node // T_c(k) [levels, channels, modes]
}

// siteFeatures are functions of the field of one species, and of the alignment, at a site.
type siteFeatures struct {
	site     sigmoid     // h
	slopes   *graph.Node // by which they depend on the field, [levels, features, 1]
	offsets  *graph.Node // and on the alignment, or nil
	bias     *graph.Node // of the sigmoids, [levels, features, 1], or nil
	features *graph.Node // by which c depends on h and the field, [levels, channels, features+1]
}

// context returns the sum of what every species adds to it, with the edges last.
func (b *builder) context() (c context) {
	var modes, messages *graph.Node
	for _, s := range b.species {
		c.siteFeatures, c.transfer = s.siteFeatures(), s.transfer("", b.cfg.Channels)
		part := b.filtered(c.transfer, mix(c.features, transform(c.site.value, b.dims), s.modes))
		if modes != nil {
			part = graph.Add(modes, part)
		}
		modes = part
		if b.cfg.Edges == 0 {
			continue
		}
		if part = s.messages(c.siteFeatures); messages != nil {
			part = graph.Add(messages, part)
		}
		messages = part
	}
	c.fields = transform(modes, b.dims)
	if b.cfg.Edges > 0 {
		c.fields = join(1, c.fields, messages)
	}
	return c
}

// siteFeatures returns sigmoids of many slopes, to which mix adds the field itself.
func (s *species) siteFeatures() (f siteFeatures) {
	cfg := s.cfg
	gate := graph.AddScalar(s.coefficients("site_gate", cfg.Features), 1)
	slopes := nn.Param(s.scope, s.field.Graph(), s.field.DType(), "slopes", func(_ *rand.Rand, i int) float64 {
		return 0.3 + 2.7*float64(i)/math.Max(1, float64(cfg.Features-1))
	}, cfg.Features, 1)
	f.slopes = s.times(s.unit, scaleRows(gate, slopes))
	if s.sign != nil {
		f.offsets = scaleRows(gate, s.param("offsets", 0.5, cfg.Features, 1))
	}
	f.bias = s.biasAt(s.scope, "site_bias", 0.5, cfg.Features)
	f.site = newSigmoid(mix(join(2, f.slopes, f.offsets, f.bias), s.field, s.sign, s.ones()), s.copies)
	inputs := len(s.species) * (cfg.Features + 1)
	features := repeatFirst(s.param("features", 1/math.Sqrt(float64(inputs)), cfg.Channels, cfg.Features+1), s.levels)
	// The last column multiplies the field in units of its standard deviation.
	f.features = scaleColumns(features, join(1, ones(s.unit, s.levels, cfg.Features), s.unit))
	return f
}

// orbits returns the transfer functions of the orbits of displacements that the kernels
// reach, [levels, orbits, modes], and their number of displacements; see there.
func (s *species) orbits() (orbit *graph.Node, taps float64) {
	rows := orbits(s.dims, s.cfg.Range, s.cfg.Directions)
	waves := make([]float64, 0, len(rows)*s.sites)
	for _, row := range rows {
		waves = append(waves, row...)
		taps += row[0]
	}
	return repeatFirst(s.constant(waves, len(rows), s.sites), s.levels), taps
}

// transfer returns the transfer functions T_c(k) of so many channels, [levels, channels,
// modes], by weights whose names have a prefix. Their sums over modes, which are their values at
// distance zero, vanish.
func (s *species) transfer(prefix string, channels int) *graph.Node {
	cfg := s.cfg
	orbit, taps := s.orbits()
	count := orbit.Shape().Dimensions[1]
	kernels := s.param(prefix+"kernels", 1/math.Sqrt(taps), channels*cfg.Profiles, count)
	kernels = graph.Reshape(kernels, channels, cfg.Profiles, count)
	profiles := graph.Reshape(s.coefficients(prefix+"profiles", channels*cfg.Profiles), s.levels, channels, cfg.Profiles)
	// The first profile starts at one: learned kernels that the others modify.
	first := make([]float64, channels*cfg.Profiles)
	for c := range channels {
		first[c*cfg.Profiles] = 1
	}
	profiles = graph.Add(profiles, graph.BroadcastToDims(s.constant(first, 1, channels, cfg.Profiles), profiles.Shape().Dimensions...))
	local := graph.Transpose(dot(profiles, []int{2}, []int{1}, kernels, []int{1}, []int{0}), 0, 1)

	// The Wiener filters without the site itself, scaled such that the filtered field u
	// has unit variance. C/(C+aσ²) is a constant plus a multiple of (C-v)/(C+aσ²) for any
	// v; unlike the former, whose values are close to each other at low noise, the latter
	// loses no digits in the subtraction.
	filters := s.filters(s.centred)
	filters = graph.Sub(filters, repeatLast(meanLast(filters), s.sites))
	norms := s.times(graph.Reciprocal(s.unit), s.norms(filters))
	wide := scaleColumns(repeatFirst(s.param(prefix+"filters", 0.5, channels, s.cfg.numFilters()), s.levels), norms)
	return mix(join(2, local, wide), orbit, filters)
}

// alongSign returns the derivative of Σ_x Σ_c weights_c(x) c(x) with respect to the
// alignment, [batch, 1]; the field has the derivative -shift.
func (b *builder) alongSign(c context, weights *graph.Node) *graph.Node {
	back := b.filtered(c.transfer, transform(weights, b.dims))
	back = transform(mix(transposed(c.features), back), b.dims)
	own := graph.Neg(graph.Mul(ones(c.slopes, b.levels, 1, 1), b.in.Shift))
	rates := join(1, graph.Sub(c.offsets, graph.Mul(c.slopes, b.in.Shift)), own)
	slopes := join(1, c.site.slope(), graph.OnesLike(b.field))
	return sumSites(mix(transposed(rates), graph.Mul(back, slopes)))
}
