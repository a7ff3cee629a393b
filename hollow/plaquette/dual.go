package plaquette

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
)

// dual is a function of the field at every site, rows [n, batch·sites], with its derivative
// with respect to the angle at the site itself, slope, and along the constant field, along;
// nil stands for the same as slope, which it is for functions of the angle at the site alone.
type dual struct{ value, slope, along *graph.Node }

// local returns a function of the angle at the site alone.
func local(value, slope *graph.Node) dual { return dual{value: value, slope: slope} }

// total returns the derivative along the constant field.
func (d dual) total() *graph.Node {
	if d.along == nil {
		return d.slope
	}
	return d.along
}

// linear applies a linear map to the value and the derivatives.
func (d dual) linear(f func(x *graph.Node) *graph.Node) dual {
	out := local(f(d.value), f(d.slope))
	if d.along != nil {
		out.along = f(d.along)
	}
	return out
}

// times multiplies by a factor that does not depend on the field.
func (d dual) times(factor float64) dual {
	return d.linear(func(x *graph.Node) *graph.Node { return graph.MulScalar(x, factor) })
}

// scaled multiplies by a row, or a number, that does not depend on the field.
func (d dual) scaled(row *graph.Node) dual {
	return d.linear(func(x *graph.Node) *graph.Node { return graph.Mul(x, row) })
}

// mixed returns W·d for a matrix W.
func (d dual) mixed(w *graph.Node) dual {
	return d.linear(func(x *graph.Node) *graph.Node {
		return nn.AfterProduct(graph.DotGeneral(w, []int{1}, nil, x, []int{0}, nil))
	})
}

// chain returns a function of d with the given value and derivative.
func (d dual) chain(value, derivative *graph.Node) dual {
	out := local(value, graph.Mul(derivative, d.slope))
	if d.along != nil {
		out.along = graph.Mul(derivative, d.along)
	}
	return out
}

// product returns d·e.
func (d dual) product(e dual) dual {
	rule := func(a, b *graph.Node) *graph.Node {
		return graph.Add(graph.Mul(a, e.value), graph.Mul(d.value, b))
	}
	out := local(graph.Mul(d.value, e.value), rule(d.slope, e.slope))
	if d.along != nil || e.along != nil {
		out.along = rule(d.total(), e.total())
	}
	return out
}

// sincos returns sine and cosine.
func (d dual) sincos() (sin, cos dual) {
	s, c := graph.Sin(d.value), graph.Cos(d.value)
	return d.chain(s, c), d.chain(c, graph.Neg(s))
}

// bounded returns x/(1 + x/bound) of a positive function.
func (d dual) bounded(bound float64) dual {
	r := graph.Reciprocal(graph.AddScalar(graph.MulScalar(d.value, 1/bound), 1))
	return d.chain(graph.Mul(d.value, r), graph.Square(r))
}

// sigmoid returns x/√(1+x²), whose derivative is (1+x²)^{-3/2}.
func (d dual) sigmoid() dual {
	r := graph.Reciprocal(graph.Sqrt(graph.AddScalar(graph.Square(d.value), 1)))
	return d.chain(graph.Mul(d.value, r), graph.Mul(r, graph.Square(r)))
}

// stack puts functions one below the other.
func stack(rows ...dual) dual {
	var values, slopes, alongs []*graph.Node
	differ := false
	for _, d := range rows {
		values, slopes, alongs = append(values, d.value), append(slopes, d.slope), append(alongs, d.total())
		differ = differ || d.along != nil
	}
	out := local(graph.Concatenate(values, 0), graph.Concatenate(slopes, 0))
	if differ {
		out.along = graph.Concatenate(alongs, 0)
	}
	return out
}

// rows repeats a single row n times.
func (d dual) rows(n int) dual {
	return d.linear(func(x *graph.Node) *graph.Node { return graph.BroadcastToDims(x, n, x.Shape().Dimensions[1]) })
}
