package plaquette

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
)

// dual is a function of θ with its derivative, rows [n, batch·sites].
type dual struct{ value, slope *graph.Node }

// times multiplies by a factor that does not depend on θ.
func (d dual) times(factor float64) dual {
	return dual{graph.MulScalar(d.value, factor), graph.MulScalar(d.slope, factor)}
}

// scaled multiplies by a row that does not depend on θ.
func (d dual) scaled(row *graph.Node) dual {
	return dual{graph.Mul(d.value, row), graph.Mul(d.slope, row)}
}

// product returns d·e.
func (d dual) product(e dual) dual {
	return dual{graph.Mul(d.value, e.value), graph.Add(graph.Mul(d.slope, e.value), graph.Mul(d.value, e.slope))}
}

// sincos returns sine and cosine.
func (d dual) sincos() (sin, cos dual) {
	s, c := graph.Sin(d.value), graph.Cos(d.value)
	return dual{s, graph.Mul(c, d.slope)}, dual{c, graph.Neg(graph.Mul(s, d.slope))}
}

// bounded returns x/(1 + x/bound) of a positive function.
func (d dual) bounded(bound float64) dual {
	r := graph.Reciprocal(graph.AddScalar(graph.MulScalar(d.value, 1/bound), 1))
	return dual{graph.Mul(d.value, r), graph.Mul(d.slope, graph.Square(r))}
}

// sigmoid returns x/√(1+x²), whose derivative is (1+x²)^{-3/2}.
func (d dual) sigmoid() dual {
	r := graph.Reciprocal(graph.Sqrt(graph.AddScalar(graph.Square(d.value), 1)))
	return dual{graph.Mul(d.value, r), graph.Mul(d.slope, graph.Mul(r, graph.Square(r)))}
}

// mixed returns W·d for a matrix W.
func (d dual) mixed(w *graph.Node) dual {
	product := func(x *graph.Node) *graph.Node {
		return nn.AfterProduct(graph.DotGeneral(w, []int{1}, nil, x, []int{0}, nil))
	}
	return dual{product(d.value), product(d.slope)}
}

// stack puts functions one below the other.
func stack(rows ...dual) dual {
	var values, slopes []*graph.Node
	for _, d := range rows {
		values, slopes = append(values, d.value), append(slopes, d.slope)
	}
	return dual{graph.Concatenate(values, 0), graph.Concatenate(slopes, 0)}
}
