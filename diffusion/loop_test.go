package diffusion_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/lowering"
	"github.com/latdiff/latdiff/internal/meter"
)

// A trainer compiles its graphs in its first steps and never again, and a run leaves nothing on the
// device but the state: weights, moments and averages, as many buffers after every run.
func TestTrainerLoop(t *testing.T) {
	for name, batch := range map[string]int{"parts": 16, "whole": 6} {
		t.Run(name, func(t *testing.T) {
			m, ens, residual := phi4Model(t, 64, 4, 4)
			b := meter.Wrap(backendtest.Open())
			var stop context.CancelFunc
			trainer := must(diffusion.NewTrainer(b, m, ens, diffusion.TrainConfig{
				Objective: diffusion.Target, Targets: residual, Steps: 40, Batch: batch, Seed: 6,
				Validation: ens, ValidationTargets: residual, ValidateEvery: 3,
				Progress: func(p diffusion.TrainProgress) {
					if p.Step%10 == 0 {
						stop()
					}
				},
			}))
			var compiled, live int
			for run := range 4 {
				ctx, cancel := context.WithCancel(t.Context())
				stop = cancel
				if err := trainer.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if want := 10 * (run + 1); trainer.Step() != want {
					t.Fatalf("stopped at step %d, want %d", trainer.Step(), want)
				}
				if run == 0 {
					compiled, live = b.Compiled(), b.Live()
				}
				if b.Compiled() != compiled || b.Live() != live {
					t.Errorf("run %d: %d compilations and %d live buffers, %d and %d after the first", run, b.Compiled(), b.Live(), compiled, live)
				}
			}
			// The initial moments, the validation, and the graph of the step; only the pure-Go
			// backend takes a batch in parts, with one more for their sum.
			want := 3
			if name == "parts" && lowering.IsPureGo(backendtest.Open()) {
				want = 4
			}
			if compiled != want {
				t.Errorf("%d compilations, want %d", compiled, want)
			}
		})
	}
}

// A sampler compiles every shape once, and leaves nothing on the device: what lives are the
// weights.
func TestSamplerLoop(t *testing.T) {
	m, ens, _ := phi4Model(t, 40, 4, 4)
	for _, scheme := range []diffusion.Scheme{diffusion.Ancestral, diffusion.DPMSolverPP2M} {
		b := meter.Wrap(backendtest.Open())
		fresh := must(m.OnLattice(m.Config()))
		s := must(diffusion.NewSampler(b, fresh, diffusion.SamplerConfig{Scheme: scheme, Steps: 5, Batch: 16}))
		var compiled, live int
		for call := range 4 {
			if _, err := s.Sample(t.Context(), 40, 1); err != nil {
				t.Fatal(err)
			}
			if _, err := s.From(t.Context(), ens, 0.5, 1); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := s.Sample(ctx, 40, 1); !errors.Is(err, context.Canceled) {
				t.Fatalf("cancelled: %v", err)
			}
			if call == 0 {
				compiled, live = b.Compiled(), b.Live()
			}
			if b.Compiled() != compiled || b.Live() != live {
				t.Errorf("call %d: %d compilations and %d live buffers, %d and %d after the first", call, b.Compiled(), b.Live(), compiled, live)
			}
		}
		if compiled != 2 {
			t.Errorf("%d compilations, want the prior and the step", compiled)
		}
	}
}

// A cancelled reverse process stops after the step at hand and frees what was prepared.
func TestSamplerStops(t *testing.T) {
	m, _, _ := phi4Model(t, 8, 4, 4)
	b := meter.Wrap(backendtest.Open())
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	s := must(diffusion.NewSampler(b, m, diffusion.SamplerConfig{Batch: 8, Progress: func(int, int) {
		if steps++; steps == 3 {
			cancel()
		}
	}}))
	if _, err := s.Sample(ctx, 8, 1); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	weights := 0
	for range m.Store().Scope("/net").IterVariables() {
		weights++
	}
	const spectra = 2
	if steps != 3 || b.Live() != weights+spectra {
		t.Errorf("%d steps, %d live buffers, want 3 and the %d weights with C_k and D_k", steps, b.Live(), weights)
	}
}

// Losses that nobody waits for are read late, to the same effect: the state of a run, averages of the
// loss included, is byte for byte the same, and a loss that is not finite ends it.
func TestLateLosses(t *testing.T) {
	run := func(rate float64, progress func(diffusion.TrainProgress)) ([]byte, error) {
		m, ens, residual := phi4Model(t, 64, 4, 4)
		path := filepath.Join(t.TempDir(), "train.npz")
		trainer := must(diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{
			Objective: diffusion.Target, Targets: residual, Steps: 21, Batch: 16, Seed: 6, LearningRate: rate, Warmup: -1,
			Progress: progress, Checkpoint: path,
		}))
		if err := trainer.Run(t.Context()); err != nil {
			return nil, err
		}
		return os.ReadFile(path)
	}
	watched := must(run(1e-3, func(diffusion.TrainProgress) {}))
	if alone := must(run(1e-3, nil)); !bytes.Equal(watched, alone) {
		t.Error("the state of a run depends on whether somebody watches it")
	}
	if _, err := run(1e38, nil); err == nil || !strings.Contains(err.Error(), "finite loss") {
		t.Errorf("diverging run: %v", err)
	}
}
