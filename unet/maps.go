package unet

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/internal/lowering"
)

// This file holds what acts on feature maps site by site. Numbers per channel and
// sample have the shape [channels, 1, batch].

// bySites returns x [channels, extents…, batch] as [channels, sites, batch].
func bySites(x *graph.Node) *graph.Node {
	return graph.Reshape(x, x.Shape().Dimensions[0], -1, x.Shape().Dimensions[x.Rank()-1])
}

// siteProduct multiplies x [channels, n, batch] along its middle axis by a matrix of
// ones: m = 1 sums over sites and n = 1 repeats for m sites. On the pure-Go backend a
// product is faster than a reduction, or a broadcast.
func siteProduct(x *graph.Node, m int) *graph.Node {
	channels, n, batch := x.Shape().Dimensions[0], x.Shape().Dimensions[1], x.Shape().Dimensions[2]
	switch {
	case !native(x, lowering.Sum):
	case m == 1:
		return graph.Reshape(graph.ReduceSum(x, 1), channels, 1, batch)
	default:
		return graph.BroadcastToDims(x, channels, m, batch)
	}
	ones := graph.Ones(x.Graph(), shapes.Make(x.DType(), channels, m, n))
	return nn.AfterProduct(graph.DotGeneral(ones, []int{2}, []int{0}, x, []int{1}, []int{0}))
}

// repeatSites repeats g [channels, 1, batch] for n sites.
func repeatSites(g *graph.Node, n int) *graph.Node {
	return nn.WithAdjoint(g,
		func(g *graph.Node) *graph.Node { return siteProduct(g, n) },
		func(v *graph.Node) *graph.Node { return siteProduct(v, 1) })
}

// sumSquares sums the squares of x [channels, sites, batch] over sites.
func sumSquares(x *graph.Node) *graph.Node {
	n := x.Shape().Dimensions[1]
	return nn.WithAdjoint(x,
		func(x *graph.Node) *graph.Node { return siteProduct(graph.Mul(x, x), 1) },
		func(v *graph.Node) *graph.Node { return graph.Mul(x, siteProduct(graph.MulScalar(v, 2), n)) })
}

// moments returns the sums over sites of x [channels, sites, batch] and of x².
func moments(x *graph.Node) (first, second *graph.Node) {
	n := x.Shape().Dimensions[1]
	both := nn.WithAdjoint(x,
		func(x *graph.Node) *graph.Node {
			return graph.Concatenate([]*graph.Node{siteProduct(x, 1), siteProduct(graph.Mul(x, x), 1)}, 1)
		},
		func(v *graph.Node) *graph.Node {
			v1, v2 := part(v, 0), part(v, 1)
			return graph.Add(siteProduct(v1, n), graph.Mul(x, siteProduct(graph.MulScalar(v2, 2), n)))
		})
	return part(both, 0), part(both, 1)
}

// part returns slice i of the middle axis.
func part(x *graph.Node, i int) *graph.Node { return graph.SliceAxis(x, 1, graph.AxisElem(i)) }

// swish returns x·sigmoid(x) with few passes over x in either direction.
func swish(x *graph.Node) *graph.Node {
	var q, y *graph.Node
	return nn.WithAdjoint(x,
		func(x *graph.Node) *graph.Node {
			// For x → -∞ the exponential overflows and the quotient is -0, as it should.
			q = graph.AddScalar(graph.Exp(graph.Neg(x)), 1)
			y = graph.Div(x, q)
			return y
		},
		func(v *graph.Node) *graph.Node {
			// With s = sigmoid(x) the derivative is s + y(1-s).
			s := graph.Reciprocal(q)
			return graph.Mul(v, graph.Add(s, graph.Mul(y, graph.OneMinus(s))))
		})
}
