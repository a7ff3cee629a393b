// Package hartley builds the separable discrete Hartley transform as a GoMLX graph.
//
// The Hartley kernel cas θ = cos θ + sin θ, applied along every lattice axis with
// the factor 1/√L, is a real, symmetric, orthogonal matrix H with H² = 1. A filter
// that is multiplication by m_k in Fourier space, with m even in each component of
// k separately, is multiplication by the same m_k in the Hartley basis: the basis
// functions only mix the modes (±k_1, ±k_2, …), on which m is constant. Unlike an
// FFT this needs nothing but matrix products, which every backend has.
package hartley

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Matrix returns the n×n matrix cas(2πij/n)/√n, row-major.
func Matrix(n int) []float64 {
	h := make([]float64, n*n)
	norm := 1 / math.Sqrt(float64(n))
	for i := range n {
		for j := range n {
			// The product is reduced modulo n first: large angles lose digits.
			s, c := math.Sincos(2 * math.Pi * float64(i*j%n) / float64(n))
			h[i*n+j] = norm * (c + s)
		}
	}
	return h
}

// Mode returns mode k of the transform over a lattice of the given extents, both counted in
// row-major order: the field of norm 1 with the transform 1 there and 0 elsewhere.
func Mode(k int, dims ...int) []float64 {
	field := []float64{1}
	for mu := len(dims) - 1; mu >= 0; mu-- {
		n := dims[mu]
		row, inner := Matrix(n)[k%n*n:][:n], field
		k /= n
		field = make([]float64, 0, n*len(inner))
		for _, h := range row {
			for _, v := range inner {
				field = append(field, h*v)
			}
		}
	}
	return field
}

// Transform returns the Hartley transform of x over the lattice: all axes but the first
// two, the batch and the components. It is its own inverse.
func Transform(x *graph.Node) *graph.Node {
	g := x.Graph()
	for range x.Rank() - 2 {
		// Contracting the first lattice axis appends its transform as the last
		// axis; after one round every axis is back in its place.
		n := x.Shape().Dimensions[2]
		h := Const(g, x.DType(), Matrix(n), n, n)
		x = graph.DotGeneral(x, []int{2}, nil, h, []int{0}, nil)
	}
	return x
}

// Filter returns H(m·H(x)), the filter with the transfer function m; m has the
// shape of x, or one that broadcasts to it.
func Filter(x, m *graph.Node) *graph.Node {
	return Transform(graph.Mul(Transform(x), m))
}

// Const returns a constant of the given floating-point type and shape.
func Const(g *graph.Graph, dtype dtypes.DType, data []float64, dims ...int) *graph.Node {
	if dtype == dtypes.Float32 {
		narrow := make([]float32, len(data))
		for i, v := range data {
			narrow[i] = float32(v)
		}
		return graph.ConstTensor(g, tensors.FromFlatDataAndDimensions(narrow, dims...))
	}
	return graph.ConstTensor(g, tensors.FromFlatDataAndDimensions(data, dims...))
}
