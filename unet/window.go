package unet

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/internal/lowering"
)

// window describes 3×…×3 convolutions with equal strides on all axes: tap t = 0, 1, 2
// of output site i reads the input site stride·i + t - pad, and sites beyond the edge
// hold zero.
type window struct {
	stride, pad int
}

// outputs returns the number of output sites of n input sites along an axis.
func (k window) outputs(n int) int { return (n+2*k.pad-3)/k.stride + 1 }

// source returns the input site, out of n, that a tap of output site i reads, or -1.
func (k window) source(i, tap, n int) int {
	x := k.stride*i + tap - k.pad
	if x < 0 || x >= n {
		return -1
	}
	return x
}

// The weights of a convolution are a matrix with one row per output channel whose
// columns are numbered by (t_d, …, t_2, c, t_1), where t_µ is the tap along lattice
// axis µ and c the input channel; those of a transposed convolution are the
// transposed of such a matrix, with one column per input channel. In this order the
// taps of the first axis come out of a single product along that axis.

// conv returns the convolution of x [in, extents…, batch] with w [out, 3^d·in].
func (k window) conv(x, w *graph.Node) *graph.Node {
	if nativeConvolution(x) {
		return k.nativeConv(x, w)
	}
	var patches *graph.Node
	return bilinear(x, w,
		func(x, w *graph.Node) *graph.Node {
			patches = k.patches(x)
			return unflatten(product(w, flatten(patches)), patches)
		},
		func(v *graph.Node) *graph.Node {
			return k.fold(transpose(w), v, x.Shape().Dimensions)
		},
		func(v *graph.Node) *graph.Node { return outer(flatten(v), flatten(patches)) })
}

// transposed returns the transposed convolution of the channels of all xs
// [in, extents…, batch] with w [3^d·out, Σ in]: the adjoint of conv, for outputs with
// the given extents. It takes several inputs because the adjoint of their
// concatenation, slices of feature maps, would cost more than slices of the weights.
func (k window) transposed(xs []*graph.Node, w *graph.Node, extents []int) *graph.Node {
	if nativeConvolution(xs[0]) {
		return k.nativeTransposed(graph.Concatenate(xs, 0), w, extents)
	}
	taps := 1
	for range extents {
		taps *= 3
	}
	batch := xs[0].Shape().Dimensions[xs[0].Rank()-1]
	dims := slices.Concat([]int{w.Shape().Dimensions[0] / taps}, extents, []int{batch})
	var last, patches *graph.Node
	patchesOf := func(v *graph.Node) *graph.Node {
		if v != last {
			last, patches = v, k.patches(v)
		}
		return patches
	}
	inputs := make([]*graph.Node, len(xs))
	var build func(i, from int) *graph.Node
	build = func(i, from int) *graph.Node {
		if i < len(xs) {
			to := from + xs[i].Shape().Dimensions[0]
			return nn.WithAdjoint(xs[i],
				func(x *graph.Node) *graph.Node {
					inputs[i] = x
					return build(i+1, to)
				},
				func(v *graph.Node) *graph.Node {
					p := patchesOf(v)
					return unflatten(product(transpose(graph.SliceAxis(w, 1, graph.AxisRange(from, to))), flatten(p)), p)
				})
		}
		x := graph.Concatenate(inputs, 0)
		return nn.WithAdjoint(w,
			func(w *graph.Node) *graph.Node { return k.fold(w, x, dims) },
			func(v *graph.Node) *graph.Node { return outer(flatten(patchesOf(v)), flatten(x)) })
	}
	return build(0, 0)
}

// patches returns what the taps read, [3^d·channels, output extents…, batch].
func (k window) patches(x *graph.Node) *graph.Node {
	if native(x, lowering.Move) {
		return k.slicedPatches(x)
	}
	for axis := 2; axis < x.Rank()-1; axis++ {
		n := x.Shape().Dimensions[axis]
		taps := make([]*graph.Node, 3)
		for t := range taps {
			taps[t] = take(x, axis, k.outputs(n), func(i int) int { return k.source(i, t, n) })
		}
		x = graph.Concatenate(taps, 0)
	}
	dims := slices.Clone(x.Shape().Dimensions)
	n := dims[1]
	m := k.outputs(n)
	x = take(x, 1, 3*m, func(i int) int { return k.source(i%m, i/m, n) })
	dims[0], dims[1] = 3*dims[0], m
	return graph.Reshape(x, dims...)
}

// fold applies the adjoint of patches to the product of w [3^d·out, in] with
// x [in, extents…, batch]; dims is the shape of the result.
func (k window) fold(w, x *graph.Node, dims []int) *graph.Node {
	if native(x, lowering.Move) {
		return k.paddedFold(w, x, dims)
	}
	return k.foldAxes(w, x, dims, len(dims)-2)
}

func (k window) foldAxes(w, x *graph.Node, dims []int, axis int) *graph.Node {
	m := x.Shape().Dimensions[axis]
	n := dims[axis]
	if axis == 1 {
		y := product(w, flatten(x))
		shape := slices.Clone(x.Shape().Dimensions)
		shape[0], shape[1] = y.Shape().Dimensions[0]/3, 3*m
		return spread(graph.Reshape(y, shape...), 1, n, func(i int) int { return k.source(i%m, i/m, n) })
	}
	// Splitting the weights is cheaper than splitting their product with x.
	third := w.Shape().Dimensions[0] / 3
	var sum *graph.Node
	for t := range 3 {
		part := k.foldAxes(graph.SliceAxis(w, 0, graph.AxisRange(t*third, (t+1)*third)), x, dims, axis-1)
		part = spread(part, axis, n, func(i int) int { return k.source(i, t, n) })
		if sum == nil {
			sum = part
		} else {
			sum = graph.Add(sum, part)
		}
	}
	return sum
}
