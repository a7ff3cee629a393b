package fokkerplanck_test

import (
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/fokkerplanck"
)

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func toy(t testing.TB, mu2, g float64) *lattice.Toy {
	return must[*lattice.Toy](t)(lattice.NewToy(mu2, g))
}

func equation(t testing.TB, mu2, g float64, cfg fokkerplanck.Config) *fokkerplanck.Equation {
	return must[*fokkerplanck.Equation](t)(fokkerplanck.New(toy(t, mu2, g), cfg))
}

func field(phi float64) float64  { return phi }
func square(phi float64) float64 { return phi * phi }
func one(float64) float64        { return 1 }
