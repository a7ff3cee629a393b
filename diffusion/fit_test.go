package diffusion_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/unet"
)

// ensembleOf returns a few configurations of φ⁴ theory on 4×4.
func ensembleOf(t *testing.T) (*lattice.Phi4, *lattice.Ensemble) {
	t.Helper()
	action := must(lattice.NewPhi4(must(lattice.New(4, 4)), 0.25, 0.1))
	r := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: 64, Thin: 2, Thermalisation: 100, Chains: 4, Seed: 9}, nil))
	return action, r.Ensemble
}

// A fit that was interrupted continues from its checkpoint to the weights of one that was
// not; the noise levels that it is given are those of the model.
func TestFitContinues(t *testing.T) {
	action, ens := ensembleOf(t)
	fit := func(ctx context.Context, checkpoint string, progress func(diffusion.TrainProgress)) (*diffusion.Model, error) {
		return diffusion.Fit(ctx, backendtest.Open(), action, ens, diffusion.FitConfig{
			Network: must(unet.New(unet.Config{Channels: []int{4}})), Seed: 3,
			Train: diffusion.TrainConfig{Steps: 8, Batch: 16, SigmaMin: 0.05, SigmaMax: 7, Checkpoint: checkpoint, Progress: progress},
		})
	}
	whole := must(fit(t.Context(), "", nil))
	if whole.SigmaMin() != 0.05 || whole.SigmaMax() != 7 {
		t.Errorf("noise levels %v to %v", whole.SigmaMin(), whole.SigmaMax())
	}
	path := filepath.Join(t.TempDir(), "train.npz")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := fit(ctx, path, func(p diffusion.TrainProgress) {
		if p.Step == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted fit: %v", err)
	}
	steps := 0
	continued := must(fit(t.Context(), path, func(diffusion.TrainProgress) { steps++ }))
	if steps != 5 || !slices.Equal(weights(continued), weights(whole)) {
		t.Errorf("the fit continued with %d steps, want 5, or to other weights", steps)
	}
}

// A checkpoint that cannot be written is refused before the first step.
func TestCheckpointFolder(t *testing.T) {
	m, ens, _ := phi4Model(t, 8, 4, 4)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "no", "train.npz"), filepath.Join(file, "train.npz")} {
		if _, err := diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{Checkpoint: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{Checkpoint: filepath.Join(dir, "train.npz")}); err != nil {
		t.Error(err)
	}
}

// Fields that do not fluctuate, or not as the action says, are named as what they are.
func TestMeasureRefuses(t *testing.T) {
	action, ens := ensembleOf(t)
	for name, change := range map[string]func(v float64) float64{
		"fluctuate":                    func(float64) float64 { return 1 },
		"configurations of the action": func(v float64) float64 { return 1e-20 * v },
	} {
		bad := &lattice.Ensemble{Layout: ens.Layout, Data: slices.Clone(ens.Data)}
		for i, v := range bad.Data {
			bad.Data[i] = change(v)
		}
		if _, err := diffusion.Measure(action, bad); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("expected an error about %q, got %v", name, err)
		}
	}
}

// The Gaussian part of a fit is of the kind of that of its start, on both sides of the cumulant
// that decides without one.
func TestFitStart(t *testing.T) {
	fit := func(kappa float64, start *diffusion.Model) *diffusion.Model {
		t.Helper()
		action := must(lattice.NewPhi4(must(lattice.New(4, 4)), kappa, 0.022))
		r := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: 2048, Seed: 9}, nil))
		return must(diffusion.Fit(t.Context(), backendtest.Open(), action, r.Ensemble, diffusion.FitConfig{
			Network: must(unet.New(unet.Config{Channels: []int{4}})), Start: start, Train: diffusion.TrainConfig{Steps: 2, Batch: 8},
		}))
	}
	ordered, single := fit(0.3, nil), fit(0.23, nil)
	if ordered.Order() == 0 || single.Order() > 0 {
		t.Fatalf("orders %v and %v without a start", ordered.Order(), single.Order())
	}
	if m := fit(0.23, ordered); !(m.Order() > 0) {
		t.Error("no mixture from a mixture")
	}
	if m := fit(0.3, single); m.Order() > 0 {
		t.Errorf("order %v from a single Gaussian", m.Order())
	}
}
