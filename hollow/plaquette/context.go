package plaquette

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
)

// context returns Config.Context combinations of the functions h at the sites around each site,
//
//	c_a(x) = Σ_f Σ_{r≠0} k_af(r) h_f(x+r),
//
// with kernels that are the same at all displacements r of an orbit of the point group, in its
// Hartley modes. They do not depend on the angle at x; along the constant field all change.
func (b *builder) context(name string, h dual) dual {
	orbits := b.orbits()
	functions, taps := h.value.Shape().Dimensions[0], 0.0
	for _, o := range orbits {
		taps += o[0] // the number of displacements
	}
	w := nn.Param(b.scope.At("context"), b.theta.Graph(), b.theta.DType(), name,
		nn.Normal(1/math.Sqrt(float64(functions)*taps)), b.cfg.Context, functions*len(orbits))
	around := func(x *graph.Node) *graph.Node {
		modes := b.transformed(x)
		var scaled []*graph.Node
		for _, o := range orbits {
			symbol := hartley.Const(x.Graph(), x.DType(), o, 1, 1, b.sites)
			scaled = append(scaled, b.row(graph.Mul(graph.Reshape(modes, -1, b.batch, b.sites),
				graph.BroadcastToDims(symbol, functions, b.batch, b.sites))))
		}
		mixed := graph.DotGeneral(w, []int{1}, nil, graph.Concatenate(scaled, 0), []int{0}, nil)
		return b.transformed(nn.AfterProduct(mixed))
	}
	value := around(h.value)
	return dual{value, graph.ZerosLike(value), around(h.slope)}
}

// row returns functions as rows.
func (b *builder) row(x *graph.Node) *graph.Node { return graph.Reshape(x, -1, b.batch*b.sites) }

// transformed returns the Hartley transforms of rows.
func (b *builder) transformed(x *graph.Node) *graph.Node {
	n := x.Shape().Dimensions[0]
	return b.row(hartley.Transform(graph.Reshape(x, append([]int{n, b.batch}, b.in.Dims()...)...)))
}

// orbits returns, for every orbit of displacements of at most Config.Range in every direction but
// the vanishing one, Σ_r cos(kr) for every mode k. The orbits are those of the reflections
// and, where the theory allows them, the exchanges of directions, as on an infinite lattice, so
// that every lattice has as many; displacements that coincide on a small one count once in an
// orbit, and those that come back to the site do not count.
func (b *builder) orbits() [][]float64 {
	lat, reach := b.in.Lattice, b.cfg.Range
	exchange := b.in.Symmetries != nil && b.in.Symmetries.Exchange
	var orbits [][]float64
	number, seen := map[string]int{}, map[[2]int]bool{}
	r, k := make([]int, lat.Dim()), make([]int, lat.Dim())
	all := 1
	for range lat.Dim() {
		all *= 2*reach + 1
	}
	for n := range all {
		size := make([]int, lat.Dim())
		for mu := range r {
			r[mu] = n%(2*reach+1) - reach
			n /= 2*reach + 1
			size[mu] = max(r[mu], -r[mu])
		}
		if slices.Max(size) == 0 {
			continue
		}
		if exchange {
			slices.Sort(size)
		}
		key := fmt.Sprint(size)
		i, ok := number[key]
		if !ok {
			i = len(orbits)
			number[key] = i
			orbits = append(orbits, make([]float64, b.sites))
		}
		site := lat.Index(r...)
		if site == 0 || seen[[2]int{i, site}] {
			continue
		}
		seen[[2]int{i, site}] = true
		for mode := range orbits[i] {
			lat.Coord(k, mode)
			phase := 0.0
			for mu, n := range lat.Dims() {
				phase += 2 * math.Pi * float64(k[mu]*r[mu]%n) / float64(n)
			}
			orbits[i][mode] += math.Cos(phase)
		}
	}
	return orbits
}
