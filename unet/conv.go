package unet

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
)

// Feature maps have the layout [channels, extents…, batch]: a convolution is then
// one product of a weight matrix with a matrix of patches, in both directions
// without a transpose.

// flatten returns x with all axes but the first merged.
func flatten(x *graph.Node) *graph.Node {
	return graph.Reshape(x, x.Shape().Dimensions[0], -1)
}

// unflatten gives the [channels, sites·batch] matrix y the lattice and batch axes of x.
func unflatten(y, x *graph.Node) *graph.Node {
	dims := append([]int{y.Shape().Dimensions[0]}, x.Shape().Dimensions[1:]...)
	return graph.Reshape(y, dims...)
}

// product returns w·x for w of shape [out, in] and x of shape [in, m].
func product(w, x *graph.Node) *graph.Node {
	return nn.AfterProduct(graph.DotGeneral(w, []int{1}, nil, x, []int{0}, nil))
}

// transpose returns wᵀ. A product that contracts the first axis of both factors would
// transpose both of them on the pure-Go backend; of two, the weights are small.
func transpose(w *graph.Node) *graph.Node { return graph.TransposeAllAxes(w, 1, 0) }

// outer returns a·bᵀ for a of shape [i, m] and b of shape [j, m].
func outer(a, b *graph.Node) *graph.Node {
	return nn.AfterProduct(graph.DotGeneral(a, []int{1}, nil, b, []int{1}, nil))
}

// bilinear returns f(x, w), linear in each, with the adjoints of f with respect to x
// and w given.
func bilinear(x, w *graph.Node, f func(x, w *graph.Node) *graph.Node, adjointX, adjointW func(v *graph.Node) *graph.Node) *graph.Node {
	return nn.WithAdjoint(x, func(x *graph.Node) *graph.Node {
		return nn.WithAdjoint(w, func(w *graph.Node) *graph.Node { return f(x, w) }, adjointW)
	}, adjointX)
}

// linear returns lower(x)·w: the product of the weights w [out, k] with the matrix
// lower(x) [k, m], where adjoint maps the adjoint of the output to that of x.
func linear(x, w *graph.Node, lower, adjoint func(*graph.Node) *graph.Node) *graph.Node {
	return nn.WithAdjoint(x, func(x *graph.Node) *graph.Node {
		matrix := lower(x)
		return nn.WithAdjoint(w,
			func(w *graph.Node) *graph.Node { return unflatten(product(w, matrix), x) },
			func(v *graph.Node) *graph.Node {
				return outer(flatten(v), matrix)
			})
	}, adjoint)
}

// pointwise returns the 1×…×1 convolution of x [in, extents…, batch] with w [out, in].
func pointwise(x, w *graph.Node) *graph.Node {
	return linear(x, w, flatten, func(v *graph.Node) *graph.Node {
		return unflatten(product(transpose(w), flatten(v)), x)
	})
}

// Stencil says which sites a convolution couples.
type Stencil string

const (
	// Cross couples a site to itself and to its 2d nearest neighbours, as the
	// action (4.2) does.
	Cross Stencil = "cross"
	// Box couples a site to the 3^d sites of the cube around it.
	Box Stencil = "box"
)

// taps returns the number of sites the stencil couples in d dimensions.
func (s Stencil) taps(d int) int {
	if s == Cross {
		return 2*d + 1
	}
	n := 1
	for range d {
		n *= 3
	}
	return n
}

// patches returns the periodic shifts of x by the offsets of the stencil, stacked
// on the channel axis: [taps·channels, extents…, batch]. The offset at position i
// is minus the one at position taps-1-i.
func (s Stencil) patches(x *graph.Node) *graph.Node {
	dim := x.Rank() - 2
	if s == Box {
		for axis := 1; axis <= dim; axis++ {
			x = graph.Concatenate([]*graph.Node{roll(x, axis, -1), x, roll(x, axis, 1)}, 0)
		}
		return x
	}
	parts := make([]*graph.Node, 2*dim+1)
	parts[dim] = x
	for axis := 1; axis <= dim; axis++ {
		parts[dim-axis], parts[dim+axis] = roll(x, axis, -1), roll(x, axis, 1)
	}
	return graph.Concatenate(parts, 0)
}

// conv returns the periodic convolution (cross-correlation) of
// x [in, extents…, batch] with w [out, taps·in], in the order of taps of patches.
func conv(s Stencil, x, w *graph.Node) *graph.Node {
	if nativeConvolution(x) {
		return s.nativeConv(x, w)
	}
	in := x.Shape().Dimensions[0]
	return linear(x, w,
		func(x *graph.Node) *graph.Node { return flatten(s.patches(x)) },
		func(v *graph.Node) *graph.Node {
			// y(x) = Σ_o w_o φ(x+o) has the adjoint Σ_o w_oᵀ v(x-o): the
			// convolution with the taps in reverse order.
			out := w.Shape().Dimensions[0]
			taps := w.Shape().Dimensions[1] / in
			t := graph.Reverse(graph.Reshape(w, out, taps, in), 1)
			t = graph.Reshape(graph.TransposeAllAxes(t, 2, 1, 0), in, taps*out)
			return unflatten(product(t, flatten(s.patches(v))), x)
		})
}
