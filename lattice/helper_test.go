package lattice_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

func newLattice(t testing.TB, dims ...int) *lattice.Lattice {
	t.Helper()
	l, err := lattice.New(dims...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newPhi4(t testing.TB, kappa, lambda float64, dims ...int) *lattice.Phi4 {
	t.Helper()
	a, err := lattice.NewPhi4(newLattice(t, dims...), kappa, lambda)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newON(t testing.TB, n int, kappa, lambda float64, dims ...int) *lattice.ON {
	t.Helper()
	a, err := lattice.NewON(newLattice(t, dims...), n, kappa, lambda)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newPolynomial(t testing.TB, kappa float64, c []float64, dims ...int) *lattice.Polynomial {
	t.Helper()
	a, err := lattice.NewPolynomial(newLattice(t, dims...), kappa, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// shapes are lattices of every kind: one to four dimensions, extents of one and two,
// odd, even and rectangular.
var shapes = [][]int{
	{1}, {2}, {7}, {1, 1}, {1, 5}, {5, 1}, {2, 2}, {4, 4}, {5, 5}, {2, 6}, {3, 4},
	{2, 3, 4}, {3, 3, 3}, {1, 4, 2}, {4, 4, 6}, {2, 3, 1, 4}, {2, 2, 2, 2}, {3, 3, 2, 2},
}

func gaussian(rng *rand.Rand, n int) []float64 {
	phi := make([]float64, n)
	for x := range phi {
		phi[x] = rng.NormFloat64()
	}
	return phi
}

// near reports whether a and b agree within tol relative to the larger of 1 and |b|.
func near(a, b, tol float64) bool { return math.Abs(a-b) <= tol*math.Max(1, math.Abs(b)) }

func wantNear(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, expected %d", what, len(got), len(want))
	}
	for i := range want {
		if !near(got[i], want[i], tol) {
			t.Fatalf("%s: element %d is %v, expected %v", what, i, got[i], want[i])
		}
	}
}

// panics reports whether f panics.
func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}
