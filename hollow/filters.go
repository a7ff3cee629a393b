package hollow

import "github.com/gomlx/gomlx/core/graph"

// filterWidths are the numbers a of the Wiener filters C_k/(C_k + aσ²) of the context
// and of the smoothed part; the optimal filter of Gaussian data has a = 1.
var filterWidths = []float64{0.25, 1, 4}

// optimal is the index of a = 1.
const optimal = 1

// numFilters returns the number of filtered fields of a species.
func (c *Config) numFilters() int {
	if c.Local {
		return len(filterWidths)
	}
	return len(filterWidths) + 1
}

// filters returns v_k/(C_k + aσ²) of v [1, modes] for all widths a and, unless the network is local, the
// projector on k = 0, [levels, filters, modes].
func (s *species) filters(v *graph.Node) *graph.Node {
	f := graph.Div(s.perMode(v, len(filterWidths)), s.widths)
	if s.cfg.Local {
		return f
	}
	zero := make([]float64, s.sites)
	zero[0] = 1
	return join(1, f, s.perMode(s.constant(zero, 1, s.sites), 1))
}

// zeroMode returns the values of filters(C) at k = 0, [levels, filters].
func (s *species) zeroMode() *graph.Node {
	c := graph.Reshape(graph.SliceAxis(s.spectrum, 1, graph.AxisElem(0)))
	f := graph.Mul(graph.Reciprocal(graph.Add(s.perWidth(), c)), c)
	if s.cfg.Local {
		return f
	}
	return join(1, f, ones(f, s.levels, 1))
}

// norms returns the numbers [levels, filters] by which a noisy field, filtered by t, is to
// be multiplied to have unit variance.
func (s *species) norms(t *graph.Node) *graph.Node {
	// A spectrum without structure has filters that vanish, and must not divide by it.
	const tiny = 1e-30
	variance := meanLast(graph.Mul(graph.Square(t), onChannels(s.noisy, t.Shape().Dimensions[1])))
	return graph.Reciprocal(graph.Sqrt(graph.AddScalar(variance, tiny)))
}

// onChannels repeats a function of the site, or the mode, for n channels.
func onChannels(x *graph.Node, n int) *graph.Node { return mix(ones(x, 1, n, 1), x) }
