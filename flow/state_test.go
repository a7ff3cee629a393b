package flow_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
)

// Draws and densities that are stopped again and again go on from the finished batches, and
// give what they give without.
func TestCheckpoint(t *testing.T) {
	m, _ := freeField(t, 0.2, 4, 4)
	const n, batch, steps = 22, 4, 3
	build := func(path string, progress func(done, total int)) *flow.ProbabilityFlow {
		f, err := flow.New(backendtest.Open(), m, flow.Config{
			Integrator: flow.RK4, Steps: steps, Batch: batch, Plain: true, Checkpoint: path, CheckpointEvery: time.Nanosecond, Progress: progress,
		})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	whole := build("", nil)
	want, err := whole.Sample(t.Context(), n, 5)
	if err != nil {
		t.Fatal(err)
	}
	wantLogQ, err := whole.LogProb(t.Context(), want.Ensemble, 6)
	if err != nil {
		t.Fatal(err)
	}
	// repeat calls until there is no error, and stops a call after some steps beyond those of
	// batches that were finished before.
	repeat := func(path string, call func(ctx context.Context, f *flow.ProbabilityFlow) error) (stops int) {
		for ; stops < 100; stops++ {
			ctx, cancel := context.WithCancel(t.Context())
			last := 0
			f := build(path, func(done, total int) {
				if last = done; done > (stops+1)*2*batch*steps {
					cancel()
				}
			})
			err := call(ctx, f)
			cancel()
			switch {
			case err == nil && last != n*steps:
				t.Errorf("the progress ended at %d of %d", last, n*steps)
				return stops
			case err == nil:
				return stops
			case !errors.Is(err, context.Canceled):
				t.Fatal(err)
			}
		}
		t.Error("no end")
		return stops
	}
	path := filepath.Join(t.TempDir(), "draws")
	stops := repeat(path, func(ctx context.Context, f *flow.ProbabilityFlow) error {
		got, err := f.Sample(ctx, n, 5)
		if err == nil && (!slices.Equal(got.Ensemble.Data, want.Ensemble.Data) || !reflect.DeepEqual(got.Likelihood, want.Likelihood)) {
			t.Error("draws that were stopped differ")
		}
		return err
	})
	densities := filepath.Join(t.TempDir(), "densities")
	stops2 := repeat(densities, func(ctx context.Context, f *flow.ProbabilityFlow) error {
		got, err := f.LogProb(ctx, want.Ensemble, 6)
		if err == nil && !reflect.DeepEqual(got, wantLogQ) {
			t.Error("densities that were stopped differ")
		}
		return err
	})
	if stops == 0 || stops2 == 0 {
		t.Errorf("nothing was stopped: %d, %d", stops, stops2)
	}

	// The state of one call is not that of another, and half a state is none.
	if _, err := build(path, nil).Sample(t.Context(), n, 6); err == nil {
		t.Error("the state of another seed was accepted")
	}
	if _, err := build(path, nil).LogProb(t.Context(), want.Ensemble, 5); err == nil {
		t.Error("the state of draws was accepted for densities")
	}
	other, _ := freeField(t, 0.21, 4, 4)
	f, err := flow.New(backendtest.Open(), other, flow.Config{Integrator: flow.RK4, Steps: steps, Batch: batch, Plain: true, Checkpoint: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Sample(t.Context(), n, 5); err == nil {
		t.Error("the state of another model was accepted")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b[:len(b)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := build(path, nil).Sample(t.Context(), n, 5); err == nil {
		t.Error("half a state was accepted")
	}
}
