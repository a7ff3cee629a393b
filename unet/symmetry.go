package unet

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
)

// A pointMap is an element of the point group of a rectangular lattice: it permutes
// axes of equal extent, then reflects some. Reflections x → n-1-x map the cells of a
// coarser level to cells, so that they disturb the network least.
type pointMap struct {
	axes    []int // lattice axis i of the result is axis axes[i] of the argument
	reflect []bool
}

// pointGroup returns all elements for the given extents.
func pointGroup(extents []int) []pointMap {
	d := len(extents)
	var group []pointMap
	for _, axes := range permutations(d) {
		if slices.ContainsFunc(axes, func(i int) bool { return extents[axes[i]] != extents[i] }) {
			continue
		}
		for bits := range 1 << d {
			m := pointMap{axes: axes, reflect: make([]bool, d)}
			for i := range d {
				m.reflect[i] = bits>>i&1 == 1
			}
			group = append(group, m)
		}
	}
	return group
}

// permutations returns all orders of 0, …, n-1.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

// apply maps fields [batch, channels, extents…].
func (m pointMap) apply(x *graph.Node) *graph.Node {
	x = transposeAxes(x, m.axes)
	for i, r := range m.reflect {
		if r && x.Shape().Dimensions[i+2] > 1 {
			x = reflect(x, i+2)
		}
	}
	return x
}

// inverse undoes apply.
func (m pointMap) inverse(x *graph.Node) *graph.Node {
	for i, r := range m.reflect {
		if r && x.Shape().Dimensions[i+2] > 1 {
			x = reflect(x, i+2)
		}
	}
	back := make([]int, len(m.axes))
	for i, axis := range m.axes {
		back[axis] = i
	}
	return transposeAxes(x, back)
}

func transposeAxes(x *graph.Node, axes []int) *graph.Node {
	if slices.IsSorted(axes) {
		return x
	}
	perm := []int{0, 1}
	for _, axis := range axes {
		perm = append(perm, axis+2)
	}
	return graph.TransposeAllAxes(x, perm...)
}

// reflect reverses the axis. It is its own adjoint.
func reflect(x *graph.Node, axis int) *graph.Node {
	return nn.WithAdjoint(x, func(x *graph.Node) *graph.Node {
		n := x.Shape().Dimensions[axis]
		parts := make([]*graph.Node, n)
		for i := range parts {
			parts[i] = graph.SliceAxis(x, axis, graph.AxisElem(n-1-i))
		}
		return graph.Concatenate(parts, axis)
	}, func(v *graph.Node) *graph.Node { return graph.Reverse(v, axis) })
}

// averaged returns (1/|G|) Σ_g g⁻¹ f(g features) over the point group G of the
// features, with all terms in one batch.
func averaged(features, logSigma *graph.Node, f func(features, logSigma *graph.Node) *graph.Node) *graph.Node {
	batch := features.Shape().Dimensions[0]
	group := pointGroup(features.Shape().Dimensions[2:])
	images, levels := make([]*graph.Node, len(group)), make([]*graph.Node, len(group))
	for j, m := range group {
		images[j], levels[j] = m.apply(features), logSigma
	}
	out := f(graph.Concatenate(images, 0), graph.Concatenate(levels, 0))
	var sum *graph.Node
	for j, m := range group {
		part := m.inverse(graph.SliceAxis(out, 0, graph.AxisRange(j*batch, (j+1)*batch)))
		if sum == nil {
			sum = part
		} else {
			sum = graph.Add(sum, part)
		}
	}
	return graph.MulScalar(sum, 1/float64(len(group)))
}
