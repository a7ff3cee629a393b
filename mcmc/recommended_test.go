package mcmc_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

func recommended(t testing.TB, a lattice.Action) *mcmc.Cycle {
	t.Helper()
	return must[*mcmc.Cycle](t)(mcmc.Recommended(a))
}

// tau returns τ_int of an observable in steps of the recommended kernel.
func tau(t *testing.T, a lattice.Action, n int, f func([]float64) float64) stats.Tau {
	t.Helper()
	g, err := stats.GammaMethod([][]float64{series(t, recommended(t, a), a, n, f)}, stats.GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return g.Tau
}

// The autocorrelation time of docs/performance.md.
func TestRecommendedDecorrelates(t *testing.T) {
	got := tau(t, phi4(t, 0.27, 0.022, 16, 16), 8000, lattice.AbsMagnetization)
	if math.Abs(got.Value-2.08) > 5*math.Hypot(got.Error, 0.04) {
		t.Errorf("τ_int(|M|) = %v, expected 2.08(4)", got)
	}
}

// At strong coupling φ sits in two wells, between which local steps do not move: exact
// values for even and for tilted potentials, and few steps between independent fields.
func TestRecommendedAtStrongCoupling(t *testing.T) {
	for _, c := range []struct {
		name  string
		kappa float64
		c     []float64
		reach float64
	}{
		{"even", 0.3, []float64{0, 0, 1 - 2*50, 0, 50}, 1.6},
		{"even, κ < 0", -0.2, []float64{0, 0, 1 - 2*5, 0, 5}, 2},
		{"tilted, one well", 0.2, []float64{0, 0.3, 0.8, 0.1, 0.1}, 6},
		{"tilted", 0.15, []float64{0, 0.3, 1 - 2*20, 0.5, 20}, 1.7},
		{"tilted φ⁶", 0.1, []float64{0, 0.2, -6, 0, -1, 0, 3}, 1.9},
	} {
		lat := must[*lattice.Lattice](t)(lattice.New(2, 2))
		a := must[*lattice.Polynomial](t)(lattice.NewPolynomial(lat, c.kappa, c.c))
		lowest := math.Inf(1)
		for i := -300; i <= 300; i++ {
			lowest = min(lowest, polynomial(c.c, float64(i)/100))
		}
		exact := transferSquare(func(x float64) float64 { return polynomial(c.c, x) - lowest }, c.kappa, c.reach)
		t.Run(c.name, func(t *testing.T) { checkMeans(t, recommended(t, a), 4, 1000, 30000, exact.observables()) })
	}
	for _, lambda := range []float64{1, 5, 50} {
		exact := transferSquare(func(x float64) float64 { return lambda*(x*x-1)*(x*x-1) + x*x - 1 }, 0.25, 3.5/math.Sqrt(math.Sqrt(lambda)))
		checkMeans(t, recommended(t, phi4(t, 0.25, lambda, 2, 2)), 4, 1000, 20000, exact.observables())
	}
	// On larger lattices the moves decorrelate within a few steps.
	for _, a := range []lattice.Action{
		phi4(t, 0.2, 50, 8, 8), phi4(t, 0.35, 5, 8, 8), phi4(t, 0.4, 1, 4, 4, 4), on(t, 2, 0.3, 50, 8, 8), on(t, 3, 0.6, 5, 8, 8),
	} {
		for name, f := range map[string]func([]float64) float64{"S": a.Value, "|M|": a.Layout().AbsMagnetization} {
			if got := tau(t, a, 4000, f); !(got.Value < 10) {
				t.Errorf("%s: τ_int(%s) = %v steps", lattice.Describe(a), name, got)
			}
		}
	}
}

// polynomial returns Σ_n c_n xⁿ.
func polynomial(c []float64, x float64) float64 {
	v := 0.0
	for n, k := range c {
		v += k * math.Pow(x, float64(n))
	}
	return v
}
