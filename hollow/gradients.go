package hollow

import "github.com/gomlx/gomlx/core/graph"

// gradients are the part of the smoothed head that sees how the filtered fields û, and the expected
// clean field ψ, change from a site to the next,
//
//	Σ_µ D_µ† [Σ_h w_h s(p_h) + c (D_µψ)³],   D_µf(y) = f(y+µ̂) - f(y),
//
// with p linear in the D_µû of one direction: the derivative of a sum over the bonds of even
// functions of the differences. Functions of the field at one place have no such terms. A constant does
// not change them, and so neither the zero mode nor an alignment enters.
//
// With K_µ = 2 - 2 cos k_µ, the transform of D_µ†D_µ, the divergence of what the filter W makes of it is
//
//	Σ_µ Σ_y [Σ_h w_h s′(p_h) Σ_a m_ha R_aµ + 3c (D_µψ)² R_ψµ],   R_aµ = (1/V) Σ_k W_k K_µ(k) w_a(k),
//
// where p = Σ_a m_a D_µû_a, and w_a is the filter of û_a.
type gradients struct {
	*head
	mixing   *graph.Node // m [levels, gradients, widths]
	estimate *graph.Node // D_µψ in units of its standard deviation, [levels, 1, widths]
	weights  *graph.Node // w [levels, 1, gradients]
	cubic    *graph.Node // c [levels, 1, 1]
	// What multiplies s′(p_h) and (D_µψ)² in the divergence, for every direction, [levels, 1, …].
	rates, cubicRates []*graph.Node
}

// gradients returns the weights.
func (h *head) gradients() *gradients {
	g, s, n := &gradients{head: h}, h.species[0], h.cfg.Gradients
	filters := firstChannels(h.filters[0], len(filterWidths))
	waves := h.laplacians()
	norm := s.gradientNorms(filters, waves)
	g.mixing = scaleColumns(scaleRows(h.gate("gradient_gate", n), h.param("gradient_filters", 0.7, n, len(filterWidths))), norm)
	g.weights = h.rows("gradient_output", n)
	g.cubic = graph.MulScalar(h.rows("gradient_cubic", 1), 0.2)
	only := make([]float64, len(filterWidths))
	only[optimal] = 1
	g.estimate = row(graph.Mul(norm, graph.BroadcastToDims(h.constant(only, 1, len(only)), norm.Shape().Dimensions...)))
	back := graph.Mul(filters, onChannels(s.wiener, len(filterWidths)))
	for _, wave := range waves {
		amplitude := graph.Reshape(meanLast(graph.Mul(back, s.perMode(wave, len(filterWidths)))), h.levels, -1, 1)
		g.rates = append(g.rates, scaleColumns(transposed(mix(g.mixing, amplitude)), graph.Reshape(g.weights, h.levels, n)))
		g.cubicRates = append(g.cubicRates, graph.MulScalar(graph.Mul(mix(g.estimate, amplitude), g.cubic), 3))
	}
	return g
}

// laplacians returns K_µ [1, modes] of every direction.
func (h *head) laplacians() (waves []*graph.Node) {
	cosines := cosinesOf(h.dims)
	for mu := range h.dims {
		wave, y := make([]float64, h.sites), make([]int, len(h.dims))
		y[mu] = 1
		addPlaneWave(wave, h.dims, y, cosines)
		for i, c := range wave {
			wave[i] = 2 - 2*c
		}
		waves = append(waves, h.constant(wave, 1, h.sites))
	}
	return waves
}

// gradientNorms returns the numbers [levels, widths] by which D_µû is to be multiplied to have unit
// variance on the average of the directions.
func (s *species) gradientNorms(filters *graph.Node, waves []*graph.Node) *graph.Node {
	const tiny = 1e-30
	sum := waves[0]
	for _, w := range waves[1:] {
		sum = graph.Add(sum, w)
	}
	n := len(filterWidths)
	variance := meanLast(graph.Mul(graph.Mul(graph.Square(filters), onChannels(s.noisy, n)), s.perMode(sum, n)))
	return graph.Reciprocal(graph.Sqrt(graph.AddScalar(graph.MulScalar(variance, 1/float64(len(waves))), tiny)))
}

// firstChannels returns the first n channels of x.
func firstChannels(x *graph.Node, n int) *graph.Node {
	return graph.SliceAxis(x, 1, graph.AxisRange(0, n))
}

// value returns Σ_µ D_µ† of the functions of the filtered fields u and the divergence of what the filter
// W makes of it, [batch].
func (g *gradients) value(u *graph.Node) (out, divergence *graph.Node) {
	u = firstChannels(u, len(filterWidths))
	for mu, n := range g.dims {
		if n == 1 {
			continue
		}
		d := graph.Sub(shifted(u, g.dims, mu, 1), u)
		s := newSigmoid(mix(g.mixing, d), 1)
		psi := mix(g.estimate, d)
		square := graph.Square(psi)
		f := graph.Add(mix(g.weights, s.value), graph.Mul(psi, mix(g.cubic, square)))
		f = graph.Sub(shifted(f, g.dims, mu, -1), f)
		total := sumSites(mix(join(2, g.rates[mu], g.cubicRates[mu]), s.slope(), square))
		if out != nil {
			f, total = graph.Add(out, f), graph.Add(divergence, total)
		}
		out, divergence = f, total
	}
	return out, graph.ReduceSum(divergence, 1)
}
