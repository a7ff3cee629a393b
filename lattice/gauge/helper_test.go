package gauge_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newLattice(t testing.TB, dims ...int) *lattice.Lattice {
	t.Helper()
	return must[*lattice.Lattice](t)(lattice.New(dims...))
}

func newAction(t testing.TB, w gauge.Weight, dims ...int) *gauge.Action {
	t.Helper()
	return must[*gauge.Action](t)(gauge.New(newLattice(t, dims...), w))
}

func newTorus(t testing.TB, dims ...int) *gauge.Torus {
	t.Helper()
	return must[*gauge.Torus](t)(gauge.NewTorus(newLattice(t, dims...)))
}

func newExact(t testing.TB, w gauge.Weight, l0, l1 int) *gauge.Exact {
	t.Helper()
	return must[*gauge.Exact](t)(gauge.NewExact(w, l0, l1))
}

// hot returns random links, far outside of (-π, π].
func hot(rng *rand.Rand, n int) []float64 {
	links := make([]float64, n)
	for i := range links {
		links[i] = 20 * (rng.Float64() - 0.5)
	}
	return links
}

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: expected %.15g, got %.15g (difference %.2g, allowed %.2g)", what, want, got, got-want, tolerance)
	}
}

// nearAngles compares angles modulo 2π.
func nearAngles(t testing.TB, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: expected %d angles, got %d", what, len(want), len(got))
	}
	for i := range want {
		if !(math.Abs(gauge.Wrap(got[i]-want[i])) <= tolerance) {
			t.Fatalf("%s: expected %v modulo 2π for angle %d, got %v", what, want[i], i, got[i])
		}
	}
}

// weights are of both kinds, at couplings on both sides of every branch.
var weights = []gauge.Weight{
	gauge.Wilson{}, gauge.Wilson{Beta: 0.3}, gauge.Wilson{Beta: 2}, gauge.Wilson{Beta: 11}, gauge.Wilson{Beta: -1.5},
	gauge.Villain{Beta: 0.1}, gauge.Villain{Beta: 0.49}, gauge.Villain{Beta: 0.51}, gauge.Villain{Beta: 3},
}
