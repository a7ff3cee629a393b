package hollow

import (
	"slices"
	"sync"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/internal/lowering"
)

// Fields inside the network have the layout [batch, channels, copies·sites], where the
// copies are the components of a vector, otherwise one. What depends on the noise level has the shape [levels, …], where levels is the size of the batch or, if
// all samples share one level, 1; it multiplies weights rather than fields. Linear maps
// are then matrix products that need no transpose, [batch, out, in] times [batch, in,
// sites], and gates are for free. The maps bring their own adjoints, which are again
// such products.

// bilinear returns f(a, b), linear in each, with the given adjoints.
func bilinear(a, b *graph.Node, f func(a, b *graph.Node) *graph.Node, adjointA, adjointB func(v *graph.Node) *graph.Node) *graph.Node {
	return nn.WithAdjoint(a, func(a *graph.Node) *graph.Node {
		return nn.WithAdjoint(b, func(b *graph.Node) *graph.Node { return f(a, b) }, adjointB)
	}, adjointA)
}

// product returns a·b for matrices.
func product(a, b *graph.Node) *graph.Node {
	return bilinear(a, b,
		func(a, b *graph.Node) *graph.Node { return dot(a, []int{1}, nil, b, []int{0}, nil) },
		func(v *graph.Node) *graph.Node { return dot(v, []int{1}, nil, b, []int{1}, nil) },
		func(v *graph.Node) *graph.Node { return product(graph.Transpose(a, 0, 1), v) })
}

// ones returns ones of the type of x.
func ones(x *graph.Node, dims ...int) *graph.Node {
	return graph.Ones(x.Graph(), shapes.Make(x.DType(), dims...))
}

// repeatFirst repeats x n times along a new first axis. On the pure-Go backend products
// with ones are faster than broadcasts, and than sums.
func repeatFirst(x *graph.Node, n int) *graph.Node {
	dims := x.Shape().Dimensions
	y := product(ones(x, n, 1), graph.Reshape(x, 1, -1))
	return graph.Reshape(y, append([]int{n}, dims...)...)
}

// repeatLevels repeats x [1, …] for all levels.
func repeatLevels(x *graph.Node, levels int) *graph.Node {
	return repeatFirst(graph.Reshape(x, x.Shape().Dimensions[1:]...), levels)
}

// repeatLast repeats x n times along a new last axis.
func repeatLast(x *graph.Node, n int) *graph.Node {
	dims := slices.Clone(x.Shape().Dimensions)
	if n > 1 {
		x = product(graph.Reshape(x, -1, 1), ones(x, 1, n))
	}
	return graph.Reshape(x, append(dims, n)...)
}

// meanLast averages x over its last axis.
func meanLast(x *graph.Node) *graph.Node {
	dims := x.Shape().Dimensions
	n := dims[len(dims)-1]
	weights := graph.MulScalar(ones(x, 1, n), 1/float64(n))
	y := nn.WithAdjoint(graph.Reshape(x, -1, n),
		func(x *graph.Node) *graph.Node { return dot(x, []int{1}, nil, weights, []int{1}, nil) },
		func(v *graph.Node) *graph.Node { return product(v, weights) })
	return graph.Reshape(y, dims[:len(dims)-1]...)
}

// scaleRows multiplies the rows of w, [out, in] or [levels, out, in], by g [levels, out].
func scaleRows(g, w *graph.Node) *graph.Node {
	if w.Rank() == 2 {
		w = repeatFirst(w, g.Shape().Dimensions[0])
	}
	return graph.Mul(repeatLast(g, w.Shape().Dimensions[2]), w)
}

// transposed exchanges rows and columns of w [levels, out, in].
func transposed(w *graph.Node) *graph.Node { return graph.Transpose(w, 1, 2) }

// row returns numbers [levels, in] as a matrix of one row.
func row(w *graph.Node) *graph.Node { return graph.ExpandAxes(w, 1) }

// scaleColumns multiplies the columns of w [levels, out, in] by g [levels, in].
func scaleColumns(w, g *graph.Node) *graph.Node {
	return graph.Mul(w, graph.BroadcastToDims(row(g), w.Shape().Dimensions...))
}

// columns returns a range of columns of w.
func columns(w *graph.Node, from, to int) *graph.Node {
	return graph.SliceAxis(w, 2, graph.AxisRange(from, to))
}

// join concatenates channels, or columns, at the given axis. Parts that are nil are left
// out.
func join(axis int, parts ...*graph.Node) *graph.Node {
	parts = slices.DeleteFunc(parts, func(p *graph.Node) bool { return p == nil })
	if len(parts) == 1 {
		return parts[0]
	}
	return graph.Concatenate(parts, axis)
}

// each repeats what a batch shares, x [1, …], for every sample; x [batch, …] it leaves
// as it is.
func each(x *graph.Node, batch int) *graph.Node {
	dims := x.Shape().Dimensions
	if dims[0] == batch {
		return x
	}
	return repeatLevels(x, batch)
}

