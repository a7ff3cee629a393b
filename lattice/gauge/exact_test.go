package gauge_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice/gauge"
)

// bessel returns I_n(x) by its power series.
func bessel(n int, x float64) float64 {
	term := 1.0
	for k := 1; k <= n; k++ {
		term *= x / 2 / float64(k)
	}
	sum := term
	for k := 1; math.Abs(term) > 1e-18*math.Abs(sum); k++ {
		term *= x * x / 4 / float64(k*(k+n))
		sum += term
	}
	return sum
}

// The coefficients are those that the literature has in closed form.
func TestCoefficients(t *testing.T) {
	for _, beta := range []float64{0.3, 2, 11, 60} {
		c := must[gauge.Coefficients](t)(gauge.Transform(gauge.Wilson{Beta: beta}))
		near(t, fmt.Sprintf("log I_0(%v)", beta), c.Log0, math.Log(bessel(0, beta)), 1e-12)
		for n, r := range c.Ratio {
			near(t, fmt.Sprintf("I_%d/I_0 at %v", n, beta), r, bessel(n, beta)/bessel(0, beta), 1e-13)
		}
	}
	// Both sums of Villain's weight, on either side of where one takes over.
	for _, beta := range []float64{0.02, 0.1, 0.499, 0.501, 2, 11, 300} {
		c := must[gauge.Coefficients](t)(gauge.Transform(gauge.Villain{Beta: beta}))
		near(t, fmt.Sprintf("log c_0 at %v", beta), c.Log0, -0.5*math.Log(2*math.Pi*beta), 1e-12)
		for n, r := range c.Ratio {
			near(t, fmt.Sprintf("c_%d/c_0 at %v", n, beta), r, math.Exp(-float64(n*n)/(2*beta)), 1e-13)
		}
	}
}

// Strong coupling far beyond the range of exp: asymptotically I_0(β) = e^β/√(2πβ)·(1+1/(8β)).
func TestCoefficientsOfNarrowWeight(t *testing.T) {
	for _, beta := range []float64{1e4, 1e6} {
		c := must[gauge.Coefficients](t)(gauge.Transform(gauge.Wilson{Beta: beta}))
		near(t, fmt.Sprintf("log I_0(%v) - β", beta), c.Log0-beta, -0.5*math.Log(2*math.Pi*beta)+1/(8*beta), 1e-8+1e-15*beta)
	}
	if _, err := gauge.Transform(gauge.Wilson{Beta: 1e12}); err == nil {
		t.Error("a weight that the grid does not resolve was accepted")
	}
}

// Values of independent computations at the points of the literature, six digits.
func TestExactTable(t *testing.T) {
	for _, c := range []struct {
		l         int
		beta      float64
		cos, q2   float64
		relDigits float64
	}{
		{8, 2, 0.697775, 1.2393, 1e-4},
		{16, 1, 0.44639, 10.4029, 1e-5},
		{16, 3, 0.809985, 2.83156, 1e-5},
		{16, 5, 0.893383, 1.47349, 1e-5},
		{16, 7, 0.925532, 1.00641, 1e-5},
		{16, 11, 0.953402, 0.619278, 1e-5},
		{32, 7, 0.925532, 4.02566, 1e-5},
		{32, 14.1464, 0.963981, 1.90400, 1e-5},
	} {
		e := newExact(t, gauge.Wilson{Beta: c.beta}, c.l, c.l)
		near(t, fmt.Sprintf("⟨cos θ⟩ at L = %d, β = %v", c.l, c.beta), e.Plaquette(), c.cos, 6e-6)
		near(t, fmt.Sprintf("⟨Q²⟩ at L = %d, β = %v", c.l, c.beta), e.Q2(), c.q2, c.relDigits*c.q2)
	}
	p := newExact(t, gauge.Wilson{Beta: 7}, 16, 16).Charges()
	for q, n := range []float64{407.3, 247.8, 55.8, 4.7} {
		near(t, fmt.Sprintf("1024 P(%d)", q), 1024*p[q], n, 0.06)
	}
}

// ⟨Q²⟩ by the sum over representations and by the density of the sum of plaquettes, which
// have no step in common.
func TestChargesAgreeWithQ2(t *testing.T) {
	for _, w := range weights {
		for _, dims := range [][2]int{{1, 3}, {2, 2}, {1, 5}, {3, 2}, {3, 3}, {8, 4}, {16, 16}, {64, 64}} {
			e := newExact(t, w, dims[0], dims[1])
			sum, q2 := 0.0, 0.0
			for q, p := range e.Charges() {
				if q > 0 {
					p *= 2
				}
				sum += p
				q2 += p * float64(q*q)
			}
			// Rounding, or the cut-off of few plaquettes.
			tolerance := 1e-11 + 1e-13*float64(dims[0]*dims[1])
			switch dims[0] * dims[1] {
			case 3:
				tolerance = 2e-6
			case 4, 5:
				tolerance = 1e-8
			}
			near(t, fmt.Sprintf("Σ P(Q) of %#v on %v", w, dims), sum, 1, 1e-12)
			near(t, fmt.Sprintf("Σ Q²P(Q) of %#v on %v", w, dims), q2, e.Q2(), tolerance*(1+e.Q2()))
		}
	}
}

