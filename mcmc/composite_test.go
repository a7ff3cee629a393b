package mcmc_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	exact "github.com/latdiff/latdiff/mcmc/phi4"
	"github.com/latdiff/latdiff/stats"
)

// LogDensity is the density of the map.
func (s stretch) LogDensity(_ context.Context, fields []float64) ([]float64, error) {
	logq := make([]float64, len(fields)/s.layout.Size())
	for i, phi := range fields {
		z := phi / s.width
		logq[i/s.layout.Size()] -= z*z/2 + math.Log(s.width*math.Sqrt(2*math.Pi))
	}
	return logq, nil
}

// ⟨φ²⟩ and χ of a chain of sites against exact values. The flow is too narrow: the weights of
// its draws do not know χ, and the kernel has to help.
func TestComposite(t *testing.T) {
	a := phi4(t, 0.35, 0.2, 12)
	want := must[exact.Exact](t)(exact.Solve(a.Layout(), a.Kappa(), a.Lambda()))
	flow := stretch{a.Layout(), 0.7}
	cfg := mcmc.CompositeConfig{
		Steps: 2048, Thermalisation: 64, Updates: 2, Seed: 1,
		NewKernel: func(int) (mcmc.Kernel, error) { return mcmc.NewMetropolis(a, mcmc.MetropolisConfig{}) },
	}
	r := must[*mcmc.CompositeResult](t)(mcmc.Composite(t.Context(), a, flow, cfg))
	// The acceptance is that of the independence sampler in equilibrium.
	fresh := must[*mcmc.LatentResult](t)(mcmc.Latent(t.Context(), a, flow, mcmc.LatentConfig{Beta: 1, Steps: 2048, Thermalisation: 512, Seed: 2}))
	t.Logf("acceptance %.3f, of the independence sampler %.3f, of the kernel %.3f", r.Acceptance, fresh.Acceptance, r.Kernel.Acceptance())
	// Chains with τ_int up to 50 know it to 0.48/√(64·2048/100).
	if bound := 5 * 0.48 / math.Sqrt(64*2048/100); math.Abs(r.Acceptance-fresh.Acceptance) > bound || r.Kernel.Steps != 64*2048*2 {
		t.Errorf("acceptance %v, of the independence sampler %v, after %d updates", r.Acceptance, fresh.Acceptance, r.Kernel.Steps)
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
		alone := must[stats.GammaResult](t)(stats.GammaMethod(fresh.Series(o.f), stats.GammaConfig{}))
		t.Logf("τ_int of %s: %v, of the independence sampler %v", name, g.Tau, alone.Tau)
		if p := g.Mean.Pull(o.want); math.Abs(p) > 5 || !(g.Mean.Error < 0.02*o.want) {
			t.Errorf("%s = %v, exactly %v", name, g.Mean, o.want)
		}
		if !(g.Tau.Value < alone.Tau.Value) {
			t.Errorf("%s: τ_int = %v, without the kernel %v", name, g.Tau, alone.Tau)
		}
	}
	cfg.Steps, cfg.Workers = 16, 1
	one := must[*mcmc.CompositeResult](t)(mcmc.Composite(t.Context(), a, flow, cfg))
	cfg.Workers = 3
	three := must[*mcmc.CompositeResult](t)(mcmc.Composite(t.Context(), a, flow, cfg))
	if !slices.Equal(one.Ensemble.Data, three.Ensemble.Data) {
		t.Error("the result depends on the number of workers")
	}
}

func TestCompositeErrors(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4)
	flow := stretch{a.Layout(), 1}
	failure := errors.New("no kernel")
	for name, cfg := range map[string]mcmc.CompositeConfig{
		"no chains": {Chains: -1}, "no updates": {Updates: -1}, "no workers": {Workers: -1},
		"no kernel": {NewKernel: func(int) (mcmc.Kernel, error) { return nil, failure }},
		"nil":       {NewKernel: func(int) (mcmc.Kernel, error) { return nil, nil }},
	} {
		if _, err := mcmc.Composite(t.Context(), a, flow, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := mcmc.Composite(t.Context(), a, stretch{phi4(t, 0.2, 0.1, 5).Layout(), 1}, mcmc.CompositeConfig{}); err == nil {
		t.Error("a flow of another lattice was accepted")
	}
	if _, err := mcmc.Composite(t.Context(), a, nil, mcmc.CompositeConfig{}); err == nil {
		t.Error("no flow was accepted")
	}
	if _, err := mcmc.Composite(t.Context(), nil, flow, mcmc.CompositeConfig{}); err == nil {
		t.Error("no action was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := mcmc.Composite(ctx, a, flow, mcmc.CompositeConfig{Progress: func(int, int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}
