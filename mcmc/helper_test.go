package mcmc_test

import (
	"context"
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
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

func phi4(t testing.TB, kappa, lambda float64, dims ...int) *lattice.Phi4 {
	t.Helper()
	lat := must[*lattice.Lattice](t)(lattice.New(dims...))
	return must[*lattice.Phi4](t)(lattice.NewPhi4(lat, kappa, lambda))
}

func metropolis(t testing.TB, a lattice.LocalAction, cfg mcmc.MetropolisConfig) *mcmc.Metropolis {
	t.Helper()
	return must[*mcmc.Metropolis](t)(mcmc.NewMetropolis(a, cfg))
}

func wolff(t testing.TB, a mcmc.HoppingAction, clusters int) *mcmc.Wolff {
	t.Helper()
	return must[*mcmc.Wolff](t)(mcmc.NewWolff(a, mcmc.WolffConfig{Clusters: clusters}))
}

func overrelaxation(t testing.TB, a mcmc.HoppingAction) *mcmc.Overrelaxation {
	t.Helper()
	return must[*mcmc.Overrelaxation](t)(mcmc.NewOverrelaxation(a))
}

func cycle(t testing.TB, k ...mcmc.Kernel) *mcmc.Cycle {
	t.Helper()
	return must[*mcmc.Cycle](t)(mcmc.NewCycle(k...))
}

// observable is a function of a field with its expectation value.
type observable struct {
	name  string
	f     func(phi []float64) float64
	exact float64
}

// checkMeans runs a chain of kernel from a cold start and compares the means of
// the observables over n steps with their exact values.
func checkMeans(t *testing.T, kernel mcmc.Kernel, volume, thermalise, n int, obs []observable) {
	t.Helper()
	start := make([]float64, volume)
	mcmc.ColdStart(start, 0.5)
	chain := must[*mcmc.Chain](t)(mcmc.NewChain(kernel, start, 20240560, 1))
	if err := chain.Thermalise(context.Background(), thermalise); err != nil {
		t.Fatal(err)
	}
	series := make([][]float64, len(obs))
	for range n {
		if err := chain.Run(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		for i, o := range obs {
			series[i] = append(series[i], o.f(chain.Field()))
		}
	}
	for i, o := range obs {
		checkPull(t, o.name, gamma(t, series[i]), o.exact)
	}
}

// gamma is the mean with its autocorrelation-aware error.
func gamma(t *testing.T, series []float64) stats.Estimate {
	t.Helper()
	r, err := stats.GammaMethod([][]float64{series}, stats.GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Mean
}

func checkPull(t *testing.T, name string, e stats.Estimate, exact float64) {
	t.Helper()
	if p := e.Pull(exact); !(math.Abs(p) < 5) {
		t.Errorf("%s = %v, expected %.6g (%.1f standard errors away)", name, e, exact, p)
	}
}
