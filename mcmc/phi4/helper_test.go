package phi4_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/phi4"
)

// must is for calls that cannot fail in a correct program.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newLattice(t *testing.T, dims ...int) *lattice.Lattice {
	t.Helper()
	return must[*lattice.Lattice](t)(lattice.New(dims...))
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %.15g, expected %.15g, off by %.1e", what, got, want, got-want)
	}
}

// same compares all values that want has.
func same(t *testing.T, what string, got, want phi4.Exact, tol float64) {
	t.Helper()
	if got.Volume != want.Volume {
		t.Errorf("%s: V = %d, expected %d", what, got.Volume, want.Volume)
	}
	g, w := fields(got), fields(want)
	for i, name := range fieldNames {
		if !math.IsNaN(w[i]) {
			near(t, what+": "+name, g[i], w[i], tol)
		}
	}
}

var fieldNames = []string{"log Z", "-log Z/V", "φ²", "φ⁴", "hopping", "variance of the hopping", "S/V", "χ", "|M|"}

func fields(e phi4.Exact) []float64 {
	return []float64{e.LogZ, e.FreeEnergy, e.Phi2, e.Phi4, e.Hopping, e.HoppingVariance, e.ActionDensity, e.Chi, e.AbsM}
}

// without returns e with some values left out of comparisons.
func without(e phi4.Exact, drop ...func(*phi4.Exact) *float64) phi4.Exact {
	for _, f := range drop {
		*f(&e) = math.NaN()
	}
	return e
}

func variance(e *phi4.Exact) *float64 { return &e.HoppingVariance }
func absM(e *phi4.Exact) *float64     { return &e.AbsM }

// integral is ∫_a^b f by a rule of 120 nodes.
func integral(f func(float64) float64, a, b float64) float64 {
	return quad.Fixed(f, a, b, 120, quad.Legendre{}, 0)
}

// identities tests what holds for every theory: the Schwinger–Dyson equation
// ⟨φ ∂S/∂φ⟩ = N, and ⟨S⟩ from its parts.
func identities(t *testing.T, what string, e phi4.Exact, n int, kappa, lambda, tol float64) {
	t.Helper()
	tol *= 1 + lambda
	near(t, what+": ⟨φ ∂S/∂φ⟩", -4*kappa*e.Hopping+2*(1-2*lambda)*e.Phi2+4*lambda*e.Phi4, float64(n), tol)
	near(t, what+": ⟨S⟩/V", e.ActionDensity, -2*kappa*e.Hopping+(1-2*lambda)*e.Phi2+lambda*e.Phi4, tol)
}