// mix multiplies the channels of the fields x, one after the other, by w [levels, out, in].
// Fields that are nil are left out.
func mix(w *graph.Node, x ...*graph.Node) *graph.Node {
	x = slices.DeleteFunc(slices.Clone(x), func(p *graph.Node) bool { return p == nil })
	w = each(w, x[0].Shape().Dimensions[0])
	inputs := make([]*graph.Node, 0, len(x))
	var apply func(from int) *graph.Node
	apply = func(from int) *graph.Node {
		if i := len(inputs); i < len(x) {
			to := from + x[i].Shape().Dimensions[1]
			return nn.WithAdjoint(x[i],
				func(x *graph.Node) *graph.Node {
					inputs = append(inputs, x)
					return apply(to)
				},
				func(v *graph.Node) *graph.Node {
					part := w
					if len(x) > 1 {
						part = columns(w, from, to)
					}
					return mix(transposed(part), v)
				})
		}
		all := join(1, inputs...)
		return nn.WithAdjoint(w,
			func(w *graph.Node) *graph.Node {
				return dot(w, []int{2}, []int{0}, all, []int{1}, []int{0})
			},
			func(v *graph.Node) *graph.Node {
				return dot(v, []int{2}, []int{0}, all, []int{2}, []int{0})
			})
	}
	return apply(0)
}

// sumSites sums x over sites: [batch, channels].
func sumSites(x *graph.Node) *graph.Node { return graph.ReduceSum(x, 2) }

// transform returns the Hartley transform of x, of all copies, over the sites of a lattice
// with the given extents; see [hartley.Transform].
func transform(x *graph.Node, dims []int) *graph.Node {
	return nn.WithAdjoint(x,
		func(x *graph.Node) *graph.Node {
			shape, sites := x.Shape().Dimensions, volume(dims)
			count := x.Shape().Size() / sites
			if whole(x, count, dims) {
				x = dot(graph.Reshape(x, count, sites), []int{1}, nil, hartleyMatrix(x, dims...), []int{0}, nil)
				return graph.Reshape(x, shape...)
			}
			for _, n := range dims {
				x = alongAxis(graph.Reshape(x, count, n, -1), stacked(x, count, n))
				count *= n
			}
			return graph.Reshape(x, shape...)
		},
		func(v *graph.Node) *graph.Node { return transform(v, dims) })
}

// hartleyMatrix returns the matrix of the transform over all axes, the Kronecker product
// of those of the axes.
func hartleyMatrix(x *graph.Node, dims ...int) *graph.Node {
	m, v := []float64{1}, 1
	for _, n := range dims {
		h, next := hartley.Matrix(n), make([]float64, 0, v*n*v*n)
		for i := range v * n {
			for j := range v * n {
				next = append(next, m[i/n*v+j/n]*h[i%n*n+j%n])
			}
		}
		m, v = next, v*n
	}
	return hartley.Const(x.Graph(), x.DType(), m, v, v)
}

// whole says whether count fields are transformed along all axes by one product. The
// pure-Go backend leaves small products with narrow matrices to scalar code; one with a
// matrix of all sites is quicker then, in spite of many more operations.
func whole(x *graph.Node, count int, dims []int) bool {
	const maxSites, small = 256, 1 << 22
	v := volume(dims)
	return !lowering.Native(lowering.Of(x.Graph().Backend()), lowering.MiddleAxis) && v <= maxSites && count*v*slices.Max(dims) < small
}

// maxStack bounds the number of elements of a stack of equal matrices.
const maxStack = 1 << 23

// stacked says whether count products with the n×n Hartley matrix are done with a stack of
// copies of it. The pure-Go backend is fast at those, and slow at transposes.
func stacked(x *graph.Node, count, n int) bool {
	return !lowering.Native(lowering.Of(x.Graph().Backend()), lowering.MiddleAxis) && count*n*n <= maxStack
}

// alongAxis multiplies the middle axis of x, of extent n, by the Hartley matrix.
func alongAxis(x *graph.Node, stack bool) *graph.Node {
	count, n, after := x.Shape().Dimensions[0], x.Shape().Dimensions[1], x.Shape().Dimensions[2]
	switch {
	case n == 1:
		return x
	case after == 1:
		y := dot(graph.Reshape(x, count, n), []int{1}, nil, hartleyMatrix(x, n), []int{0}, nil)
		return graph.Reshape(y, count, n, 1)
	case stack:
		h := graph.ConstCachedTensor(x.Graph(), hartleyMatrices(x.DType(), count, n))
		return dot(h, []int{2}, []int{0}, x, []int{1}, []int{0})
	}
	return graph.Transpose(dot(hartleyMatrix(x, n), []int{1}, nil, x, []int{1}, nil), 0, 1)
}

// hartleyCache holds the stacks of matrices, so that all graphs share them.
var hartleyCache sync.Map

// hartleyMatrices returns count copies of the Hartley matrix, [count, n, n].
func hartleyMatrices(dtype dtypes.DType, count, n int) *tensors.Tensor {
	type key struct {
		dtype    dtypes.DType
		count, n int
	}
	k := key{dtype, count, n}
	if t, ok := hartleyCache.Load(k); ok {
		return t.(*tensors.Tensor)
	}
	h := hartley.Matrix(n)
	var t *tensors.Tensor
	if dtype == dtypes.Float32 {
		flat := make([]float32, 0, count*len(h))
		for range count {
			for _, v := range h {
				flat = append(flat, float32(v))
			}
		}
		t = tensors.FromFlatDataAndDimensions(flat, count, n, n)
	} else {
		t = tensors.FromFlatDataAndDimensions(slices.Repeat(h, count), count, n, n)
	}
	actual, _ := hartleyCache.LoadOrStore(k, t)
	return actual.(*tensors.Tensor)
}

// dot returns a product, ready for scalar operations on it.
func dot(a *graph.Node, contractA, batchA []int, b *graph.Node, contractB, batchB []int) *graph.Node {
	return nn.AfterProduct(graph.DotGeneral(a, contractA, batchA, b, contractB, batchB))
}
