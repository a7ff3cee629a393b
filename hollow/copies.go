package hollow

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
)

// across multiplies the copies of x [batch, channels, n·sites] by the matrix m, row-major
// [rows, n]: [batch, channels, rows·sites].
func across(x *graph.Node, m []float64, rows int) *graph.Node {
	n := len(m) / rows
	back := make([]float64, len(m))
	for i := range rows {
		for j := range n {
			back[j*rows+i] = m[i*n+j]
		}
	}
	return nn.WithAdjoint(x,
		func(x *graph.Node) *graph.Node {
			batch, channels, width := x.Shape().Dimensions[0], x.Shape().Dimensions[1], x.Shape().Dimensions[2]
			stack := repeatFirst(hartley.Const(x.Graph(), x.DType(), m, rows, n), batch*channels)
			y := dot(stack, []int{2}, []int{0}, graph.Reshape(x, batch*channels, n, width/n), []int{1}, []int{0})
			return graph.Reshape(y, batch, channels, rows*width/n)
		},
		func(v *graph.Node) *graph.Node { return across(v, back, n) })
}

// ones64 returns n ones.
func ones64(n int) []float64 { return slices.Repeat([]float64{1}, n) }

// sumCopies sums x over n copies.
func sumCopies(x *graph.Node, n int) *graph.Node {
	if n == 1 {
		return x
	}
	return across(x, ones64(n), 1)
}

// repeatCopies repeats x for n copies.
func repeatCopies(x *graph.Node, n int) *graph.Node {
	if n == 1 {
		return x
	}
	return across(x, ones64(n), n)
}
