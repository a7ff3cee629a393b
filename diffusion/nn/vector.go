package nn

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/internal/lowering"
)

func init() {
	// GoMLX has no rule for this operation: the identity for its first argument.
	if _, ok := graph.VJPRegistration[graph.NodeTypeSchedulingBarrier]; !ok {
		graph.VJPRegistration[graph.NodeTypeSchedulingBarrier] = func(node *graph.Node, v []*graph.Node, _ shapes.Shape) []*graph.Node {
			adjoints := make([]*graph.Node, len(node.Inputs()))
			adjoints[0] = v[0]
			return adjoints
		}
	}
}

// AfterProduct returns the matrix product y, for operations element by element to follow.
//
// On amd64 the vectorised products of the pure-Go backend leave the upper halves of the
// vector registers dirty, which slows all scalar floating-point code on the same thread
// down, by a factor of two to four, until something clears them. A copy of some hundred
// bytes does; the barriers make one between y and what follows.
func AfterProduct(y *graph.Node) *graph.Node {
	if !lowering.IsPureGo(y.Graph().Backend()) {
		return y
	}
	block := graph.Const(y.Graph(), make([]float32, 256))
	return graph.SchedulingBarrier(y, graph.SchedulingBarrier(block, y))
}
