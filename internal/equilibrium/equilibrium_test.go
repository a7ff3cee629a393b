package equilibrium_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/internal/equilibrium"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// nothing is a kernel that never moves, so that its chains show where they started.
type nothing struct{}

func (nothing) Step(*rand.Rand, []float64) (mcmc.Info, error) { return mcmc.Info{}, nil }

// Starts at 8², κ = 0.27, λ = 0.022 have the observables of a long run of hybrid
// algorithms that share nothing with them: those of one long Metropolis chain.
func TestStart(t *testing.T) {
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
	}, func(int) (mcmc.Kernel, error) { return equilibrium.New(nothing{}, action) })
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
func TestTuning(t *testing.T) {
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
	k, err := equilibrium.New(shift, action)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	phi := make([]float64, lat.Volume())
	if err := k.Start(rng, phi); err != nil {
		t.Fatal(err)
	}
	width := shift.Width()
	var s mcmc.KernelStats
	for range 4000 {
		info, err := k.Step(rng, phi)
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
}
