package unet

import "github.com/gomlx/gomlx/core/graph"

// Norm is a normalisation of feature maps that is odd under h → -h: it divides by a
// root mean square and subtracts no mean. Scales per channel are left to the gates
// that follow.
type Norm string

const (
	// NoNorm leaves feature maps as they are.
	NoNorm Norm = "none"
	// SiteNorm divides by the root mean square over the channels of a site. It
	// commutes with all permutations of sites.
	SiteNorm Norm = "site"
	// GroupNorm divides by the root mean square over the sites and the channels of a
	// group, per sample: groups of 4 channels, or all channels where their number is
	// not a multiple of 4.
	GroupNorm Norm = "group"
)

// normalise applies n to h [channels, extents…, batch]. A small constant keeps the
// gradient of a vanishing map finite.
func normalise(n Norm, h *graph.Node) *graph.Node {
	const epsilon = 1e-5
	inverseRoot := func(sum *graph.Node, members int) *graph.Node {
		mean := graph.MulScalar(sum, 1/float64(members))
		return graph.Reciprocal(graph.Sqrt(graph.AddScalar(mean, epsilon)))
	}
	switch n {
	case SiteNorm:
		x := graph.Reshape(h, 1, h.Shape().Dimensions[0], -1)
		channels := x.Shape().Dimensions[1]
		scale := inverseRoot(sumSquares(x), channels)
		return graph.Reshape(graph.Mul(x, repeatSites(scale, channels)), h.Shape().Dimensions...)
	case GroupNorm:
		channels, batch := h.Shape().Dimensions[0], h.Shape().Dimensions[h.Rank()-1]
		members := 4
		if channels%members != 0 {
			members = channels
		}
		x := graph.Reshape(h, channels/members, -1, batch)
		size := x.Shape().Dimensions[1]
		scale := inverseRoot(sumSquares(x), size)
		return graph.Reshape(graph.Mul(x, repeatSites(scale, size)), h.Shape().Dimensions...)
	}
	return h
}
