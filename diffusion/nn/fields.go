package nn

import "github.com/gomlx/gomlx/core/graph"

// Fields have the shape [batch, components, extents…].

// siteAxes returns all axes of a field but the batch.
func siteAxes(phi *graph.Node) []int {
	axes := make([]int, phi.Rank()-1)
	for i := range axes {
		axes[i] = i + 1
	}
	return axes
}

// SumSites sums a field over its components and sites: [batch].
func SumSites(phi *graph.Node) *graph.Node { return graph.ReduceSum(phi, siteAxes(phi)...) }

// PerSample broadcasts x [batch] to the shape of the field phi.
func PerSample(x, phi *graph.Node) *graph.Node {
	return graph.BroadcastToDims(graph.ExpandAxes(x, siteAxes(phi)...), phi.Shape().Dimensions...)
}
