package diffusion_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
)

// Fields of the reverse process that are stopped go on from the finished chunks, and are those
// of a run that was not.
func TestSamplerCheckpoint(t *testing.T) {
	m, _ := freeField(0.2, 4, 4)
	const n, batch, steps = 22, 4, 3
	path := filepath.Join(t.TempDir(), "state")
	build := func(path string, progress func(done, total int)) *diffusion.Sampler {
		return must(diffusion.NewSampler(backendtest.Open(), m, diffusion.SamplerConfig{
			Steps: steps, Batch: batch, Checkpoint: path, CheckpointEvery: time.Nanosecond, Progress: progress,
		}))
	}
	want := must(build("", nil).Sample(t.Context(), n, 5))
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := build(path, func(done, total int) {
		if done > n*steps/2 {
			cancel()
		}
	}).Sample(ctx, n, 5); !errors.Is(err, context.Canceled) {
		t.Fatalf("expected a run that was stopped, got %v", err)
	}
	calls, last := 0, 0
	got := must(build(path, func(done, total int) { calls++; last = done }).Sample(t.Context(), n, 5))
	if !slices.Equal(got.Data, want.Data) {
		t.Error("fields of a run that was stopped differ")
	}
	if all := (n + batch - 1) / batch * steps; calls >= all || last != n*steps {
		t.Errorf("%d steps of chunks up to %d, expected fewer than %d up to %d", calls, last, all, n*steps)
	}
	if _, err := build(path, nil).Sample(t.Context(), n, 6); err == nil {
		t.Error("the state of another seed was accepted")
	}
}
