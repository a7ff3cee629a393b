package hollow

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
)

// sigmoid is the function s(x) = x/√(1+|x|²), odd in a number and equivariant under
// rotations of a vector x, whose components are the copies.
type sigmoid struct {
	copies int
	x      *graph.Node // [batch, channels, copies·sites]
	value  *graph.Node
	root   *graph.Node // √(1+|x|²) [batch, channels, sites]
	cube   *graph.Node // (1+|x|²)^{3/2}, for one copy the reciprocal of the derivative
}

func newSigmoid(x *graph.Node, copies int) sigmoid {
	q := graph.AddScalar(sumCopies(graph.Mul(x, x), copies), 1)
	root := graph.Sqrt(q)
	cube := graph.Mul(q, root)
	fixed := graph.StopGradient(repeatCopies(root, copies))
	return sigmoid{
		copies: copies, x: x, root: root, cube: cube,
		value: nn.WithAdjoint(x,
			func(x *graph.Node) *graph.Node { return graph.Div(x, fixed) },
			func(v *graph.Node) *graph.Node {
				if copies == 1 {
					return graph.Div(v, cube)
				}
				along := graph.Div(sumCopies(graph.Mul(x, v), copies), cube)
				return graph.Sub(graph.Div(v, fixed), graph.Mul(x, repeatCopies(along, copies)))
			}),
	}
}

// slope returns the derivative for one copy.
func (s sigmoid) slope() *graph.Node { return graph.Reciprocal(s.cube) }

// trace returns the divergence Σ_i ∂s_i/∂x_i = (n-1)/√(1+|x|²) + 1/(1+|x|²)^{3/2} for n
// copies, [batch, channels, sites].
func (s sigmoid) trace() *graph.Node {
	if s.copies == 1 {
		return s.slope()
	}
	return graph.Add(graph.MulScalar(graph.Reciprocal(s.root), float64(s.copies-1)), s.slope())
}

// jacobian returns ∂s_i/∂x_j = δ_ij/√(1+|x|²) - x_i x_j/(1+|x|²)^{3/2} for all pairs of
// copies i ≤ j, [batch, channels, pairs·sites].
func (s sigmoid) jacobian() *graph.Node {
	if s.copies == 1 {
		return s.slope()
	}
	first, second, diagonal := pairs(s.copies)
	n := len(first) / s.copies
	product := graph.Mul(across(s.x, first, n), across(s.x, second, n))
	product = graph.Mul(product, across(s.slope(), ones64(n), n))
	return graph.Sub(across(graph.Reciprocal(s.root), diagonal, n), product)
}

// withJacobian multiplies x [batch, channels, pairs·sites] by the Jacobian, pair by pair.
func (s sigmoid) withJacobian(x *graph.Node) *graph.Node {
	if s.copies == 1 {
		return graph.Div(x, s.cube)
	}
	return graph.Mul(x, s.jacobian())
}

// identity returns the matrix δ_ij at every site, by pairs i ≤ j of copies, [batch, 1,
// pairs·sites].
func (b *builder) identity() *graph.Node {
	one := ones(b.field, b.batch, 1, b.sites)
	if b.copies == 1 {
		return one
	}
	_, _, diagonal := pairs(b.copies)
	return across(one, diagonal, len(diagonal))
}

// multiplicity returns how often a pair i ≤ j of copies occurs in a sum over i and j,
// [batch, 1, pairs·sites].
func (b *builder) multiplicity() *graph.Node {
	return graph.AddScalar(graph.Neg(b.identity()), 2)
}

// pairs returns, for the pairs i ≤ j of n copies, the matrices [pairs, n] that select i
// and j, and δ_ij.
func pairs(n int) (first, second, diagonal []float64) {
	unit := func(i int) []float64 {
		e := make([]float64, n)
		e[i] = 1
		return e
	}
	for i := range n {
		for j := i; j < n; j++ {
			first, second = append(first, unit(i)...), append(second, unit(j)...)
			diagonal = append(diagonal, unit(i)[j])
		}
	}
	return first, second, diagonal
}