// At β = 0 the sum of plaquettes is that of uniform numbers, whose density at 0 and 2π is
// the spline of Irwin and Hall; three plaquettes: 3/4, 1/8.
func TestChargesOfUniformPlaquettes(t *testing.T) {
	p := newExact(t, gauge.Wilson{}, 1, 3).Charges()
	near(t, "P(0) of three", p[0], 0.75, 1e-6)
	near(t, "P(1) of three", p[1], 0.125, 1e-6)
	p = newExact(t, gauge.Wilson{}, 1, 5).Charges()
	// Densities at 0, 1, 2: 115/192, 76/384, 1/384.
	for q, want := range []float64{230.0 / 384, 76.0 / 384, 1.0 / 384} {
		near(t, fmt.Sprintf("P(%d) of five", q), p[q], want, 1e-9)
	}
	for _, dims := range [][2]int{{1, 1}, {1, 2}} {
		e := newExact(t, gauge.Wilson{Beta: 1}, dims[0], dims[1])
		if p := e.Charges(); len(p) != 1 || p[0] != 1 || e.Q2() != 0 {
			t.Errorf("%v: expected no charge, got P = %v, ⟨Q²⟩ = %v", dims, p, e.Q2())
		}
	}
}

// grid sums f over links of a gauge fixed to the tree, all others on a grid of n points:
// the trapezoidal rule in as many dimensions as there are links left.
func grid(t *testing.T, a *gauge.Action, n int, f func(links []float64)) {
	t.Helper()
	v := a.Layout().Volume()
	links, free := make([]float64, 2*v), []int{}
	for i := range links {
		// A link is on the tree if the gauge fixing removes it.
		clear(links)
		links[i] = 1
		a.Transform(links, a.TreeGauge(nil, links))
		if links[i] != 0 {
			free = append(free, i)
		}
	}
	if len(free) != v+1 {
		t.Fatalf("expected %d links outside of the tree, got %v", v+1, free)
	}
	clear(links)
	var fill func(k int)
	fill = func(k int) {
		if k == len(free) {
			f(links)
			return
		}
		for j := range n {
			links[free[k]] = 2 * math.Pi * float64(j) / float64(n)
			fill(k + 1)
		}
	}
	fill(0)
}

// log Z, plaquette and loops by quadrature over all links of small lattices.
func TestExactAgainstQuadrature(t *testing.T) {
	for _, w := range []gauge.Weight{gauge.Wilson{Beta: 0.8}, gauge.Villain{Beta: 0.3}} {
		for _, c := range []struct{ l0, l1, n int }{{1, 1, 4}, {2, 1, 40}, {1, 2, 40}, {3, 1, 24}, {2, 2, 14}} {
			a := newAction(t, w, c.l0, c.l1)
			name := fmt.Sprintf("%T on %dx%d", w, c.l0, c.l1)
			z, cos, loop, points := 0.0, 0.0, 0.0, 0.0
			grid(t, a, c.n, func(links []float64) {
				weight := math.Exp(-a.Value(links))
				points++
				z += weight
				cos += weight * a.MeanPlaquette(links)
				if c.l0 > 1 {
					l := must[float64](t)(a.WilsonLoop(links, 0, 1, 2, 1))
					loop += weight * l
				}
			})
			e := newExact(t, w, c.l0, c.l1)
			near(t, "log Z of "+name, e.LogZ(), math.Log(z/points), 1e-9)
			near(t, "⟨cos θ⟩ of "+name, e.Plaquette(), cos/z, 1e-9)
			if c.l0 > 1 {
				near(t, "2x1 loop of "+name, must[float64](t)(e.Loop(2)), loop/z, 1e-9)
			}
		}
	}
}

// The plaquette is the derivative of log Z with respect to β.
func TestPlaquetteIsDerivativeOfLogZ(t *testing.T) {
	const step = 1e-3
	for _, beta := range []float64{0.5, 2, 7, 300} {
		logZ := func(shift float64) float64 { return newExact(t, gauge.Wilson{Beta: beta + shift}, 4, 6).LogZ() }
		slope := (8*(logZ(step)-logZ(-step)) - (logZ(2*step) - logZ(-2*step))) / (12 * step)
		near(t, fmt.Sprintf("∂log Z/∂β at %v", beta), newExact(t, gauge.Wilson{Beta: beta}, 4, 6).Plaquette(), slope/24, 1e-9)
	}
}

func TestLoop(t *testing.T) {
	e := newExact(t, gauge.Wilson{Beta: 2}, 8, 8)
	near(t, "loop of area 0", must[float64](t)(e.Loop(0)), 1, 1e-15)
	near(t, "loop around everything", must[float64](t)(e.Loop(64)), 1, 1e-14)
	// What a loop encloses is on either side of it.
	near(t, "inside and outside", must[float64](t)(e.Loop(50)), must[float64](t)(e.Loop(14)), 1e-14)
	// On a large lattice only n = 0 is left, and the area law is (I_1/I_0)^A.
	large := newExact(t, gauge.Wilson{Beta: 2}, 64, 64)
	near(t, "area law", must[float64](t)(large.Loop(3)), math.Pow(bessel(1, 2)/bessel(0, 2), 3), 1e-14)
	for _, area := range []int{-1, 65} {
		if _, err := e.Loop(area); err == nil {
			t.Errorf("an area of %d was accepted", area)
		}
	}
}

func TestExactErrors(t *testing.T) {
	for _, c := range []struct {
		w      gauge.Weight
		l0, l1 int
	}{{gauge.Wilson{Beta: 1}, 0, 4}, {gauge.Wilson{Beta: 1}, 4, -1}, {gauge.Villain{}, 4, 4}, {gauge.Wilson{Beta: math.NaN()}, 4, 4}, {nil, 4, 4}} {
		if _, err := gauge.NewExact(c.w, c.l0, c.l1); err == nil {
			t.Errorf("%v on %dx%d was accepted", c.w, c.l0, c.l1)
		}
	}
}
