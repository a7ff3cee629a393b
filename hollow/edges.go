package hollow

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
)

// edges are a second layer of the context, what the neighbours y of a site x know without x,
//
//	c_f(x) = ½ Σ_{y next to x} s(a_f(y) - T_f(x-y) g_f(x)),  a_f(y) = o_f(y) + Σ_z T_f(y-z) g_f(z),
//
// with o and g linear in the site features and kernels T that vanish at distance zero. The
// term that is subtracted is what a(y) has of the field at x. It is the form of the messages of
// belief propagation (Bethe's approximation), which on a lattice of independent sites with a
// coupling of neighbours are exact one order further than functions of single sites are.
type edges struct {
	// in and own are the weights of g and o, [levels, edges, features+1], transfer is the
	// transform of T, [levels, edges, modes], and back T at distance one in every
	// direction, [levels, edges] each.
	in, own, transfer *graph.Node
	back              []*graph.Node
}

// edges returns the weights of the second layer.
func (s *species) edges() (e edges) {
	if s.sign != nil {
		panic(fmt.Errorf("expected a network without edges for an ordered phase, got %d", s.cfg.Edges))
	}
	n, inputs := s.cfg.Edges, s.cfg.Features+1
	weights := func(name string) *graph.Node {
		w := scaleRows(s.gate(name+"_gate", n), s.param(name, 1/math.Sqrt(float64(len(s.species)*inputs)), n, inputs))
		// The last column multiplies the field in units of its standard deviation.
		return scaleColumns(w, join(1, ones(s.unit, s.levels, inputs-1), s.unit))
	}
	e.in, e.own, e.transfer = weights("edge_in"), weights("edge_own"), s.transfer("edge_", n)
	cosines := cosinesOf(s.dims)
	for mu := range s.dims {
		wave := make([]float64, s.sites)
		y := make([]int, len(s.dims))
		y[mu] = 1
		addPlaneWave(wave, s.dims, y, cosines)
		e.back = append(e.back, meanLast(graph.Mul(e.transfer, s.perMode(s.constant(wave, 1, s.sites), n))))
	}
	return e
}

// messages returns the fields c of the second layer, [batch, edges, copies·sites].
func (s *species) messages(f siteFeatures) *graph.Node {
	e := s.edges()
	g := mix(e.in, f.site.value, s.field)
	a := graph.Add(mix(e.own, f.site.value, s.field), transform(s.filtered(e.transfer, transform(g, s.dims)), s.dims))
	var sum *graph.Node
	for mu, n := range s.dims {
		if n == 1 {
			continue
		}
		own := graph.Mul(each(repeatLast(e.back[mu], s.copies*s.sites), s.batch), g)
		for _, by := range []int{1, -1} {
			m := newSigmoid(graph.Sub(shifted(a, s.dims, mu, by), own), s.copies).value
			if sum != nil {
				m = graph.Add(sum, m)
			}
			sum = m
		}
	}
	return graph.MulScalar(sum, 0.5)
}

// shifted returns x(y + by·µ̂), by = ±1, at every site y of a lattice with the given extents.
func shifted(x *graph.Node, dims []int, mu, by int) *graph.Node {
	n, shape := dims[mu], x.Shape().Dimensions
	return nn.WithAdjoint(x,
		func(x *graph.Node) *graph.Node {
			first := (by + n) % n
			x = graph.Reshape(x, -1, n, volume(dims[mu+1:]))
			return graph.Reshape(join(1, graph.SliceAxis(x, 1, graph.AxisRange(first, n)), graph.SliceAxis(x, 1, graph.AxisRange(0, first))), shape...)
		},
		func(v *graph.Node) *graph.Node { return shifted(v, dims, mu, -by) })
}
