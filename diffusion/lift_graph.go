package diffusion

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
)

// newtonSteps is the number of steps of Newton's method for λ. The first value, that of
// Gaussian angles, is off by the order of 1/√V, and every step squares the error.
const newtonSteps = 2

// Remainder builds what the solution of independent lifted angles adds to the score of a
// Gaussian, and its divergence; see [lift] and [Solution].
func (l *lift) Remainder(theta, noisy, sigma *graph.Node) Remainder {
	g := newLiftGraph(l, theta, perSample(sigma, theta))
	volume := float64(l.layout.Volume())
	field := graph.Reshape(theta, theta.Shape().Dimensions[0], -1)
	lambda := graph.MulScalar(graph.ReduceAndKeep(field, graph.ReduceMean, 1), 1/l.spread)
	shifted := func() *graph.Node { return graph.Add(field, g.each(graph.Mul(g.square, lambda))) }
	for range newtonSteps {
		score, slope := g.solve(shifted())
		excess := graph.Add(lambda, graph.ReduceAndKeep(score, graph.ReduceMean, 1))
		rate := graph.AddScalar(graph.Mul(g.square, graph.ReduceAndKeep(slope, graph.ReduceMean, 1)), 1)
		lambda = graph.Sub(lambda, graph.Div(excess, rate))
	}
	score, slope := g.solve(shifted())
	sum, squares := graph.ReduceSum(slope, 1), graph.ReduceSum(graph.Square(slope), 1)
	square := graph.Reshape(g.square, -1)
	lost := graph.Div(graph.Add(sum, graph.Mul(square, squares)), graph.AddScalar(graph.Mul(square, sum), volume))

	// The linear part of the score is -θ_k/(C_k + σ²).
	space := LiftedAngles{}
	known := graph.Add(graph.Reshape(score, theta.Shape().Dimensions...), hartley.Filter(theta, graph.Reciprocal(noisy)))
	// The sum of what is left at every site has fewer digits to lose than a difference of sums.
	trace := SumModes(space, l.layout, graph.Reciprocal(noisy))
	rest := graph.Add(slope, g.each(graph.MulScalar(graph.Reshape(trace, g.batch, 1), 1/volume)))
	return Remainder{Known: space.Tangent(known), Divergence: graph.Sub(graph.ReduceSum(rest, 1), lost)}
}

// liftGraph looks u up. Fields have the shape [batch, sites], numbers per field [batch, 1].
type liftGraph struct {
	*lift
	batch, sites  int
	square, width *graph.Node // σ² and 1/(v+σ²)
	table         *graph.Node // [batch·nodes, liftRow]
	first         *graph.Node // row of the first node of a field
}

func newLiftGraph(l *lift, theta, sigma *graph.Node) *liftGraph {
	g := &liftGraph{lift: l, batch: theta.Shape().Dimensions[0]}
	g.sites = theta.Shape().Size() / g.batch
	sigma = graph.Reshape(sigma, g.batch, 1)
	g.square = graph.Square(sigma)
	g.width = graph.Reciprocal(graph.AddScalar(g.square, l.variance))

	// The Chebyshev polynomials T_n(z) by their recurrence.
	z := graph.AddScalar(graph.MulScalar(graph.Log(sigma), 2/(l.high-l.low)), -(l.high+l.low)/(l.high-l.low))
	z = graph.ClipScalar(z, -1, 1)
	polynomials := []*graph.Node{graph.OnesLike(z), z}
	for len(polynomials) < liftLevels {
		n := len(polynomials)
		polynomials = append(polynomials, graph.Sub(graph.MulScalar(graph.Mul(z, polynomials[n-1]), 2), polynomials[n-2]))
	}
	c := hartley.Const(theta.Graph(), theta.DType(), l.chebyshev, liftLevels, liftNodes*liftRow)
	rows := nn.AfterProduct(graph.DotGeneral(graph.Concatenate(polynomials, 1), []int{1}, nil, c, []int{0}, nil))
	g.table = graph.Reshape(rows, g.batch*liftNodes, liftRow)
	first := graph.Iota(theta.Graph(), g.square.Shape(), 0)
	g.first = g.each(graph.MulScalar(first, liftNodes))
	return g
}

// each repeats numbers per field for every site.
func (g *liftGraph) each(x *graph.Node) *graph.Node {
	return graph.BroadcastToDims(x, g.batch, g.sites)
}

// solve returns s(y) and its derivative.
func (g *liftGraph) solve(y *graph.Node) (score, slope *graph.Node) {
	width := g.each(g.width)
	w := graph.MulScalar(width, g.variance)
	place := graph.MulScalar(graph.Mul(w, y), 1/(2*math.Pi))
	floor := func(x *graph.Node) *graph.Node { return graph.Floor(graph.StopGradient(x)) }
	place = graph.MulScalar(graph.Sub(place, floor(place)), liftNodes)
	node := graph.MinScalar(floor(place), liftNodes-1)
	t := graph.Sub(place, node)
	index := graph.ConvertDType(graph.Add(node, g.first), dtypes.Int32)
	rows := graph.Gather(g.table, graph.Reshape(index, g.batch*g.sites, 1))
	column := func(i int) *graph.Node {
		return graph.Reshape(graph.SliceAxis(rows, 1, graph.AxisElem(i)), g.batch, g.sites)
	}
	// The cubic with the values and slopes a, b at t = 0 and c, d at t = 1 is
	// a + t(b + t(p + tq)), with p = 3(c-a) - 2b - d and q = 2(a-c) + b + d.
	a, b, c, d := column(0), column(1), column(2), column(3)
	rise := graph.Sub(c, a)
	p := graph.Sub(graph.Sub(graph.MulScalar(rise, 3), graph.MulScalar(b, 2)), d)
	q := graph.Add(graph.Add(graph.MulScalar(rise, -2), b), d)
	u := graph.Add(a, graph.Mul(t, graph.Add(b, graph.Mul(t, graph.Add(p, graph.Mul(t, q))))))
	du := graph.Add(b, graph.Mul(t, graph.Add(graph.MulScalar(p, 2), graph.Mul(t, graph.MulScalar(q, 3)))))
	score = graph.Sub(graph.Mul(w, u), graph.Mul(width, y))
	slope = graph.Sub(graph.MulScalar(graph.Mul(graph.Square(w), du), liftNodes/(2*math.Pi)), width)
	return score, slope
}
