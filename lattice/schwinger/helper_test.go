package schwinger_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/lattice/schwinger"
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

func newDirac(t testing.TB, kappa float64, dims ...int) *schwinger.Dirac {
	t.Helper()
	return must[*schwinger.Dirac](t)(schwinger.NewDirac(must[*lattice.Lattice](t)(lattice.New(dims...)), kappa))
}

func newAction(t testing.TB, beta, kappa float64, dims ...int) *schwinger.Action {
	t.Helper()
	g := must[*gauge.Action](t)(gauge.NewWilson(must[*lattice.Lattice](t)(lattice.New(dims...)), beta))
	return must[*schwinger.Action](t)(schwinger.New(g, kappa))
}

// rough returns links with Gaussian angles of the given width.
func rough(rng *rand.Rand, n int, width float64) []float64 {
	links := make([]float64, n)
	for i := range links {
		links[i] = width * rng.NormFloat64()
	}
	return links
}

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: expected %.15g, got %.15g (difference %.2g, allowed %.2g)", what, want, got, got-want, tolerance)
	}
}

// blocks returns a complex matrix of n rows as a real one of 2n, a+bi as [[a, -b], [b, a]].
func blocks(c []complex128, n int) *mat.Dense {
	m := mat.NewDense(2*n, 2*n, nil)
	for i := range n {
		for j := range n {
			v := c[i*n+j]
			m.Set(2*i, 2*j, real(v))
			m.Set(2*i+1, 2*j+1, real(v))
			m.Set(2*i, 2*j+1, -imag(v))
			m.Set(2*i+1, 2*j, imag(v))
		}
	}
	return m
}
