package u1_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/lattice/schwinger"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/u1"
	"github.com/latdiff/latdiff/stats"
)

// fermionic are observables of the links with fermions; their exact values are not known.
func fermionic(t *testing.T, a *schwinger.Action) []observable {
	g, torus := a.Gauge(), newTorus(t, a.Gauge())
	return []observable{
		{name: "⟨cos θ⟩", f: g.MeanPlaquette},
		{name: "⟨Q²⟩", f: func(links []float64) float64 { q := float64(torus.Charge(links)); return q * q }},
		{name: "Polyakov loop in time", f: func(links []float64) float64 { return real(must[complex128](t)(g.PolyakovLoop(links, 0))) }},
		{name: "Polyakov loop in space", f: func(links []float64) float64 { return real(must[complex128](t)(g.PolyakovLoop(links, 1))) }},
		{name: "condensate", f: func(links []float64) float64 {
			return must[*schwinger.Propagator](t)(a.Dirac().Propagator(links)).Condensate()
		}},
		{name: "C(L₀/2) of the pion", f: func(links []float64) float64 {
			c := must[*schwinger.Propagator](t)(a.Dirac().Propagator(links)).Pion(nil)
			return c[len(c)/2]
		}},
	}
}

// reweight draws independent configurations of the pure theory and returns their observables,
// one series each, and log-weights with the determinant.
func reweight(t *testing.T, a *schwinger.Action, seed uint64, draws int, measure []observable) (series [][]float64, logw []float64) {
	t.Helper()
	exact := newExact(t, a.Gauge())
	rng := rand.New(rand.NewPCG(seed, 1))
	links := make([]float64, a.Layout().Size())
	series = make([][]float64, len(measure))
	for range draws {
		logq := must[float64](t)(exact.Propose(context.Background(), rng, links))
		logw = append(logw, -a.Value(links)-logq)
		for k, o := range measure {
			series[k] = append(series[k], o.f(links))
		}
	}
	return series, logw
}

// Two flavours of fermions by hybrid Monte Carlo with the gradient of the determinant, and by
// reweighting of independent configurations of the pure theory with det² alone.
func TestFermionsAgainstReweighting(t *testing.T) {
	g := newAction(t, gauge.Wilson{Beta: 2}, 4, 4)
	const kappa = 0.26
	a := must[*schwinger.Action](t)(schwinger.New(g, kappa))
	measure := fermionic(t, a)

	series, logw := reweight(t, a, 1, 8000, measure)
	ens, run, err := hmc.Ensemble(context.Background(), a, hmc.EnsembleConfig{
		N: 1600, Chains: 8, Seed: 3,
		Moves: func(int) ([]mcmc.Kernel, error) { return u1.Moves(a) },
	})
	if err != nil {
		t.Fatal(err)
	}
	weights := must[stats.LogWeights](t)(stats.LogWeightStats(logw))
	if weights.ESS.Value < 0.2 {
		t.Errorf("reweighting has the effective sample size %v only", weights.ESS)
	}
	for k, o := range measure {
		reweighted := must[stats.Estimate](t)(stats.ReweightedMean(series[k], logw, 100))
		quenched := must[stats.Estimate](t)(stats.Mean(series[k]))
		e := ensembleMean(t, run, ens.Measure(nil, o.f))
		t.Logf("%s: %v by hybrid Monte Carlo, %v reweighted, %v quenched", o.name, e, reweighted, quenched)
		if s := e.Sigma(reweighted); !(math.Abs(s) < 5) {
			t.Errorf("%s = %v by hybrid Monte Carlo and %v reweighted (%.1f standard errors)", o.name, e, reweighted, s)
		}
	}
	// The determinant matters: without it these would not agree.
	q2 := must[stats.Estimate](t)(stats.Mean(series[1]))
	if s := must[stats.Estimate](t)(stats.ReweightedMean(series[1], logw, 100)).Sigma(q2); math.Abs(s) < 8 {
		t.Errorf("the determinant moves ⟨Q²⟩ by %.1f standard errors only", s)
	}
}
