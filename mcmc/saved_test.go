package mcmc_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// halting is a flow that ends the context at a call of Map, which fails or not.
type halting struct {
	stretch
	calls, at int
	fails     bool
	end       func()
}

func (h *halting) Map(ctx context.Context, z []float64) (fields, logq []float64, err error) {
	if h.calls++; h.calls == h.at {
		h.end()
		if h.fails {
			return nil, nil, ctx.Err()
		}
	}
	return h.stretch.Map(ctx, z)
}

func (h *halting) Fingerprint() (string, error) { return time.Duration(h.width * 1e9).String(), nil }

// halted is a kernel with a state that ends the context at a step, which fails or not.
type halted struct {
	*mcmc.Metropolis
	step func(ctx context.Context) error
}

func (k halted) Step(ctx context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	if err := k.step(ctx); err != nil {
		return mcmc.Info{}, err
	}
	return k.Metropolis.Step(ctx, rng, phi)
}

// Runs that are stopped again and again, before a step and in the middle of it, give what one gives
// that is not; a state that is damaged or of another run is an error.
func TestSaved(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4)
	kernel := func(step func(ctx context.Context) error) (mcmc.Kernel, error) {
		k, err := mcmc.NewMetropolis(a, mcmc.MetropolisConfig{})
		return halted{k, step}, err
	}
	runs := map[string]func(ctx context.Context, file string, seed uint64, width float64, at int, end func()) (any, error){
		"latent": func(ctx context.Context, file string, seed uint64, width float64, at int, end func()) (any, error) {
			flow := &halting{stretch: stretch{a.Layout(), width}, at: at, fails: at%2 == 0, end: end}
			r, err := mcmc.Latent(ctx, a, flow, mcmc.LatentConfig{Chains: 3, Steps: 10, Thermalisation: 9, Seed: seed, Checkpoint: file, CheckpointEvery: time.Nanosecond})
			return r, err
		},
		"composite": func(ctx context.Context, file string, seed uint64, width float64, at int, end func()) (any, error) {
			flow := &halting{stretch: stretch{a.Layout(), width}, at: at, fails: at%2 == 0, end: end}
			r, err := mcmc.Composite(ctx, a, flow, mcmc.CompositeConfig{
				Chains: 3, Steps: 8, Thermalisation: 11, Updates: 2, Seed: seed, Checkpoint: file, CheckpointEvery: time.Nanosecond,
				NewKernel: func(int) (mcmc.Kernel, error) { return mcmc.NewMetropolis(a, mcmc.MetropolisConfig{}) },
			})
			return r, err
		},
		"thermodynamic": func(ctx context.Context, file string, seed uint64, _ float64, at int, end func()) (any, error) {
			n := 0
			r, err := mcmc.ThermodynamicIntegration(ctx, hoppingPath(t, a), mcmc.ThermodynamicConfig{
				Nodes: 2, Chains: 2, Steps: 20, Thermalisation: 10, Workers: 1, Seed: seed, Checkpoint: file, CheckpointEvery: time.Nanosecond,
				NewKernel: func(lattice.Action) (mcmc.Kernel, error) {
					return kernel(func(ctx context.Context) error {
						if n++; n == 3*at {
							end()
							return ctx.Err()
						}
						return nil
					})
				},
			})
			return r, err
		},
	}
	never := func() {}
	for name, run := range runs {
		want, err := run(t.Context(), "", 1, 0.8, 0, never)
		if err != nil {
			t.Fatal(err)
		}
		file, stops := filepath.Join(t.TempDir(), "state"), 0
		for ; ; stops++ {
			ctx, cancel := context.WithCancel(t.Context())
			got, err := run(ctx, file, 1, 0.8, 4+stops%2, cancel)
			cancel()
			if err == nil {
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s: a run that was stopped %d times differs", name, stops)
				}
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if stops < 3 {
			t.Errorf("%s: stopped %d times, expected more", name, stops)
		}
		// The state at the end holds the result.
		if got, err := run(t.Context(), file, 1, 0.8, 1, never); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the state at the end does not hold the result: %v", name, err)
		}
		if _, err := run(t.Context(), file, 2, 0.8, 0, never); err == nil {
			t.Errorf("%s: the state of another seed was accepted", name)
		}
		if _, err := run(t.Context(), file, 1, 0.9, 0, never); err == nil && name != "thermodynamic" {
			t.Errorf("%s: the state of another flow was accepted", name)
		}
		b := must[[]byte](t)(os.ReadFile(file))
		for _, bad := range [][]byte{b[:len(b)-9], append(b[:len(b):len(b)], 0), append([]byte("x"), b[1:]...)} {
			if err := os.WriteFile(file, bad, 0o666); err != nil {
				t.Fatal(err)
			}
			if _, err := run(t.Context(), file, 1, 0.8, 0, never); err == nil {
				t.Errorf("%s: a damaged state was accepted", name)
			}
		}
		if _, err := run(t.Context(), filepath.Join(t.TempDir(), "no", "state"), 1, 0.8, 0, never); err == nil {
			t.Errorf("%s: a checkpoint without a folder was accepted", name)
		}
	}
}
