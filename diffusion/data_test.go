package diffusion_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/meter"
	"github.com/latdiff/latdiff/lattice"
)

// point is a theory with an ensemble and what is measured of it.
type point struct {
	ens      *lattice.Ensemble
	measured *diffusion.Measurement
}

// pointAt returns a free field of 4×4 sites, drawn exactly, at a coupling.
func pointAt(t testing.TB, kappa float64) point {
	t.Helper()
	lat := must(lattice.New(4, 4))
	action := must(lattice.NewPhi4(lat, kappa, 0))
	gaussian := must(diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: must(action.FreeSpectrum(nil))}))
	s := must(diffusion.NewSampler(backendtest.Open(), gaussian, diffusion.SamplerConfig{Steps: 2}))
	ens := must(s.Sample(t.Context(), 48, 3))
	measured := must(diffusion.Measure(action, ens))
	// Something to learn.
	for i := range measured.Targets {
		measured.Targets[i] += math.Sin(ens.Data[i])
	}
	measured.Residual = (&lattice.Ensemble{Layout: ens.Layout, Data: measured.Targets}).PowerSpectrum().Symmetrized(nil)
	return point{ens, measured}
}

func (p point) data(steps int) diffusion.Data {
	return diffusion.Data{Ensemble: p.ens, Model: p.measured.ModelConfig, Targets: p.measured.Targets, Steps: steps}
}

func (p point) model() *diffusion.Model {
	network := must(hollow.New(hollow.Config{Range: 1, Features: 2, Channels: 3, Profiles: 2, Hidden: 4, Head: 2, Pairs: -1, Embedding: 4}))
	return must(diffusion.NewModel(backendtest.Open(), network, p.measured.ModelConfig))
}

func (p point) train(cfg diffusion.TrainConfig) diffusion.TrainConfig {
	cfg.Targets, cfg.Batch, cfg.Seed = p.measured.Targets, 16, 6
	return cfg
}

