package hollow

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
)

// bilocal is the part of the smoothed head that joins what happens at two places,
//
//	W ∗ Σ_j A_j(ψ) (P_j ∗ B_j(ψ)),
//
// the form of the second order of perturbation theory around the expected clean field ψ: two
// vertices, connected by one, two or three propagators. The propagator is the covariance of the
// clean field given the noisy one, σ²C/(C + σ²), and P_j is a mixture of its first three powers
// in real space and of learned short ranges. One of A_j and B_j is odd and the other is even.
// Since ψ is linear in the field,
//
//	∂ψ(y)/∂φ(x) = n W(y-x),
//
// the divergence is Σ_y [R A_j′ (P_j ∗ B_j) + A_j (Q_j ∗ B_j′)] with R = n Σ_x W(x)² and
// Q_j(x) = n P_j(x) (W ∗ W)(x). With an alignment m, on which ψ depends, there is, times ∂m/∂φ,
// Ŵ(0) ∂ψ/∂m Σ_y [A_j′ (P_j ∗ B_j) + A_j (P_j ∗ B_j′)].
type bilocal struct {
	*species
	psi       *graph.Node // [batch, 1, sites]
	slopes    *graph.Node // w_i [levels, features, 1]
	a, b      *graph.Node // [levels, pairs, functions], of even ones, then of odd ones
	kernels   *graph.Node // P_j(k) and Q_j(k) [levels, pairs, modes]
	returns   *graph.Node
	amplitude *graph.Node // R and, with an alignment m, Ŵ(0) ∂ψ/∂m, [levels, tangents]
}

// pairFeatures is the number of sigmoids s(w_i ψ). The odd functions are these and ψ, the even
// ones ψ s(w_i ψ) and 1.
const pairFeatures = 6

// powers is the number of powers of the propagator.
const powers = 3

// hasPairs says whether the network has the bilocal part.
func (b *builder) hasPairs() bool {
	return b.cfg.Pairs > 0
}

// bilocal returns the bilocal part for the expected clean field ψ.
func (h *head) bilocal() *bilocal {
	p := &bilocal{species: h.species[0], psi: h.psi}
	p.weigh()
	fields, sign := p.tangents(h.filters[0])
	p.amplitude = graph.Reshape(mix(join(2, h.estimate, h.signs[2]), fields, sign), p.levels, -1)
	return p
}

// weigh sets the weights.
func (p *bilocal) weigh() {
	n, functions := p.cfg.Pairs, pairFeatures+1
	slopes := nn.Param(p.scope, p.field.Graph(), p.field.DType(), "pair_slopes", func(_ *rand.Rand, i int) float64 {
		return 0.3 + 2.7*float64(i)/(pairFeatures-1)
	}, pairFeatures, 1)
	p.slopes = scaleRows(p.builder.gate("pair_gate", pairFeatures), slopes)
	p.a = graph.Reshape(p.builder.coefficients("pair_output", n*functions), p.levels, n, functions)
	p.b = repeatFirst(p.builder.param("pair_inputs", 1/math.Sqrt(float64(functions)), n, functions), p.levels)
	mixture := repeatFirst(p.builder.param("pair_kernels", 1, n, powers), p.levels)
	change := graph.Reshape(p.builder.coefficients("pair_profiles", n*powers), p.levels, n, powers)
	orbit, taps := p.orbits()
	local := repeatFirst(p.builder.param("pair_local", 0.5/math.Sqrt(taps), n, orbit.Shape().Dimensions[1]), p.levels)
	p.kernels = mix(join(2, graph.Add(mixture, change), local), p.propagators(), orbit)

	// In the normalisation of the transform, f(x) is the transform of f̂ over √V.
	norm := p.estimateNorm()
	at := graph.Mul(transform(p.kernels, p.dims), onChannels(transform(graph.Square(p.wiener), p.dims), n))
	p.returns = p.times(graph.MulScalar(norm, 1/math.Sqrt(float64(p.sites))), transform(at, p.dims))
}

