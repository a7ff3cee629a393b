package hmc

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// The tuned number of steps is the smallest one whose acceptance, measured apart,
// reaches the target; the step size of dual averaging scatters by a few per cent,
// which may move it by one.
func TestTune(t *testing.T) {
	action := mustPhi4(t, 0.25, 0.022, 16, 16)
	rng := rand.New(rand.NewPCG(111, 112))
	phi := gaussian(rng, 256)
	acceptance := func(h *HMC) float64 {
		sum := 0.0
		for range 3000 {
			info, err := h.Step(t.Context(), rng, phi)
			if err != nil {
				t.Fatal(err)
			}
			sum += info.AcceptProb
		}
		return sum / 3000
	}
	for _, in := range []Integrator{Leapfrog, Omelyan} {
		for _, target := range []float64{0, 0.6, 0.95} {
			want := target
			if target == 0 {
				want = 0.8
			}
			least := 1
			for acceptance(mustNew(t, action, Config{Integrator: in, Length: 2, Steps: least})) < want {
				if least++; least > 50 {
					t.Fatalf("%s: no number of steps reaches acceptance %v", in.Name, want)
				}
			}
			h := mustNew(t, action, Config{Integrator: in, Length: 2})
			if err := h.Tune(context.Background(), rng, phi, 1000, target); err != nil {
				t.Fatal(err)
			}
			if steps := h.Config().Steps; steps < least-1 || steps > least+1 {
				t.Errorf("%s, target %v: expected %d ± 1 steps, got %d", in.Name, want, least, steps)
			}
			if got := h.StepSize() * float64(h.Config().Steps); math.Abs(got-2) > 1e-14 {
				t.Errorf("%s: tuning changed the trajectory length to %v", in.Name, got)
			}
		}
	}
}

func TestTuneErrors(t *testing.T) {
	h := mustNew(t, mustPhi4(t, 0.25, 0.022, 4, 4), Config{Steps: 7})
	rng := rand.New(rand.NewPCG(1, 2))
	phi := make([]float64, 16)
	ctx := context.Background()
	for _, c := range []struct {
		n      int
		target float64
	}{{0, 0.8}, {-1, 0.8}, {10, 1}, {10, -0.1}, {10, math.NaN()}} {
		if err := h.Tune(ctx, rng, phi, c.n, c.target); err == nil {
			t.Errorf("n = %d, target %v: expected an error, got none", c.n, c.target)
		}
	}
	if err := h.Tune(ctx, rng, phi[:3], 10, 0.8); err == nil {
		t.Error("wrong length: expected an error, got none")
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := h.Tune(ended, rng, phi, 10, 0.8); !errors.Is(err, context.Canceled) {
		t.Errorf("expected %v, got %v", context.Canceled, err)
	}
	if h.Config().Steps != 7 {
		t.Errorf("expected the 7 steps to stay after errors, got %d", h.Config().Steps)
	}
	// A force that no affordable step size resolves.
	stiff := mustNew(t, oscillators{[]float64{1e9}}, Config{})
	if err := stiff.Tune(ctx, rng, []float64{1e-9}, 100, 0.8); err == nil {
		t.Errorf("stiff: expected an error, got none and %d steps", stiff.Config().Steps)
	}
}
