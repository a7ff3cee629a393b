package mcmc_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// TestLangevinBias: for the free field, S = Σ ω_k |φ_k|² with 2ω_k = 1/C_k, the
// discretised equation has the stationary spectrum C_k/(1 - ω_kΔτ), which no
// continuum value agrees with.
func TestLangevinBias(t *testing.T) {
	a := phi4(t, 0.1, 0, 4, 4)
	spectrum := must[[]float64](t)(a.FreeSpectrum(nil))
	for _, dtau := range []float64{0.05, 0.1, 0.2, 0.4} {
		var obs []observable
		for _, k := range []int{0, 3, 10} {
			omega := 1 / (2 * spectrum[k])
			obs = append(obs, observable{"mode", modePower(a.Layout().Lattice, k), spectrum[k] / (1 - omega*dtau)})
		}
		k := must[*mcmc.Langevin](t)(mcmc.NewLangevin(a, dtau))
		checkMeans(t, k, 16, 500, 60000, obs)
	}
}

func TestLangevinDivergence(t *testing.T) {
	a := phi4(t, 0.2, 1, 4, 4)
	k := must[*mcmc.Langevin](t)(mcmc.NewLangevin(a, 10))
	phi, rng := make([]float64, 16), rand.New(rand.NewPCG(1, 1))
	mcmc.HotStart(rng, phi)
	for range 100 {
		before := slices.Clone(phi)
		info, err := k.Step(t.Context(), rng, phi)
		if err == nil {
			continue
		}
		if !errors.Is(err, mcmc.ErrDiverged) || !info.Divergent || !slices.Equal(phi, before) {
			t.Errorf("expected ErrDiverged and the field unchanged, got %v", err)
		}
		return
	}
	t.Error("expected an unstable step to diverge")
}

// halved is an action with half its drift.
type halved struct{ lattice.Action }

func (a halved) Drift(dst, phi []float64) []float64 {
	dst = a.Action.Drift(dst, phi)
	for x := range dst {
		dst[x] /= 2
	}
	return dst
}

// TestLangevinChecksDrift: with a wrong drift the equation has another stationary distribution.
func TestLangevinChecksDrift(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	if _, err := mcmc.NewLangevin(halved{a}, 0.01); err == nil || !strings.Contains(err.Error(), "drift") {
		t.Errorf("half a drift: expected an error, got %v", err)
	}
	if _, err := mcmc.NewLangevin(nil, 0.01); err == nil {
		t.Error("no action: expected an error")
	}
}

func TestKernelStatsString(t *testing.T) {
	var s mcmc.KernelStats
	if got := s.String(); got != "no steps" {
		t.Errorf("got %q", got)
	}
	for range 50 {
		s.Add(mcmc.Info{Accepted: true, AcceptProb: 1, DeltaH: math.Log(0.5)})
		s.Add(mcmc.Info{AcceptProb: 0.5, DeltaH: math.Log(2)})
	}
	s.Add(mcmc.Info{DeltaH: math.Inf(1), Divergent: true})
	want := "acceptance 0.743, ⟨exp(-ΔH)⟩ = 1.238(76), |ΔH| ≤ 0.693, 1 divergences in 101 steps"
	if got := s.String(); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
}
