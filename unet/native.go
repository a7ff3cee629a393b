package unet

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/internal/lowering"
)

// device returns the class of devices that work on x; tests put others in its place.
var device = func(x *graph.Node) lowering.Device { return lowering.Of(x.Graph().Backend()) }

// native says whether op on x is left to the operations of the backend.
func native(x *graph.Node, op lowering.Operation) bool { return lowering.Native(device(x), op) }

// nativeConvolution says whether feature maps like x are convolved by the backend. The
// convolutions of cuDNN have three spatial axes at most.
func nativeConvolution(x *graph.Node) bool {
	return native(x, lowering.Convolution) && x.Rank()-2 <= 3
}

// mapAxes says that feature maps are [channels, extents…, batch].
func mapAxes(dim int) graph.ConvolveAxesConfig {
	spatial := make([]int, dim)
	for i := range spatial {
		spatial[i] = i + 1
	}
	return graph.ConvolveAxesConfig{
		InputBatch: dim + 1, InputChannels: 0, InputSpatial: spatial,
		OutputBatch: dim + 1, OutputChannels: 0, OutputSpatial: spatial,
	}
}

// nativeConv is Stencil convolution by the backend: x is extended periodically by
// one site on every side, and a cross is a box with zeros.
func (s Stencil) nativeConv(x, w *graph.Node) *graph.Node {
	dim := x.Rank() - 2
	in := x.Shape().Dimensions[0]
	for axis := 1; axis <= dim; axis++ {
		n := x.Shape().Dimensions[axis]
		x = graph.Concatenate([]*graph.Node{
			graph.SliceAxis(x, axis, graph.AxisRange(n-1, n)), x, graph.SliceAxis(x, axis, graph.AxisRange(0, 1)),
		}, axis)
	}
	if s == Cross {
		w = crossToBox(w, dim, in)
	}
	axes := mapAxes(dim)
	kernel := []int{w.Shape().Dimensions[0]}
	axes.KernelOutputChannels, axes.KernelInputChannels = 0, dim+1
	for axis := range dim {
		kernel = append(kernel, 3)
		axes.KernelSpatial = append(axes.KernelSpatial, dim-axis)
	}
	w = graph.Reshape(w, append(kernel, in)...)
	return graph.ConvGeneral(x, w, axes, nil, nil, nil, nil, 1, 1)
}

// crossToBox inserts the taps of a cross [out, (2d+1)·in] into a box [out, 3^d·in].
func crossToBox(w *graph.Node, dim, in int) *graph.Node {
	out := w.Shape().Dimensions[0]
	zero := graph.ZerosLike(graph.SliceAxis(w, 1, graph.AxisRange(0, in)))
	taps := make([]*graph.Node, Box.taps(dim))
	for i := range taps {
		taps[i] = zero
	}
	centre, step := len(taps)/2, 1
	taps[centre] = graph.SliceAxis(w, 1, graph.AxisRange(dim*in, (dim+1)*in))
	for axis := 1; axis <= dim; axis++ {
		for _, sign := range []int{-1, 1} {
			tap := dim + sign*axis
			taps[centre+sign*step] = graph.SliceAxis(w, 1, graph.AxisRange(tap*in, (tap+1)*in))
		}
		step *= 3
	}
	return graph.Reshape(graph.Concatenate(taps, 1), out, -1)
}

func (k window) nativeConv(x, w *graph.Node) *graph.Node {
	dim := x.Rank() - 2
	in, out := x.Shape().Dimensions[0], w.Shape().Dimensions[0]
	axes := mapAxes(dim)
	axes.KernelOutputChannels, axes.KernelInputChannels = 0, dim
	// Taps (t_d, …, t_2, c, t_1) stand behind the output channel.
	axes.KernelSpatial = []int{dim + 1}
	dims := []int{out}
	for axis := 2; axis <= dim; axis++ {
		dims = append(dims, 3)
		axes.KernelSpatial = append(axes.KernelSpatial, dim-axis+1)
	}
	w = graph.Reshape(w, append(dims, in, 3)...)
	return graph.ConvGeneral(x, w, axes, same(dim, k.stride), same(dim, [2]int{k.pad, k.pad}), nil, nil, 1, 1)
}

// nativeTransposed spreads x by the stride, with zeros between, and convolves it with
// the reversed taps.
func (k window) nativeTransposed(x, w *graph.Node, extents []int) *graph.Node {
	dim := x.Rank() - 2
	var padding [][2]int
	for axis := 1; axis <= dim; axis++ {
		x = k.interleaveZeros(x, axis)
		n := x.Shape().Dimensions[axis]
		low := 2 - k.pad
		padding = append(padding, [2]int{low, extents[axis-1] + 2 - low - n})
	}
	in := w.Shape().Dimensions[1]
	axes := mapAxes(dim)
	axes.KernelInputChannels, axes.KernelOutputChannels = dim+1, dim-1
	axes.KernelSpatial = []int{dim}
	var dims []int
	for axis := 2; axis <= dim; axis++ {
		dims = append(dims, 3)
		axes.KernelSpatial = append(axes.KernelSpatial, dim-axis)
	}
	w = graph.Reshape(w, append(dims, -1, 3, in)...)
	for _, axis := range axes.KernelSpatial {
		w = graph.Concatenate([]*graph.Node{
			graph.SliceAxis(w, axis, graph.AxisElem(2)),
			graph.SliceAxis(w, axis, graph.AxisElem(1)),
			graph.SliceAxis(w, axis, graph.AxisElem(0)),
		}, axis)
	}
	return graph.ConvGeneral(x, w, axes, nil, padding, nil, nil, 1, 1)
}

// interleaveZeros puts stride-1 zeros behind every slice of x along the axis.
func (k window) interleaveZeros(x *graph.Node, axis int) *graph.Node {
	if k.stride == 1 {
		return x
	}
	dims := slices.Clone(x.Shape().Dimensions)
	y := graph.Reshape(x, slices.Insert(slices.Clone(dims), axis+1, 1)...)
	parts := []*graph.Node{y}
	for range k.stride - 1 {
		parts = append(parts, graph.ZerosLike(y))
	}
	dims[axis] *= k.stride
	return graph.Reshape(graph.Concatenate(parts, axis+1), dims...)
}

// same returns n times v.
func same[T any](n int, v T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}
