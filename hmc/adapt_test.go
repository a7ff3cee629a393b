package hmc

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// hotChain is a chain from a hot start.
func hotChain(t testing.TB, action lattice.Action, cfg Config, seed uint64) *mcmc.Chain {
	t.Helper()
	phi := make([]float64, action.Layout().Size())
	mcmc.HotStart(rand.New(rand.NewPCG(seed, 1)), phi)
	c, err := mcmc.NewChain(mustNew(t, action, cfg), phi, seed, 2)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A hot start is far up the quartic wall, where the step size of equilibrium fails. The
// adaptation brings the chain down, and the step that it freezes is the one of equilibrium:
// that which Tune finds there, and of an acceptance near its target.
func TestAdaptationFromHotStarts(t *testing.T) {
	for _, c := range []struct {
		kappa, lambda, acceptance float64
		in                        Integrator
		dims                      []int
	}{
		{0.3, 50, 0, Omelyan, []int{16, 16}}, {0.2, 5, 0, Leapfrog, []int{8, 8}}, {0.1, 1, 0.95, Omelyan, []int{4, 4, 4, 4}},
		{0.25, 0.022, 0, Leapfrog, []int{16, 16}}, {0.1, 0.3, 0.6, Leapfrog, []int{64}},
	} {
		action := mustPhi4(t, c.kappa, c.lambda, c.dims...)
		cfg := Config{Integrator: c.in, Length: 3, Acceptance: c.acceptance, Jitter: 0.5}
		chain := hotChain(t, action, cfg, 31)
		if err := chain.Thermalise(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		h := chain.Kernel().(*HMC)
		steps := h.Config().Steps
		if err := chain.Run(t.Context(), 2000); err != nil {
			t.Fatal(err)
		}
		if h.Config().Steps != steps {
			t.Errorf("%+v: the frozen number of steps changed from %d to %d", c, steps, h.Config().Steps)
		}
		want := c.acceptance
		if want == 0 {
			want = 0.8
		}
		// The number of steps is rounded up, with jitter for each trajectory, which raises the
		// acceptance; in one dimension at a target of 0.6, where it is 0.39, 0.65 and 0.76
		// with 6, 7 and 8 steps, by the most.
		if got := chain.Stats().Acceptance(); !(got > want-0.07) || steps > 5 && got > want+0.2 {
			t.Errorf("%+v: expected an acceptance near %v, got %.3f with %d steps", c, want, got, steps)
		}
		tuned := mustNew(t, action, cfg)
		if err := tuned.Tune(t.Context(), rand.New(rand.NewPCG(3, 4)), slices.Clone(chain.Field()), 1000, c.acceptance); err != nil {
			t.Fatal(err)
		}
		if n := tuned.Config().Steps; math.Abs(float64(n-steps)) > 1+0.1*float64(n) {
			t.Errorf("%+v: expected about %d steps, as tuned in equilibrium, got %d", c, n, steps)
		}
	}
}

// A number of steps that is given stays.
func TestGivenStepsDoNotAdapt(t *testing.T) {
	chain := hotChain(t, mustPhi4(t, 0.3, 1, 8, 8), Config{Steps: 3}, 1)
	if err := chain.Thermalise(t.Context(), 200); err != nil {
		t.Fatal(err)
	}
	if n := chain.Kernel().(*HMC).Config().Steps; n != 3 {
		t.Errorf("expected the 3 steps that were given, got %d", n)
	}
}

// A chain that is saved in the middle of its adaptation, in any window, goes on bit by bit.
func TestAdaptationResume(t *testing.T) {
	action := mustPhi4(t, 0.3, 5, 4, 4)
	for _, at := range []int{1, 24, 25, 26, 60, 199} {
		build := func(seed uint64) *mcmc.Chain { return hotChain(t, action, Config{Jitter: 0.3}, seed) }
		adapt := func(c *mcmc.Chain, on bool, n int) {
			c.Kernel().(mcmc.Adaptive).SetAdaptation(on)
			if err := c.Run(context.Background(), n); err != nil {
				t.Fatal(err)
			}
		}
		whole := build(1)
		adapt(whole, true, 200)
		adapt(whole, false, 50)
		part := build(1)
		adapt(part, true, at)
		state, err := part.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		resumed := build(99)
		if err := resumed.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		adapt(resumed, true, 200-at)
		adapt(resumed, false, 50)
		a, err := whole.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		b, err := resumed.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("saved after %d steps: the resumed chain differs", at)
		}
	}
}

func TestUnmarshalErrors(t *testing.T) {
	action := mustPhi4(t, 0.3, 5, 4, 4)
	state, err := mustNew(t, action, Config{}).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := mustNew(t, action, Config{Steps: 10}).UnmarshalBinary(state); err != nil {
		t.Error(err)
	}
	if err := mustNew(t, action, Config{Steps: 11}).UnmarshalBinary(state); err == nil {
		t.Error("another number of steps: expected an error")
	}
	zero, huge, nan := bytes.Clone(state), bytes.Clone(state), bytes.Clone(state)
	clear(zero[:8])
	huge[7] = 1
	for i := range 8 {
		nan[24+i] = 0xff
	}
	for name, b := range map[string][]byte{"short": state[:stateSize-1], "long": append(bytes.Clone(state), 0), "no steps": zero, "huge": huge, "NaN": nan} {
		if err := mustNew(t, action, Config{}).UnmarshalBinary(b); err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
}

func TestAdaptationAllocatesNothing(t *testing.T) {
	h := mustNew(t, mustPhi4(t, 0.3, 5, 4, 4), Config{})
	h.SetAdaptation(true)
	rng, phi := rand.New(rand.NewPCG(1, 1)), make([]float64, 16)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := h.Step(t.Context(), rng, phi); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("expected no allocation per trajectory, got %v", n)
	}
}