// propagators returns the transforms of the powers in real space of the propagator, one at
// k = 0, [levels, powers, modes].
func (p *bilocal) propagators() *graph.Node {
	g := graph.Mul(p.wiener, graph.BroadcastToDims(graph.Reshape(p.noise, p.levels, 1, 1), p.wiener.Shape().Dimensions...))
	// In units of its value at distance zero, so that powers stay of order one.
	at := transform(g, p.dims)
	first := graph.SliceAxis(at, 2, graph.AxisElem(0))
	at = graph.Div(at, graph.BroadcastToDims(graph.Reshape(first, p.levels, 1, 1), at.Shape().Dimensions...))
	var all []*graph.Node
	power := at
	for range powers {
		modes := transform(power, p.dims)
		zero := graph.SliceAxis(modes, 2, graph.AxisElem(0))
		all = append(all, graph.Div(modes, graph.BroadcastToDims(graph.Reshape(zero, p.levels, 1, 1), modes.Shape().Dimensions...)))
		power = graph.Mul(power, at)
	}
	return join(1, all...)
}

// functions returns odd and even functions of ψ and their derivatives, [batch, functions, sites].
func (p *bilocal) functions() (odd, even, oddSlope, evenSlope *graph.Node) {
	s := newSigmoid(mix(p.slopes, p.psi), 1)
	many := func(x *graph.Node) *graph.Node { return graph.BroadcastToDims(x, p.batch, pairFeatures, p.sites) }
	one := ones(p.field, p.batch, 1, p.sites)
	slopes := graph.Mul(s.slope(), graph.BroadcastToDims(each(p.slopes, p.batch), p.batch, pairFeatures, p.sites))
	odd = join(1, s.value, p.psi)
	oddSlope = join(1, slopes, one)
	even = join(1, graph.Mul(s.value, many(p.psi)), one)
	evenSlope = join(1, graph.Add(s.value, graph.Mul(slopes, many(p.psi))), graph.ZerosLike(one))
	return odd, even, oddSlope, evenSlope
}

// value returns Σ_j A_j (P_j ∗ B_j) and the divergence of what the filter W makes of it, [batch].
func (p *bilocal) value() (out, divergence *graph.Node) {
	half := p.cfg.Pairs / 2
	odd, even, oddSlope, evenSlope := p.functions()
	combine := func(w, first, last *graph.Node) *graph.Node {
		rows := func(from, to int) *graph.Node { return graph.SliceAxis(w, 1, graph.AxisRange(from, to)) }
		return join(1, mix(rows(0, half), first), mix(rows(half, p.cfg.Pairs), last))
	}
	a, aSlope := combine(p.a, even, odd), combine(p.a, evenSlope, oddSlope)
	b, bSlope := combine(p.b, odd, even), combine(p.b, oddSlope, evenSlope)
	far := transform(p.filtered(p.kernels, transform(b, p.dims)), p.dims)
	sum := ones(p.field, p.levels, 1, p.cfg.Pairs)
	out = mix(sum, graph.Mul(a, far))

	modes := transform(bSlope, p.dims)
	near := transform(p.filtered(p.returns, modes), p.dims)
	amplitude := func(tangent int) *graph.Node {
		return graph.Reshape(graph.SliceAxis(p.amplitude, 1, graph.AxisElem(tangent)), p.levels, 1)
	}
	own := graph.Mul(aSlope, far)
	total := sumSites(mix(sum, graph.Add(p.scaled(amplitude(0), own), graph.Mul(a, near))))
	if p.sign != nil {
		along := transform(p.filtered(p.kernels, modes), p.dims)
		total = join(1, total, sumSites(mix(sum, p.scaled(amplitude(1), graph.Add(own, graph.Mul(a, along))))))
	}
	return out, p.total(total)
}

// scaled multiplies fields x [batch, …] by numbers y [levels, 1].
func (p *bilocal) scaled(y, x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.BroadcastToDims(graph.Reshape(each(y, p.batch), p.batch, 1, 1), x.Shape().Dimensions...))
}
