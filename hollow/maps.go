package hollow

import (
	"slices"
	"sync"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/internal/hartley"
	"github.com/latdiff/latdiff/internal/lowering"
	"github.com/latdiff/latdiff/internal/nn"
)

// Fields inside the network have the layout [channels, sites, batch], in which all
// linear maps are matrix products without a transpose; numbers per channel and sample
// have the shape [channels, 1, batch]. The linear maps bring their own adjoints, which
// are again such products.

// toSites turns a field [batch, extents…] into [1, sites, batch].
func toSites(x *graph.Node) *graph.Node {
	batch := x.Shape().Dimensions[0]
	return graph.ExpandAxes(graph.Transpose(graph.Reshape(x, batch, -1), 0, 1), 0)
}

// fromSites is the inverse of toSites.
func fromSites(x *graph.Node, dims []int) *graph.Node {
	batch := x.Shape().Dimensions[2]
	y := graph.Transpose(graph.Reshape(x, -1, batch), 0, 1)
	return graph.Reshape(y, append([]int{batch}, dims...)...)
}

// bilinear returns f(a, b), linear in each, with the given adjoints.
func bilinear(a, b *graph.Node, f func(a, b *graph.Node) *graph.Node, adjointA, adjointB func(v *graph.Node) *graph.Node) *graph.Node {
	return nn.WithAdjoint(a, func(a *graph.Node) *graph.Node {
		return nn.WithAdjoint(b, func(b *graph.Node) *graph.Node { return f(a, b) }, adjointB)
	}, adjointA)
}

// product returns a·b for matrices.
func product(a, b *graph.Node) *graph.Node {
	return bilinear(a, b,
		func(a, b *graph.Node) *graph.Node { return graph.DotGeneral(a, []int{1}, nil, b, []int{0}, nil) },
		func(v *graph.Node) *graph.Node { return graph.DotGeneral(v, []int{1}, nil, b, []int{1}, nil) },
		func(v *graph.Node) *graph.Node { return product(graph.Transpose(a, 0, 1), v) })
}

// products returns a_c·b_c for stacks of matrices a [c, i, j] and b [c, j, k].
func products(a, b *graph.Node) *graph.Node {
	return bilinear(a, b,
		func(a, b *graph.Node) *graph.Node {
			return graph.DotGeneral(a, []int{2}, []int{0}, b, []int{1}, []int{0})
		},
		func(v *graph.Node) *graph.Node {
			return graph.DotGeneral(v, []int{2}, []int{0}, b, []int{2}, []int{0})
		},
		func(v *graph.Node) *graph.Node { return products(graph.Transpose(a, 1, 2), v) })
}

// mix multiplies the channels of x [in, sites, batch] by w [out, in].
func mix(w, x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	y := product(w, graph.Reshape(x, d[0], d[1]*d[2]))
	return graph.Reshape(y, w.Shape().Dimensions[0], d[1], d[2])
}

// repeat repeats g [channels, 1, batch] for n sites.
func repeat(g *graph.Node, n int) *graph.Node {
	ones := graph.Ones(g.Graph(), shapes.Make(g.DType(), g.Shape().Dimensions[0], n, 1))
	return nn.WithAdjoint(g,
		func(g *graph.Node) *graph.Node { return products(ones, g) },
		sumSites)
}

// sumSites sums x [channels, sites, batch] over sites: [channels, 1, batch].
func sumSites(x *graph.Node) *graph.Node {
	n := x.Shape().Dimensions[1]
	ones := graph.Ones(x.Graph(), shapes.Make(x.DType(), x.Shape().Dimensions[0], 1, n))
	return nn.WithAdjoint(x,
		func(x *graph.Node) *graph.Node { return products(ones, x) },
		func(v *graph.Node) *graph.Node { return repeat(v, n) })
}

// sumChannels sums x over channels.
func sumChannels(x *graph.Node) *graph.Node {
	return mix(graph.Ones(x.Graph(), shapes.Make(x.DType(), 1, x.Shape().Dimensions[0])), x)
}

// scale multiplies x [channels, sites, batch] by g [channels, 1, batch].
func scale(g, x *graph.Node) *graph.Node {
	return graph.Mul(repeat(g, x.Shape().Dimensions[1]), x)
}

// onChannels repeats x [1, sites, batch] for n channels.
func onChannels(x *graph.Node, n int) *graph.Node {
	return mix(graph.Ones(x.Graph(), shapes.Make(x.DType(), n, 1)), x)
}

// sigmoid returns the odd function x/√(1+x²) and its derivative (1+x²)^{-3/2}, which is
// again differentiable.
func sigmoid(x *graph.Node) (value, slope *graph.Node) {
	q := graph.AddScalar(graph.Mul(x, x), 1)
	root := graph.Sqrt(q)
	cube := graph.Mul(q, root)
	fixed := graph.StopGradient(root)
	value = nn.WithAdjoint(x,
		func(x *graph.Node) *graph.Node { return graph.Div(x, fixed) },
		func(v *graph.Node) *graph.Node { return graph.Div(v, cube) })
	return value, graph.Reciprocal(cube)
}

// transform returns the Hartley transform of x [channels, sites, batch] over the sites of
// a lattice with the given extents; see [hartley.Transform].
func transform(x *graph.Node, dims []int) *graph.Node {
	return nn.WithAdjoint(x,
		func(x *graph.Node) *graph.Node {
			shape := slices.Clone(x.Shape().Dimensions)
			before := shape[0]
			for _, n := range dims {
				x = alongAxis(graph.Reshape(x, before, n, -1), stacked(x, before, n))
				before *= n
			}
			return graph.Reshape(x, shape...)
		},
		func(v *graph.Node) *graph.Node { return transform(v, dims) })
}

// maxStack bounds the number of elements of a stack of equal matrices.
const maxStack = 1 << 23

// stacked says whether count products with the n×n Hartley matrix are done with a stack of
// copies of it. The pure-Go backend is fast at those, and slow at transposes.
func stacked(x *graph.Node, count, n int) bool {
	return lowering.PureGo(x.Graph().Backend()) && count*n*n <= maxStack
}

// alongAxis multiplies the middle axis of x, of extent n, by the Hartley matrix.
func alongAxis(x *graph.Node, stack bool) *graph.Node {
	count, n := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	if n == 1 {
		return x
	}
	if stack {
		h := graph.ConstCachedTensor(x.Graph(), hartleyMatrices(x.DType(), count, n))
		return graph.DotGeneral(h, []int{2}, []int{0}, x, []int{1}, []int{0})
	}
	h := hartley.Const(x.Graph(), x.DType(), hartley.Matrix(n), n, n)
	return graph.Transpose(graph.DotGeneral(h, []int{1}, nil, x, []int{1}, nil), 0, 1)
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
