package diffusion

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
)

// siteRemainder builds what the solution of one site adds to the score of a Gaussian, and its
// divergence; see [site]. x is φ - m.
func (p *gaussianPart) siteRemainder(x, sigma *graph.Node) Remainder {
	batch, volume := x.Shape().Dimensions[0], p.layout.Volume()
	g := newSiteGraph(p, x, sigma)
	alone, _ := g.solve(nil)
	// A(μ - m) without the site itself.
	mean := graph.Reshape(graph.Add(g.y, alone), x.Shape().Dimensions...)
	h := graph.Sub(graph.Mul(g.own, graph.Add(g.y, alone)), g.row(hartley.Filter(mean, g.precision)))
	shift, spread := g.solve(graph.Div(h, graph.Square(g.w)))
	score := graph.Mul(shift, g.weight)
	slope := graph.Mul(graph.AddScalar(graph.Mul(spread, g.weight), -1), g.weight)
	// The linear part of the score is -A(φ - m).
	score = graph.Add(score, g.row(hartley.Filter(x, g.precision)))
	total := graph.ReduceSum(graph.Reshape(graph.Add(slope, g.own), batch, volume), 1)
	return Remainder{Known: graph.Reshape(score, x.Shape().Dimensions...), Divergence: total}
}

// siteGraph holds what the solutions at all sites share. Fields are rows [1, batch·volume],
// and numbers per field are repeated.
type siteGraph struct {
	*site
	size             int
	precision        *graph.Node // A_k, in the shape of a field
	own, w, b, h0    *graph.Node // A(0), W, b and h₀
	y, weight        *graph.Node // φ - m and 1/σ²
	middle, half, at *graph.Node
}

// row returns a field as a row.
func (g *siteGraph) row(y *graph.Node) *graph.Node { return graph.Reshape(y, 1, g.size) }

func newSiteGraph(p *gaussianPart, x, sigma *graph.Node) *siteGraph {
	volume, batch := p.layout.Volume(), x.Shape().Dimensions[0]
	g := &siteGraph{site: p.site, size: batch * volume}
	mean := func(y *graph.Node) *graph.Node {
		m := graph.ReduceAndKeep(graph.Reshape(y, batch, volume), graph.ReduceMean, 1)
		return g.row(graph.BroadcastToDims(m, batch, volume))
	}
	noise := perSample(sigma, x)
	g.precision = graph.Reciprocal(p.noisy(x, noise))
	g.own = mean(g.precision)
	g.w = mean(graph.Mul(g.precision, p.spectrumLike(x)))
	g.y = g.row(x)
	level := g.row(nn.PerSample(noise, x))
	g.weight = graph.Reciprocal(graph.Square(level))
	alpha := graph.MulScalar(graph.Div(g.own, g.w), 0.5)
	g.b = graph.AddScalar(graph.Neg(alpha), g.alpha)
	numbers := p.input(x.Graph(), siteInput, []float64{p.site.centre, p.site.reach})
	centre, reach := element(numbers, 0, x), element(numbers, 1, x)
	g.h0 = graph.AddScalar(graph.Mul(alpha, graph.MulScalar(centre, 2)), -2*g.alpha*g.mean)

	// φ₀ = φ + δ with δ = middle + half·t at the nodes t from -1 to 1, within siteWindow σ of
	// φ and reach of m. Where φ is so far out that little or nothing is within both, the end of the
	// window remains, no wider than reach, which the nodes resolve.
	window := graph.MulScalar(level, siteWindow)
	rest := graph.Sub(window, graph.Min(graph.MulScalar(window, 0.5), graph.BroadcastToShape(reach, window.Shape())))
	lo := graph.Min(graph.Max(graph.Neg(window), graph.Sub(graph.Neg(g.y), reach)), rest)
	hi := graph.Max(graph.Min(window, graph.Sub(reach, g.y)), graph.Neg(rest))
	g.middle = graph.MulScalar(graph.Add(lo, hi), 0.5)
	g.half = graph.MulScalar(graph.Sub(hi, lo), 0.5)
	g.at = graph.Add(graph.Add(g.y, g.middle), centre)
	return g
}

// solve returns ⟨φ₀⟩ - φ and the variance of φ₀ in the field h, nil: zero.
func (g *siteGraph) solve(h *graph.Node) (shift, spread *graph.Node) {
	// The exponent is a polynomial in t: with V_n the Taylor coefficients of V at
	// φ + middle,
	//
	//	-Σ_n V_n halfⁿtⁿ + b(φ + middle + half·t)² + (h + h₀) half·t - (middle + half·t)²/2σ².
	field := g.h0
	if h != nil {
		field = graph.Add(field, h)
	}
	var powers []*graph.Node
	scale := g.half
	for n := 1; n < len(g.potential); n++ {
		c := graph.Neg(taylor(g.potential, n, g.at))
		switch n {
		case 1:
			c = graph.Add(c, graph.Add(field, graph.Sub(graph.MulScalar(graph.Mul(g.b, g.at), 2), graph.Mul(g.middle, g.weight))))
		case 2:
			c = graph.Add(c, graph.Sub(g.b, graph.MulScalar(g.weight, 0.5)))
		}
		powers = append(powers, graph.Mul(c, scale))
		scale = graph.Mul(scale, g.half)
	}
	degree := len(powers)
	nodes, moments := make([]float64, 0, g.nodes*degree), make([]float64, 3*g.nodes)
	for i := range g.nodes {
		t := -1 + 2*float64(i)/float64(g.nodes-1)
		power := t
		for range degree {
			nodes = append(nodes, power)
			power *= t
		}
		moments[i], moments[g.nodes+i], moments[2*g.nodes+i] = 1, t, t*t
	}
	product := func(m []float64, rows int, x *graph.Node) *graph.Node {
		c := hartley.Const(x.Graph(), x.DType(), m, rows, len(m)/rows)
		return nn.AfterProduct(graph.DotGeneral(c, []int{1}, nil, x, []int{0}, nil))
	}
	exponent := product(nodes, g.nodes, graph.Concatenate(powers, 0))
	top := graph.ReduceAndKeep(exponent, graph.ReduceMax, 0)
	sums := product(moments, 3, graph.Exp(graph.Sub(exponent, graph.BroadcastToDims(top, g.nodes, g.size))))
	sum := func(i int) *graph.Node { return graph.SliceAxis(sums, 0, graph.AxisRange(i, i+1)) }
	first, second := graph.Div(sum(1), sum(0)), graph.Div(sum(2), sum(0))
	shift = graph.Add(g.middle, graph.Mul(g.half, first))
	return shift, graph.Mul(graph.Square(g.half), graph.Sub(second, graph.Square(first)))
}

// taylor builds coefficient n of the polynomial with coefficients c, expanded at x.
func taylor(c []float64, n int, x *graph.Node) *graph.Node {
	binomial, coefficients := 1., make([]float64, len(c)-n)
	for k := n; k < len(c); k++ {
		coefficients[k-n] = binomial * c[k]
		binomial *= float64(k+1) / float64(k+1-n)
	}
	last := len(coefficients) - 1
	y := graph.AddScalar(graph.ZerosLike(x), coefficients[last])
	for k := last - 1; k >= 0; k-- {
		y = graph.AddScalar(graph.Mul(y, x), coefficients[k])
	}
	return y
}
