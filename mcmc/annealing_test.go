package mcmc_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	exact "github.com/latdiff/latdiff/mcmc/phi4"
)

// log Z and ⟨φ²⟩ at the end of the path against exact values: resampled and not, with a
// given ladder, up and down in κ, at weak and at strong coupling.
func TestAnneal(t *testing.T) {
	for _, c := range []struct {
		name string
		a    quartic
		cfg  mcmc.AnnealConfig
	}{
		{"free field", phi4(t, 0.2, 0, 4, 4), mcmc.AnnealConfig{}},
		{"chain", phi4(t, 0.4, 0.5, 16), mcmc.AnnealConfig{}},
		{"chain, negative κ", phi4(t, -0.4, 0.1, 9), mcmc.AnnealConfig{Resample: -1}},
		{"2x2, deep wells", phi4(t, 0.3, 5, 2, 2), mcmc.AnnealConfig{Ladder: []float64{0.1, 0.2, 0.3}, Steps: 3}},
		{"O(3), 2x2", on(t, 3, 0.25, 0.2, 2, 2), mcmc.AnnealConfig{Keep: 0.7, Resample: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := must[exact.Exact](t)(exact.Solve(c.a.Layout(), c.a.Kappa(), c.a.Lambda()))
			c.cfg.Seed = 3
			r, err := mcmc.Anneal(t.Context(), hoppingPath(t, c.a), c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			phi2 := r.Mean(func(phi []float64) float64 {
				return lattice.Phi2(phi) * float64(c.a.Layout().Components)
			})
			last := r.Rungs[len(r.Rungs)-1]
			t.Logf("%d rungs, ESS %.3f, log Z %v (%+.1fσ), φ² %v (%+.1fσ)", len(r.Rungs), last.ESS, r.LogZ, r.LogZ.Pull(want.LogZ), phi2, phi2.Pull(want.Phi2))
			if math.Abs(r.LogZ.Pull(want.LogZ)) > 5 || !(r.LogZ.Error < 0.05) {
				t.Errorf("log Z = %v, exactly %v", r.LogZ, want.LogZ)
			}
			if math.Abs(phi2.Pull(want.Phi2)) > 5 || !(phi2.Error < 0.05*want.Phi2) {
				t.Errorf("φ² = %v, exactly %v", phi2, want.Phi2)
			}
			if last.T != c.a.Kappa() || !(last.Acceptance > 0.1 && last.Acceptance <= 1) {
				t.Errorf("the last rung is %+v", last)
			}
		})
	}
}

// From draws of a Gaussian of the wrong width, with their density, straight to a coupling.
func TestAnnealFromDraws(t *testing.T) {
	const n, width = 2048, 0.9
	a := phi4(t, 0.15, 0.1, 12)
	path := hoppingPath(t, a)
	path.From = 0.05
	rng := rand.New(rand.NewPCG(5, 0))
	start := lattice.NewEnsemble(a.Layout(), n)
	logq := make([]float64, n)
	for i := range n {
		for range a.Layout().Size() {
			z := rng.NormFloat64()
			start.Data = append(start.Data, width*z)
			logq[i] -= z*z/2 + math.Log(width*math.Sqrt(2*math.Pi))
		}
	}
	given := slices.Clone(start.Data)
	r, err := mcmc.Anneal(t.Context(), path, mcmc.AnnealConfig{Start: start, LogQ: logq, Steps: 3, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := must[exact.Exact](t)(exact.Solve(a.Layout(), a.Kappa(), a.Lambda()))
	if math.Abs(r.LogZ.Pull(want.LogZ)) > 5 || !(r.LogZ.Error < 0.1) {
		t.Errorf("log Z = %v, exactly %v", r.LogZ, want.LogZ)
	}
	if !slices.Equal(start.Data, given) {
		t.Error("the configurations of the caller were moved")
	}
}

// The error that is quoted is that of repetitions.
func TestAnnealPulls(t *testing.T) {
	const repetitions = 60
	a := phi4(t, 0.3, 0.1, 6)
	want := must[exact.Exact](t)(exact.Solve(a.Layout(), a.Kappa(), a.Lambda()))
	sum, square := 0.0, 0.0
	for seed := range uint64(repetitions) {
		r, err := mcmc.Anneal(t.Context(), hoppingPath(t, a), mcmc.AnnealConfig{N: 256, Seed: 1000 * seed, Thermalisation: 20})
		if err != nil {
			t.Fatal(err)
		}
		p := r.LogZ.Pull(want.LogZ)
		sum, square = sum+p, square+p*p
	}
	// Pulls from 16 populations have the variance 15/13 of Student's distribution.
	mean, variance := sum/repetitions, square/repetitions
	if math.Abs(mean) > 5*math.Sqrt(15./13/repetitions) || math.Abs(variance-15./13) > 5*15./13*math.Sqrt(3./repetitions) {
		t.Errorf("pulls have the mean %v and the mean square %v", mean, variance)
	}
}

// The same seed gives the same result whatever the number of goroutines.
func TestAnnealReproducible(t *testing.T) {
	path := hoppingPath(t, phi4(t, 0.25, 0.1, 4, 4))
	var results []*mcmc.AnnealResult
	for _, workers := range []int{1, 3} {
		r, err := mcmc.Anneal(t.Context(), path, mcmc.AnnealConfig{N: 64, Seed: 2, Workers: workers, Thermalisation: 10})
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	if !slices.Equal(results[0].Ensemble.Data, results[1].Ensemble.Data) || !slices.Equal(results[0].LogW, results[1].LogW) {
		t.Error("the result depends on the number of goroutines")
	}
}

func TestAnnealErrors(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4)
	path := hoppingPath(t, a)
	for name, cfg := range map[string]mcmc.AnnealConfig{
		"few configurations":       {N: 3},
		"many populations":         {N: 16, Populations: 9},
		"densities without fields": {LogQ: []float64{1}},
		"fields without densities": {Start: lattice.NewEnsemble(a.Layout(), 4)},
		"nothing to keep":          {Keep: 1},
		"a ladder that turns":      {Ladder: []float64{0.1, 0.05, 0.2}},
		"a ladder that ends early": {Ladder: []float64{0.1}},
	} {
		if name == "fields without densities" {
			cfg.Start.Data = make([]float64, 16)
		}
		if _, err := mcmc.Anneal(t.Context(), path, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := mcmc.Anneal(t.Context(), mcmc.ThermodynamicPath{}, mcmc.AnnealConfig{}); err == nil {
		t.Error("a path without actions was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := mcmc.Anneal(ctx, path, mcmc.AnnealConfig{Progress: func(float64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}
