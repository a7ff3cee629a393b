package unet

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

// This file holds the patches of a window, and their adjoint, for backends on which slices
// and paddings are cheap.

// slicedPatches is patches by slices with strides of the field with its edges of zeros.
func (k window) slicedPatches(x *graph.Node) *graph.Node {
	dim := x.Rank() - 2
	if k.pad > 0 {
		edges := make([]compute.PadAxis, x.Rank())
		for axis := 1; axis <= dim; axis++ {
			edges[axis] = compute.PadAxis{Start: k.pad, End: k.pad}
		}
		x = graph.Pad(x, graph.ScalarZero(x.Graph(), x.DType()), edges...)
	}
	for axis := 1; axis <= dim; axis++ {
		last := k.stride * (window{stride: k.stride}.outputs(x.Shape().Dimensions[axis]) - 1)
		taps := make([]*graph.Node, 3)
		for t := range taps {
			taps[t] = graph.SliceAxis(x, axis, graph.AxisRange(t, t+last+1).Stride(k.stride))
		}
		// The tap of the first axis runs faster than the channel, the others slower.
		if axis > 1 {
			x = graph.Concatenate(taps, 0)
			continue
		}
		x = graph.Stack(taps, 1)
		x = graph.Reshape(x, append([]int{-1}, x.Shape().Dimensions[2:]...)...)
	}
	return x
}

// paddedFold is fold by one product; what a tap adds is spread by a padding with stride-1
// zeros between sites.
func (k window) paddedFold(w, x *graph.Node, dims []int) *graph.Node {
	dim := len(dims) - 2
	coarse := x.Shape().Dimensions[1:]
	split := slices.Concat(same(dim-1, 3), []int{dims[0], 3}, coarse)
	y := graph.Reshape(product(w, flatten(x)), split...)
	zero := graph.ScalarZero(x.Graph(), x.DType())
	var sum *graph.Node
	for tap := range Box.taps(dim) {
		one := same(y.Rank(), graph.AxisRange())
		spread := make([]compute.PadAxis, dim+2)
		for axis, rest := 1, tap; axis <= dim; axis++ {
			t := rest % 3
			rest /= 3
			position := dim - axis
			if axis == 1 {
				position = dim
			}
			one[position] = graph.AxisElem(t)
			last := t + k.stride*(coarse[axis-1]-1)
			spread[axis] = compute.PadAxis{Start: t, End: dims[axis] + 2*k.pad - 1 - last, Interior: k.stride - 1}
		}
		part := graph.Reshape(graph.Slice(y, one...), append([]int{dims[0]}, coarse...)...)
		part = graph.Pad(part, zero, spread...)
		if sum == nil {
			sum = part
		} else {
			sum = graph.Add(sum, part)
		}
	}
	if k.pad == 0 {
		return sum
	}
	inside := same(dim+2, graph.AxisRange())
	for axis := 1; axis <= dim; axis++ {
		inside[axis] = graph.AxisRange(k.pad, k.pad+dims[axis])
	}
	return graph.Slice(sum, inside...)
}