// randomise gives all weights of a model values.
func randomise(t testing.TB, m *diffusion.Model, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	for v := range m.Store().IterVariables() {
		w := make([]float32, v.Shape().Size())
		for i := range w {
			w[i] = float32(0.3 * rng.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(w, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
}

func saved(t testing.TB, trainer *diffusion.Trainer) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.npz")
	if err := trainer.Save(path); err != nil {
		t.Fatal(err)
	}
	return must(os.ReadFile(path))
}

func run(t testing.TB, trainer *diffusion.Trainer) {
	t.Helper()
	if err := trainer.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A trainer that is given another ensemble compiles nothing again. What it then does is what a
// trainer does that was made for that ensemble: the states, with weights, moments and averages, are
// byte for byte the same where both begin without a step, and where one of them resumes the other.
func TestSetData(t *testing.T) {
	a, b := pointAt(t, 0.1), pointAt(t, 0.2)
	counter := meter.Wrap(backendtest.Open())
	moved := must(a.model().OnLattice(a.measured.ModelConfig))
	trainer := must(diffusion.NewTrainer(counter, moved, a.ens, a.train(diffusion.TrainConfig{Steps: 6})))
	if err := trainer.SetData(b.data(4)); err != nil {
		t.Fatal(err)
	}
	run(t, trainer)
	compiled := counter.Compiled()
	fresh := must(diffusion.NewTrainer(backendtest.Open(), b.model(), b.ens, b.train(diffusion.TrainConfig{Steps: 4})))
	run(t, fresh)
	if !bytes.Equal(saved(t, trainer), saved(t, fresh)) {
		t.Error("a trainer with other data is not one that was made for them")
	}

	// Back to the first ensemble, with all that was learned.
	if err := trainer.SetData(a.data(5)); err != nil {
		t.Fatal(err)
	}
	run(t, trainer)
	if trainer.Step() != 9 || counter.Compiled() != compiled {
		t.Errorf("%d steps and %d compilations, want 9 and the %d of before", trainer.Step(), counter.Compiled(), compiled)
	}
	want := saved(t, trainer)

	// Interrupted after seven steps, and resumed.
	ctx, stop := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "part.npz")
	interrupted := must(diffusion.NewTrainer(backendtest.Open(), b.model(), b.ens, b.train(diffusion.TrainConfig{
		Steps: 4, Progress: func(p diffusion.TrainProgress) {
			if p.Step == 7 {
				stop()
			}
		},
	})))
	run(t, interrupted)
	if err := interrupted.SetData(a.data(5)); err != nil {
		t.Fatal(err)
	}
	if err := interrupted.Run(ctx); !errors.Is(err, context.Canceled) || interrupted.Step() != 7 {
		t.Fatalf("%v after %d steps", err, interrupted.Step())
	}
	if err := interrupted.Save(path); err != nil {
		t.Fatal(err)
	}
	resumed := must(diffusion.NewTrainer(backendtest.Open(), a.model(), a.ens, a.train(diffusion.TrainConfig{Steps: 5})))
	if err := resumed.Restore(path); err != nil {
		t.Fatal(err)
	}
	run(t, resumed)
	if !bytes.Equal(saved(t, resumed), want) {
		t.Error("a resumed run with other data differs from one that was not interrupted")
	}
}

// The model of a trainer with other data has their levels and spectra, and refuses what is no
// input of its graphs.
func TestSetDataModel(t *testing.T) {
	a, b := pointAt(t, 0.1), pointAt(t, 0.2)
	trainer := must(diffusion.NewTrainer(backendtest.Open(), a.model(), a.ens, a.train(diffusion.TrainConfig{Steps: 1})))
	run(t, trainer)
	before := must(trainer.Model())
	if err := trainer.SetData(b.data(1)); err != nil {
		t.Fatal(err)
	}
	after := must(trainer.Model())
	if !slices.Equal(after.Spectrum(), b.measured.Spectrum) || after.SigmaMax() != b.measured.SigmaMax {
		t.Error("the model did not take the spectrum of the data")
	}
	if !slices.Equal(before.Spectrum(), a.measured.Spectrum) {
		t.Error("a model that was handed out changed with the data")
	}
	d := b.data(1)
	d.Model.Order = 2
	if err := trainer.SetData(d); err == nil || !strings.Contains(err.Error(), "kind of Gaussian part") {
		t.Errorf("an order: %v", err)
	}
	d = b.data(1)
	d.Targets = nil
	if err := trainer.SetData(d); err == nil || !strings.Contains(err.Error(), "targets") {
		t.Errorf("no targets: %v", err)
	}
	d = b.data(1)
	d.Weights = []float64{1}
	if err := trainer.SetData(d); err == nil || !strings.Contains(err.Error(), "weight") {
		t.Errorf("one weight: %v", err)
	}
	if err := trainer.SetData(diffusion.Data{}); err == nil {
		t.Error("no ensemble was accepted")
	}
}

// Weights are those of the configurations in the loss, whatever their sum: with the same noise the
// loss of all is the mean of those of two halves.
func TestWeights(t *testing.T) {
	p := pointAt(t, 0.15)
	p.ens, p.measured.Targets = p.ens.Slice(0, 16), p.measured.Targets[:16*16]
	loss := func(weight func(i int) float64) (loss float64) {
		cfg := p.train(diffusion.TrainConfig{Steps: 1, Progress: func(p diffusion.TrainProgress) { loss = p.Loss }})
		for i := range 16 {
			cfg.Weights = append(cfg.Weights, weight(i))
		}
		run(t, must(diffusion.NewTrainer(backendtest.Open(), p.model(), p.ens, cfg)))
		return loss
	}
	all := loss(func(int) float64 { return 3 })
	even := loss(func(i int) float64 { return float64(1 - i%2) })
	odd := loss(func(i int) float64 { return 0.1 * float64(i%2) })
	if math.Abs(even+odd-2*all) > 1e-5*all || math.Abs(even-odd) < 1e-3*all {
		t.Errorf("losses %v and %v of the halves, %v of all", even, odd, all)
	}
}

// A sampler that is given another model draws what one of that model draws, with the graphs that it
// has, and leaves the first model alone.
func TestSamplerSetModel(t *testing.T) {
	a, b := pointAt(t, 0.1), pointAt(t, 0.2)
	first, second := a.model(), must(diffusion.NewModel(backendtest.Open(), a.model().Network(), b.measured.ModelConfig))
	randomise(t, first, 1)
	randomise(t, second, 2)
	for name, scheme := range map[string]diffusion.Scheme{"without graphs": diffusion.Ancestral, "graphs": must(diffusion.PredictorCorrector(1, 0.1))} {
		counter := meter.Wrap(backendtest.Open())
		cfg := diffusion.SamplerConfig{Scheme: scheme, Steps: 4, Batch: 8}
		s := must(diffusion.NewSampler(counter, must(first.Clone()), cfg))
		before := must(s.Sample(t.Context(), 8, 1))
		compiled := counter.Compiled()
		if err := s.SetModel(second); err != nil {
			t.Fatal(err)
		}
		got := must(s.Sample(t.Context(), 8, 1))
		want := must(must(diffusion.NewSampler(backendtest.Open(), second, cfg)).Sample(t.Context(), 8, 1))
		if !slices.Equal(got.Data, want.Data) || slices.Equal(got.Data, before.Data) {
			t.Errorf("%s: the sampler does not draw from the other model", name)
		}
		if counter.Compiled() != compiled {
			t.Errorf("%s: %d compilations, %d before", name, counter.Compiled(), compiled)
		}
		if err := s.SetModel(first); err != nil {
			t.Fatal(err)
		}
		if back := must(s.Sample(t.Context(), 8, 1)); !slices.Equal(back.Data, before.Data) {
			t.Errorf("%s: the first model was changed", name)
		}
	}
	other := must(diffusion.NewModel(backendtest.Open(), hollow.Default(), b.measured.ModelConfig))
	s := must(diffusion.NewSampler(backendtest.Open(), first, diffusion.SamplerConfig{}))
	if err := s.SetModel(other); err == nil || !strings.Contains(err.Error(), "another network") {
		t.Errorf("another network: %v", err)
	}
	if err := s.SetModel(nil); err == nil {
		t.Error("no model was accepted")
	}
}
