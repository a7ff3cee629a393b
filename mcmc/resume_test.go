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

	"github.com/latdiff/latdiff/mcmc"
)

// TestCheckpoints: a run that writes its state as often as it can, and is stopped again and
// again, gives what a run without gives, and its last state holds the result.
func TestCheckpoints(t *testing.T) {
	a, cfg := generatorConfig(t)
	cfg.Workers = 2
	want := generate(t, cfg, func(int) (mcmc.Kernel, error) { return adaptive(t, a), nil })
	cfg.Checkpoint, cfg.CheckpointEvery = filepath.Join(t.TempDir(), "state"), time.Nanosecond
	stops, steps := 0, 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		steps = 0
		cfg.Workers = 1 // so that steps can be counted
		r, err := mcmc.Generate(ctx, cfg, func(int) (mcmc.Kernel, error) {
			return noticing{adaptive(t, a), func() {
				if steps++; steps == 1700 {
					cancel()
				}
			}}, nil
		})
		cancel()
		if err == nil {
			if !reflect.DeepEqual(r, want) {
				t.Error("a run with checkpoints differs from one without")
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		stops++
	}
	if stops < 2 {
		t.Errorf("the run was stopped %d times, expected more", stops)
	}
	r, err := mcmc.Generate(t.Context(), cfg, func(int) (mcmc.Kernel, error) {
		return noticing{adaptive(t, a), func() { t.Error("a finished run makes steps") }}, nil
	})
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("the state at the end does not hold the result: %v", err)
	}
}

// TestCheckpointErrors: a state of another run and a damaged one are refused and left alone.
func TestCheckpointErrors(t *testing.T) {
	a, cfg := generatorConfig(t)
	cfg.Checkpoint = filepath.Join(t.TempDir(), "no", "state")
	if _, err := mcmc.NewGenerator(cfg, nil); err == nil {
		t.Error("a folder that does not exist was accepted")
	}
	cfg.Checkpoint = filepath.Join(t.TempDir(), "state")
	kernel := func(int) (mcmc.Kernel, error) { return adaptive(t, a), nil }
	generate(t, cfg, kernel)
	other := cfg
	other.Seed++
	if _, err := mcmc.Generate(t.Context(), other, kernel); err == nil {
		t.Error("the state of another run was accepted")
	}
	whole, err := os.ReadFile(cfg.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	half := whole[:len(whole)/2]
	if err := os.WriteFile(cfg.Checkpoint, half, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := mcmc.Generate(t.Context(), cfg, kernel); err == nil {
		t.Error("half a state was accepted")
	}
	if b, err := os.ReadFile(cfg.Checkpoint); err != nil || len(b) != len(half) {
		t.Errorf("half a state was overwritten: %v", err)
	}
}

// interrupted is a kernel whose start takes random numbers before it is stopped.
type interrupted struct {
	*mcmc.Equilibrated
	stop func()
}

func (k interrupted) Start(ctx context.Context, rng *rand.Rand, phi []float64) error {
	if k.stop == nil {
		return k.Equilibrated.Start(ctx, rng, phi)
	}
	err := k.Equilibrated.Start(ctx, rng, phi)
	k.stop()
	return errors.Join(err, ctx.Err())
}

// TestInterruptedStart: a start by the kernel that is interrupted is made again as if it had
// not been.
func TestInterruptedStart(t *testing.T) {
	a, cfg := generatorConfig(t)
	cfg.Start, cfg.Thin, cfg.Unchecked = mcmc.StartKernel, 2, true
	build := func(stop func()) *mcmc.Generator {
		return must[*mcmc.Generator](t)(mcmc.NewGenerator(cfg, func(int) (mcmc.Kernel, error) {
			k, err := mcmc.NewEquilibrated(adaptive(t, a), metropolis(t, a, mcmc.MetropolisConfig{}), mcmc.EquilibratedConfig{Steps: 20, Tuning: 20})
			return &interrupted{k, stop}, err
		}))
	}
	whole := build(nil)
	if err := whole.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g := build(cancel)
	if err := g.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for c := range cfg.Chains {
		g.Kernel(c).(*interrupted).stop = nil
	}
	if err := g.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g.Result(), whole.Result()) {
		t.Error("a run whose start was interrupted differs from one that was not")
	}
}
