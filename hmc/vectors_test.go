package hmc_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/phi4"
	"github.com/latdiff/latdiff/stats"
)

// O(2) and O(3) in two dimensions, in the disordered phase and with a correlation
// length of the order of the lattice: hybrid Monte Carlo, local Metropolis,
// overrelaxation and the embedded clusters agree on S/V, ⟨φ·φ⟩ and V⟨M·M⟩.
func TestVectorsByFourAlgorithms(t *testing.T) {
	for _, c := range []struct {
		n             int
		kappa, lambda float64
	}{{2, 0.2, 0.1}, {2, 0.4, 0.5}, {3, 0.2, 0.1}, {3, 0.45, 0.5}} {
		t.Run(fmt.Sprintf("O(%d) at κ = %v, λ = %v", c.n, c.kappa, c.lambda), func(t *testing.T) {
			lat := must[*lattice.Lattice](t)(lattice.New(6, 6))
			a := must[*lattice.ON](t)(lattice.NewON(lat, c.n, c.kappa, c.lambda))
			local := func(hits int) *mcmc.Metropolis {
				return must[*mcmc.Metropolis](t)(mcmc.NewMetropolis(a, mcmc.MetropolisConfig{Hits: hits}))
			}
			over := must[*mcmc.Overrelaxation](t)(mcmc.NewOverrelaxation(a))
			wolff := must[*mcmc.Wolff](t)(mcmc.NewWolff(a, mcmc.WolffConfig{Clusters: 2}))
			sw := must[*mcmc.SwendsenWang](t)(mcmc.NewSwendsenWang(a))
			algorithms := []struct {
				name   string
				kernel mcmc.Kernel
				steps  int
			}{
				{"Wolff", must[*mcmc.Cycle](t)(mcmc.NewCycle(local(1), wolff)), 30000},
				{"Swendsen–Wang", must[*mcmc.Cycle](t)(mcmc.NewCycle(local(1), sw)), 30000},
				{"overrelaxation", must[*mcmc.Cycle](t)(mcmc.NewCycle(local(1), over, over)), 30000},
				{"Metropolis", local(2), 60000},
				{"HMC", must[*hmc.HMC](t)(hmc.New(a, hmc.Config{Integrator: hmc.Omelyan, Steps: 3, Length: 1.5, Jitter: 0.3})), 30000},
			}
			var reference [3]stats.Estimate
			for i, k := range algorithms {
				got := vectorMeans(t, a, k.kernel, k.steps)
				if i == 0 {
					reference = got
					t.Logf("S/V, φ·φ, V M·M = %v", got)
				}
				for j, name := range []string{"S/V", "φ·φ", "V M·M"} {
					e := got[j]
					if pull := (e.Value - reference[j].Value) / math.Hypot(e.Error, reference[j].Error); i > 0 && !(math.Abs(pull) < 5) {
						t.Errorf("%s: %s = %v, by clusters %v (%.1f standard errors)", k.name, name, e, reference[j], pull)
					}
					// The comparison means something.
					if !(e.Error < 0.02*max(math.Abs(e.Value), 0.2)) {
						t.Errorf("%s: %s = %v is not accurate", k.name, name, e)
					}
				}
			}
		})
	}
}

// Hybrid Monte Carlo of O(N) on a ring against the transfer matrix.
func TestVectorsOnARing(t *testing.T) {
	for _, c := range []struct {
		n             int
		kappa, lambda float64
		extent        int
	}{{2, 0.6, 0.5, 6}, {3, 0.4, 0, 5}, {3, 0.8, 2, 4}, {4, -0.5, 0.1, 4}} {
		exact := must[*phi4.Chain](t)(phi4.NewChain(c.n, c.kappa, c.lambda, c.extent)).Exact()
		lat := must[*lattice.Lattice](t)(lattice.New(c.extent))
		a := must[*lattice.ON](t)(lattice.NewON(lat, c.n, c.kappa, c.lambda))
		got := vectorMeans(t, a, must[*hmc.HMC](t)(hmc.New(a, hmc.Config{Integrator: hmc.Omelyan, Steps: 4, Length: 1.5, Jitter: 0.3})), 60000)
		for i, want := range []float64{exact.ActionDensity, exact.Phi2, exact.Chi} {
			if pull := got[i].Pull(want); !(math.Abs(pull) < 5) {
				t.Errorf("%s: %v = %v, expected %v (%.1f standard errors)", lattice.Describe(a), []string{"S/V", "φ·φ", "V M·M"}[i], got[i], want, pull)
			}
		}
	}
}

func vectorMeans(t *testing.T, a *lattice.ON, kernel mcmc.Kernel, steps int) (means [3]stats.Estimate) {
	t.Helper()
	l := a.Layout()
	v := float64(l.Volume())
	start := make([]float64, l.Size())
	mcmc.ColdStart(start, 0.5)
	chain := must[*mcmc.Chain](t)(mcmc.NewChain(kernel, start, 11, 12))
	if err := chain.Thermalise(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	var series [3][]float64
	for range steps {
		if err := chain.Run(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		phi := chain.Field()
		for i, o := range []float64{a.Value(phi) / v, lattice.Phi2(phi) * float64(l.Components), v * l.SquaredMagnetization(phi)} {
			series[i] = append(series[i], o)
		}
	}
	for i, s := range series {
		g, err := stats.GammaMethod([][]float64{s}, stats.GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		means[i] = g.Mean
	}
	return means
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
