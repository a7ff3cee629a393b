package unet

import (
	"slices"
	"sync"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/internal/lowering"
)

// This file moves values between sites: periodic shifts, and the permutations
// between sites and channels at a change of resolution. On the pure-Go backend a
// slice costs several nanoseconds per element, while a product with a 0/1 matrix
// along one axis costs well below one with the vectorised kernels. Elsewhere
// slices are cheap, and products may round.

// maxProductExtent bounds the extents for which moves become matrix products, whose
// cost per element grows with the extent.
const maxProductExtent = 128

// byProduct says whether values of x are moved along an axis by matrix products.
func byProduct(x *graph.Node, axis int) bool {
	return !native(x, lowering.Move) && x.Shape().Dimensions[axis] <= maxProductExtent
}

// roll returns the field whose value at site x is that of the argument at the
// periodic neighbour x + shift along the axis, shift = ±1.
func roll(x *graph.Node, axis, shift int) *graph.Node {
	n := x.Shape().Dimensions[axis]
	if n == 1 {
		return x
	}
	if byProduct(x, axis) {
		return take(x, axis, n, func(i int) int { return (i + shift + n) % n })
	}
	cut := (shift + n) % n
	head := graph.SliceAxis(x, axis, graph.AxisRange(0, cut))
	rest := graph.SliceAxis(x, axis, graph.AxisRange(cut, n))
	return graph.Concatenate([]*graph.Node{rest, head}, axis)
}

// coarsen moves the 2^d sites of every cell of x into the channels:
// [c, extents…, batch] → [2^d·c, extents/2…, batch]. It is a permutation, so that
// refine is both its inverse and its adjoint.
func coarsen(x *graph.Node) *graph.Node { return nn.WithAdjoint(x, spaceToDepth, depthToSpace) }

// refine is the inverse of coarsen.
func refine(x *graph.Node) *graph.Node { return nn.WithAdjoint(x, depthToSpace, spaceToDepth) }

func spaceToDepth(x *graph.Node) *graph.Node {
	for axis := 1; axis < x.Rank()-1; axis++ {
		x = graph.Concatenate([]*graph.Node{everySecond(x, axis, 0), everySecond(x, axis, 1)}, 0)
	}
	return x
}

// everySecond returns the slices 2i + parity of x along the axis.
func everySecond(x *graph.Node, axis, parity int) *graph.Node {
	dims := slices.Clone(x.Shape().Dimensions)
	half := dims[axis] / 2
	if byProduct(x, axis) {
		return take(x, axis, half, func(i int) int { return 2*i + parity })
	}
	dims[axis] = half
	pairs := graph.Reshape(x, slices.Insert(slices.Clone(dims), axis+1, 2)...)
	return graph.Reshape(graph.SliceAxis(pairs, axis+1, graph.AxisElem(parity)), dims...)
}

func depthToSpace(x *graph.Node) *graph.Node {
	for axis := x.Rank() - 2; axis >= 1; axis-- {
		channels := x.Shape().Dimensions[0] / 2
		even, odd := channelRange(x, 0, channels), channelRange(x, channels, 2*channels)
		n := even.Shape().Dimensions[axis]
		if byProduct(x, axis) {
			x = graph.Add(
				spread(even, axis, 2*n, func(i int) int { return 2 * i }),
				spread(odd, axis, 2*n, func(i int) int { return 2*i + 1 }))
			continue
		}
		dims := even.Shape().Dimensions
		split := slices.Insert(slices.Clone(dims), axis+1, 1)
		x = graph.Concatenate([]*graph.Node{graph.Reshape(even, split...), graph.Reshape(odd, split...)}, axis+1)
		dims = slices.Clone(dims)
		dims[axis] *= 2
		x = graph.Reshape(x, dims...)
	}
	return x
}

// channelRange returns the channels from ≤ c < to of x.
func channelRange(x *graph.Node, from, to int) *graph.Node {
	if byProduct(x, 0) {
		return take(x, 0, to-from, func(i int) int { return from + i })
	}
	return graph.SliceAxis(x, 0, graph.AxisRange(from, to))
}

// take returns y with m slices along the axis, slice i of y being slice from(i) of x,
// or zero where from(i) is negative.
func take(x *graph.Node, axis, m int, from func(int) int) *graph.Node {
	n := x.Shape().Dimensions[axis]
	p := make([]float64, m*n)
	for i := range m {
		if j := from(i); j >= 0 {
			p[i*n+j] = 1
		}
	}
	return axisProduct(x, axis, m, p)
}

// spread is the adjoint of take: every slice i of x is added to slice to(i) of the m
// slices of the result, or dropped where to(i) is negative.
func spread(x *graph.Node, axis, m int, to func(int) int) *graph.Node {
	n := x.Shape().Dimensions[axis]
	p := make([]float64, m*n)
	for i := range n {
		if j := to(i); j >= 0 {
			p[j*n+i] = 1
		}
	}
	return axisProduct(x, axis, m, p)
}

// axisProduct multiplies x along the axis, of extent n, by the m×n matrix p. With all
// other axes merged into one before and one behind it is a batch of products that
// needs no transpose.
func axisProduct(x *graph.Node, axis, m int, p []float64) *graph.Node {
	dims := x.Shape().Dimensions
	before := 1
	for _, n := range dims[:axis] {
		before *= n
	}
	n := dims[axis]
	matrix := graph.ConstCachedTensor(x.Graph(), repeated(x.DType(), before, m, n, p))
	y := nn.AfterProduct(graph.DotGeneral(matrix, []int{2}, []int{0}, graph.Reshape(x, before, n, -1), []int{1}, []int{0}))
	out := slices.Clone(dims)
	out[axis] = m
	return graph.Reshape(y, out...)
}

// repeatedMatrices holds the constants of axisProduct, so that all graphs share them.
var repeatedMatrices sync.Map

// repeated returns the tensor [count, m, n] of count copies of p.
func repeated(dtype dtypes.DType, count, m, n int, p []float64) *tensors.Tensor {
	type key struct {
		dtype       dtypes.DType
		count, m, n int
		columns     string
	}
	// The elements are 0 or 1: their pattern names the matrix.
	pattern := make([]byte, len(p))
	for i, v := range p {
		pattern[i] = byte(v)
	}
	k := key{dtype, count, m, n, string(pattern)}
	if t, ok := repeatedMatrices.Load(k); ok {
		return t.(*tensors.Tensor)
	}
	var t *tensors.Tensor
	if dtype == dtypes.Float32 {
		flat := make([]float32, 0, count*len(p))
		for range count {
			for _, v := range p {
				flat = append(flat, float32(v))
			}
		}
		t = tensors.FromFlatDataAndDimensions(flat, count, m, n)
	} else {
		flat := make([]float64, 0, count*len(p))
		for range count {
			flat = append(flat, p...)
		}
		t = tensors.FromFlatDataAndDimensions(flat, count, m, n)
	}
	actual, _ := repeatedMatrices.LoadOrStore(k, t)
	return actual.(*tensors.Tensor)
}
