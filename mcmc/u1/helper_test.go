package u1_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/u1"
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

func newAction(t testing.TB, w gauge.Weight, dims ...int) *gauge.Action {
	t.Helper()
	return must[*gauge.Action](t)(gauge.New(must[*lattice.Lattice](t)(lattice.New(dims...)), w))
}

func newTorus(t testing.TB, a *gauge.Action) *gauge.Torus {
	t.Helper()
	return must[*gauge.Torus](t)(gauge.NewTorus(a.Layout().Lattice))
}

func cycle(t testing.TB, k ...mcmc.Kernel) mcmc.Kernel {
	t.Helper()
	return must[*mcmc.Cycle](t)(mcmc.NewCycle(k...))
}

func metropolis(t testing.TB, a *gauge.Action) mcmc.Kernel {
	t.Helper()
	return must[*mcmc.Metropolis](t)(mcmc.NewMetropolis(a, mcmc.MetropolisConfig{}))
}

func heatBath(t testing.TB, a *gauge.Action) mcmc.Kernel {
	t.Helper()
	return must[*u1.HeatBath](t)(u1.NewHeatBath(a))
}

func overrelaxation(t testing.TB, a *gauge.Action) mcmc.Kernel {
	t.Helper()
	return must[*u1.Overrelaxation](t)(u1.NewOverrelaxation(a))
}

func fluxHop(t testing.TB, a lattice.Action) mcmc.Kernel {
	t.Helper()
	return must[*u1.FluxHop](t)(u1.NewFluxHop(a))
}

func newExact(t testing.TB, a *gauge.Action) *u1.Exact {
	t.Helper()
	return must[*u1.Exact](t)(u1.NewExact(a))
}

// observable is a function of links with its expectation value.
type observable struct {
	name  string
	f     func(links []float64) float64
	exact float64
}

// compare allows five standard errors, and rounding where a charge never appears.
func (o observable) compare(t *testing.T, name string, e stats.Estimate) {
	t.Helper()
	if d := math.Abs(e.Value - o.exact); !(d < 5*e.Error+1e-9) {
		t.Errorf("%s: %s = %v, expected %.6g (%.1f standard errors away)", name, o.name, e, o.exact, e.Pull(o.exact))
	}
}

// solved are observables of two dimensions with their exact values.
func solved(t *testing.T, a *gauge.Action) []observable {
	t.Helper()
	torus := newTorus(t, a)
	layout := a.Layout()
	l0, l1 := layout.Extent(0), layout.Extent(1)
	e := must[*gauge.Exact](t)(gauge.NewExact(a.Weight(), l0, l1))
	list := []observable{
		{"⟨cos θ⟩", a.MeanPlaquette, e.Plaquette()},
		{"⟨Q⟩", func(links []float64) float64 { return float64(torus.Charge(links)) }, 0},
		{"⟨Q²⟩", func(links []float64) float64 { q := float64(torus.Charge(links)); return q * q }, e.Q2()},
	}
	for _, side := range [][2]int{{2, 1}, {2, 2}} {
		if side[0] > l0 || side[1] > l1 || side[0]*side[1] == l0*l1 {
			continue
		}
		list = append(list, observable{fmt.Sprintf("%dx%d loop", side[0], side[1]), func(links []float64) float64 {
			return must[float64](t)(a.WilsonLoop(links, 0, 1, side[0], side[1]))
		}, must[float64](t)(e.Loop(side[0] * side[1]))})
	}
	for mu := range 2 {
		list = append(list, observable{fmt.Sprintf("Polyakov loop %d", mu), func(links []float64) float64 {
			return real(must[complex128](t)(a.PolyakovLoop(links, mu)))
		}, 0})
	}
	return list
}

// run measures observables in n steps of a chain from a cold start.
func run(t *testing.T, k mcmc.Kernel, a lattice.Action, seed uint64, thermalise, n int, f ...func(links []float64) float64) [][]float64 {
	t.Helper()
	chain := must[*mcmc.Chain](t)(mcmc.NewChain(k, make([]float64, a.Layout().Size()), seed, 1))
	if err := chain.Thermalise(context.Background(), thermalise); err != nil {
		t.Fatal(err)
	}
	series := make([][]float64, len(f))
	for range n {
		if err := chain.Run(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		for i, f := range f {
			series[i] = append(series[i], f(chain.Field()))
		}
	}
	return series
}

// mean is the mean of a series of a chain with its error.
func mean(t *testing.T, series []float64) stats.Estimate {
	t.Helper()
	return must[stats.GammaResult](t)(stats.GammaMethod([][]float64{series}, stats.GammaConfig{})).Mean
}

// ensembleMean is the mean of an observable of all configurations of an ensemble, with its
// error from the autocorrelation within chains.
func ensembleMean(t *testing.T, run *mcmc.EnsembleResult, x []float64) stats.Estimate {
	t.Helper()
	return must[stats.GammaResult](t)(stats.GammaMethod(byChain(run, x), stats.GammaConfig{})).Mean
}

// byChain splits the series of an ensemble into those of its chains.
func byChain(run *mcmc.EnsembleResult, x []float64) [][]float64 {
	var replicas [][]float64
	for _, c := range run.Chains {
		replicas = append(replicas, x[c.First:c.First+c.Len])
	}
	return replicas
}

// check compares the means over a chain with the exact values.
func check(t *testing.T, k mcmc.Kernel, a lattice.Action, thermalise, n int, list []observable) {
	t.Helper()
	var f []func(links []float64) float64
	for _, o := range list {
		f = append(f, o.f)
	}
	for i, series := range run(t, k, a, 20240560, thermalise, n, f...) {
		list[i].compare(t, lattice.Describe(a), mean(t, series))
	}
}
