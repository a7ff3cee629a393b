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
	"github.com/latdiff/latdiff/stats"
)

// stretch is the flow φ = width·z of white noise.
type stretch struct {
	layout lattice.Layout
	width  float64
}

func (s stretch) Layout() lattice.Layout { return s.layout }

func (s stretch) Latent(rng *rand.Rand, n int) []float64 {
	return s.Perturb(rng, make([]float64, n*s.layout.Size()), 1)
}

func (s stretch) Perturb(rng *rand.Rand, z []float64, beta float64) []float64 {
	out := make([]float64, len(z))
	for i, v := range z {
		out[i] = math.Sqrt(1-beta*beta)*v + beta*rng.NormFloat64()
	}
	return out
}

func (s stretch) Map(_ context.Context, z []float64) (fields, logq []float64, err error) {
	size := s.layout.Size()
	fields, logq = make([]float64, len(z)), make([]float64, len(z)/size)
	for i, v := range z {
		fields[i] = s.width * v
		logq[i/size] -= v*v/2 + math.Log(s.width*math.Sqrt(2*math.Pi))
	}
	return fields, logq, nil
}

// ⟨φ²⟩ and χ of a chain of sites against exact values, where fresh draws are hardly ever
// accepted: β adapts to the acceptance that is asked for.
func TestLatent(t *testing.T) {
	a := phi4(t, 0.3, 0.2, 24)
	want := must[exact.Exact](t)(exact.Solve(a.Layout(), a.Kappa(), a.Lambda()))
	flow := stretch{a.Layout(), 0.8}
	fresh := must[*mcmc.LatentResult](t)(mcmc.Latent(t.Context(), a, flow, mcmc.LatentConfig{Beta: 1, Seed: 1}))
	r := must[*mcmc.LatentResult](t)(mcmc.Latent(t.Context(), a, flow, mcmc.LatentConfig{Steps: 4096, Thermalisation: 512, Seed: 1}))
	t.Logf("acceptance %.3f with β = %.3f, %.3f with fresh draws", r.Acceptance, r.Beta, fresh.Acceptance)
	if math.Abs(r.Acceptance-0.4) > 0.05 || !(r.Beta < 0.9) || !(fresh.Acceptance < 0.2) {
		t.Errorf("acceptance %v with β = %v, %v with fresh draws", r.Acceptance, r.Beta, fresh.Acceptance)
	}
	v := float64(a.Layout().Volume())
	for name, o := range map[string]struct {
		f    func([]float64) float64
		want float64
	}{
		"φ²": {lattice.Phi2, want.Phi2},
		"χ":  {func(phi []float64) float64 { m := lattice.Magnetization(phi); return v * m * m }, want.Chi},
	} {
		g := must[stats.GammaResult](t)(stats.GammaMethod(r.Series(o.f), stats.GammaConfig{}))
		if p := g.Mean.Pull(o.want); math.Abs(p) > 5 || !(g.Mean.Error < 0.02*o.want) {
			t.Errorf("%s = %v, exactly %v", name, g.Mean, o.want)
		}
	}
	again := must[*mcmc.LatentResult](t)(mcmc.Latent(t.Context(), a, flow, mcmc.LatentConfig{Beta: 1, Seed: 1}))
	if !slices.Equal(again.Ensemble.Data, fresh.Ensemble.Data) {
		t.Error("the same seed gave other chains")
	}
}

func TestLatentErrors(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4)
	flow := stretch{a.Layout(), 1}
	for name, cfg := range map[string]mcmc.LatentConfig{
		"no chains": {Chains: -1}, "a large step": {Beta: 1.1}, "a negative one": {Beta: -0.1}, "all accepted": {Acceptance: 1},
	} {
		if _, err := mcmc.Latent(t.Context(), a, flow, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := mcmc.Latent(t.Context(), a, stretch{phi4(t, 0.2, 0.1, 5).Layout(), 1}, mcmc.LatentConfig{}); err == nil {
		t.Error("a flow of another lattice was accepted")
	}
	if _, err := mcmc.Latent(t.Context(), a, nil, mcmc.LatentConfig{}); err == nil {
		t.Error("no flow was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := mcmc.Latent(ctx, a, flow, mcmc.LatentConfig{Progress: func(int, int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}
