package mcmc_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// nothing is a kernel that never moves, so that its chains show where they started.
type nothing struct{}

func (nothing) Step(context.Context, *rand.Rand, []float64) (mcmc.Info, error) {
	return mcmc.Info{}, nil
}

// equilibrated starts a kernel by the recommended one.
func equilibrated(t *testing.T, kernel mcmc.Kernel, action *lattice.Phi4) *mcmc.Equilibrated {
	t.Helper()
	cycle, err := mcmc.Recommended(action)
	if err != nil {
		t.Fatal(err)
	}
	k, err := mcmc.NewEquilibrated(kernel, cycle, mcmc.EquilibratedConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Starts at 4², κ = 0.27, λ = 0.022 have the observables of a long run of hybrid
// algorithms that share nothing with them: those of one long Metropolis chain.
func TestEquilibratedStart(t *testing.T) {
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.27, 0.022)
	if err != nil {
		t.Fatal(err)
	}
	started, err := mcmc.Generate(t.Context(), mcmc.EnsembleConfig{
		Action: action, N: 800, Chains: 800, Seed: 5, Start: mcmc.StartKernel, Thermalisation: -1, Thin: 1,
	}, func(int) (mcmc.Kernel, error) { return equilibrated(t, nothing{}, action), nil })
	if err != nil {
		t.Fatal(err)
	}
	square := func(phi []float64) float64 { m := lattice.Magnetization(phi); return m * m }
	got, err := stats.Mean(started.Ensemble.Measure(nil, square))
	if err != nil {
		t.Fatal(err)
	}
	local, err := mcmc.Generate(t.Context(), mcmc.EnsembleConfig{
		Action: action, N: 8, Chains: 8, Seed: 6, Thin: 20000, Observables: []mcmc.Observable{{Name: "M²", Func: square}},
	}, func(int) (mcmc.Kernel, error) { return mcmc.NewMetropolis(action, mcmc.MetropolisConfig{}) })
	if err != nil {
		t.Fatal(err)
	}
	want, err := stats.GammaMethod(local.Series[0], stats.GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.Sigma(want.Mean)) > 5 {
		t.Errorf("expected M² = %v, got %v", want.Mean, got)
	}
}

// An adaptive kernel is tuned and then left alone.
func TestEquilibratedTuning(t *testing.T) {
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.2, 0.022)
	if err != nil {
		t.Fatal(err)
	}
	shift, err := mcmc.NewGlobalShift(action, mcmc.GlobalShiftConfig{})
	if err != nil {
		t.Fatal(err)
	}
	k := equilibrated(t, shift, action)
	rng := rand.New(rand.NewPCG(1, 2))
	phi := make([]float64, lat.Volume())
	if err := k.Start(t.Context(), rng, phi); err != nil {
		t.Fatal(err)
	}
	width := shift.Width()
	var s mcmc.KernelStats
	for range 4000 {
		info, err := k.Step(t.Context(), rng, phi)
		if err != nil {
			t.Fatal(err)
		}
		s.Add(info)
	}
	if shift.Width() != width {
		t.Error("the kernel went on tuning")
	}
	// The acceptance of one proposal has a spread below 1/2, that of 4000 with τ_int
	// below 20 an error below 0.05, and the tuning itself one of the same size.
	if a := s.Acceptance(); math.Abs(a-0.234) > 0.1 || width == 1 {
		t.Errorf("expected an acceptance of 0.234, got %v at the width %v", a, width)
	}
	// The state is that of the kernel: another one goes on with its width.
	state, err := k.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := mcmc.NewGlobalShift(action, mcmc.GlobalShiftConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := equilibrated(t, fresh, action).UnmarshalBinary(state); err != nil || fresh.Width() != width {
		t.Errorf("restored the width %v, %v, expected %v", fresh.Width(), err, width)
	}
}

func TestEquilibratedRefuses(t *testing.T) {
	if _, err := mcmc.NewEquilibrated(nil, nothing{}, mcmc.EquilibratedConfig{}); err == nil {
		t.Error("accepted no kernel")
	}
	if _, err := mcmc.NewEquilibrated(nothing{}, nil, mcmc.EquilibratedConfig{}); err == nil {
		t.Error("accepted no kernel that equilibrates")
	}
	if _, err := mcmc.NewEquilibrated(nothing{}, nothing{}, mcmc.EquilibratedConfig{Steps: -1}); err == nil {
		t.Error("accepted a negative number of steps")
	}
}
