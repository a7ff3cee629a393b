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
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/unet"
)

// Both objectives must find the score of the double well, known by quadrature, at
// every noise level.
func TestTrainToyScore(t *testing.T) {
	action := must(lattice.NewToy(-1, 0.4))
	exact := newToy(action)
	lat := must(lattice.New(1))
	ens := lattice.NewEnsemble(lattice.Scalar(lat), 0)
	ens.Data = exact.sample(rand.New(rand.NewPCG(1, 2)), 20000)
	for _, objective := range []diffusion.Objective{diffusion.Denoising, diffusion.Target} {
		m, _, residual := wrap(t, action, ens)
		trainer, err := diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{
			Objective: objective, Targets: residual, Steps: 1000, Batch: 256, LearningRate: 5e-3, EMA: 0.99, SigmaMin: 0.1, SigmaMax: 10, Seed: 4,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := trainer.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		trained := must(trainer.Model())
		for _, sigma := range []float64{0.15, 0.5, 1.5, 5} {
			// At small noise the denoising loss hardly sees the score: its variance is
			// that of z, of order one, and the signal of order σ.
			if objective == diffusion.Denoising && sigma < 0.5 {
				continue
			}
			var grid []float64
			for phi := -3 * (1.5 + sigma); phi <= 3*(1.5+sigma); phi += 0.05 {
				grid = append(grid, phi)
			}
			got := score(t, trained, sigma, grid)
			sum, base, norm := 0.0, 0.0, 0.0
			for i, phi := range grid {
				s, p := exact.score(phi, sigma)
				linear := -phi / (trained.Spectrum()[0] + sigma*sigma)
				sum += p * (got[i] - s) * (got[i] - s)
				base += p * (linear - s) * (linear - s)
				norm += p * s * s
			}
			// The network must remove most of what the Gaussian part misses, down
			// to the few percent that a short training leaves.
			rms, linear := math.Sqrt(sum/norm), math.Sqrt(base/norm)
			t.Logf("%v σ = %v: relative error of the score %.4f, of its Gaussian part %.4f", objective, sigma, rms, linear)
			if rms > 0.15*linear+0.03 {
				t.Errorf("%v σ = %v: relative error of the score %.3f, of its Gaussian part %.3f", objective, sigma, rms, linear)
			}
		}
	}
}

func shortTraining(t *testing.T, steps int, checkpoint string) (*diffusion.Trainer, *diffusion.Model) {
	t.Helper()
	m, ens, residual := phi4Model(t, 64, 4, 4)
	trainer, err := diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{
		Objective: diffusion.Target, Targets: residual, Steps: steps, Batch: 16, Checkpoint: checkpoint, Seed: 6,
	})
	if err != nil {
		t.Fatal(err)
	}
	return trainer, m
}

// weights returns all weights of a model as one slice.
func weights(m *diffusion.Model) []float32 {
	var all []float32
	for v := range m.Store().Scope("/net").IterVariables() {
		all = append(all, tensors.MustCopyFlatData[float32](v.MustValue())...)
	}
	return all
}

// A run that is interrupted, restored from its checkpoint in a fresh trainer and
// finished gives bit for bit the weights of one that was not.
func TestTrainingResumes(t *testing.T) {
	const steps = 12
	whole, _ := shortTraining(t, steps, "")
	if err := whole.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := weights(must(whole.Model()))
	path := filepath.Join(t.TempDir(), "train.npz")
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := func() *diffusion.Trainer {
		m, ens, residual := phi4Model(t, 64, 4, 4)
		return must(diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{
			Objective: diffusion.Target, Targets: residual, Steps: steps, Batch: 16, Checkpoint: path, Seed: 6,
			Progress: func(p diffusion.TrainProgress) {
				if p.Step == 5 {
					cancel()
				}
			},
		}))
	}()
	if err := interrupted.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted run: %v", err)
	}
	resumed, _ := shortTraining(t, steps, path)
	if err := resumed.Restore(path); err != nil {
		t.Fatal(err)
	}
	if resumed.Step() != 5 {
		t.Fatalf("restored at step %d, want 5", resumed.Step())
	}
	if err := resumed.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := weights(must(resumed.Model())); !slices.Equal(got, want) {
		t.Error("the resumed run ended with other weights")
	}
	// The checkpoint of the finished run is a model too.
	if got := weights(must(diffusion.LoadModel(path))); !slices.Equal(got, want) {
		t.Error("the model in the checkpoint has other weights")
	}
	other, _ := shortTraining(t, steps+1, "")
	if err := other.Restore(path); err == nil {
		t.Error("a run with another number of steps was restored")
	}
	if err := resumed.Restore(path); err == nil {
		t.Error("a trainer that has already run was restored")
	}
}

// When checkpoints are written does not matter for what the last one holds.
func TestCheckpointTimes(t *testing.T) {
	const steps = 8
	run := func(every time.Duration) []byte {
		path := filepath.Join(t.TempDir(), "train.npz")
		m, ens, residual := phi4Model(t, 64, 4, 4)
		trainer := must(diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{
			Objective: diffusion.Target, Targets: residual, Steps: steps, Batch: 16, Checkpoint: path, CheckpointEvery: every, Seed: 6,
			Progress: func(p diffusion.TrainProgress) {
				_, err := os.Stat(path)
				if written := err == nil; p.Step == 2 && written != (every < time.Second) {
					t.Errorf("checkpoints every %v: written after the first step: %v", every, written)
				}
			},
		}))
		if err := trainer.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return must(os.ReadFile(path))
	}
	if !bytes.Equal(run(time.Nanosecond), run(time.Hour)) {
		t.Error("a run with many checkpoints ended with another file")
	}
}

func TestModelFile(t *testing.T) {
	trainer, m := shortTraining(t, 3, "")
	dir := t.TempDir()
	path := filepath.Join(dir, "model.npz")
	if err := m.Save(path); err != nil {
		t.Errorf("a fresh model has weights: %v", err)
	}
	if err := trainer.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	trained := must(trainer.Model())
	if err := trained.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := diffusion.LoadModel(path)
	if err != nil {
		t.Fatal(err)
	}
	phi := make([]float64, 16)
	for x := range phi {
		phi[x] = math.Cos(float64(x))
	}
	if !slices.Equal(score(t, loaded, 0.4, phi), score(t, trained, 0.4, phi)) {
		t.Error("the loaded model has another score")
	}
	if err := loaded.CheckLayout(lattice.Scalar(must(lattice.New(4, 8)))); err == nil {
		t.Error("the model was accepted for another lattice")
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.npz")
	write := func(b []byte) {
		if err := os.WriteFile(bad, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for n := 0; n < len(whole); n += 1 + len(whole)/200 {
		write(whole[:n])
		if _, err := diffusion.LoadModel(bad); err == nil {
			t.Fatalf("a model file cut to %d of %d bytes was accepted", n, len(whole))
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		// A flipped byte must give an error or the same model, never a panic.
		b := slices.Clone(whole)
		b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255))
		write(b)
		if m, err := diffusion.LoadModel(bad); err == nil && !slices.Equal(weights(m), weights(loaded)) {
			t.Fatal("a corrupt model file was accepted with other weights")
		}
	}
	if _, err := diffusion.LoadModel(filepath.Join(dir, "missing.npz")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	ens := lattice.NewEnsemble(m.Layout(), 1)
	ens.Append(phi)
	if err := lattice.WriteEnsemble(bad, ens); err != nil {
		t.Fatal(err)
	}
	if _, err := diffusion.LoadModel(bad); err == nil {
		t.Error("an ensemble was accepted as a model")
	}
}

// A fresh model is the Gaussian with the spectrum of the data, and every model is odd.
func TestModelStartsGaussianAndIsOdd(t *testing.T) {
	trainer, m := shortTraining(t, 40, "")
	gaussian := must(diffusion.NewGaussian(diffusion.ModelConfig{Layout: m.Layout(), Spectrum: m.Spectrum()}))
	phi, minus := make([]float64, 16), make([]float64, 16)
	for x := range phi {
		phi[x] = math.Cos(float64(x)) + 0.2
		minus[x] = -phi[x]
	}
	if d := distance(score(t, m, 0.7, phi), score(t, gaussian, 0.7, phi)); d > 1e-12 {
		t.Errorf("a fresh model deviates from its Gaussian by %v", d)
	}
	if err := trainer.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	trained := must(trainer.Model())
	plus, odd := score(t, trained, 0.7, phi), score(t, trained, 0.7, minus)
	for x := range odd {
		odd[x] = -odd[x]
	}
	if d := distance(plus, odd); d > 1e-12 {
		t.Errorf("the trained model is not odd: %v", d)
	}
	if d := distance(plus, score(t, gaussian, 0.7, phi)); d < 1e-4 {
		t.Error("training changed nothing")
	}
}

// Measure describes an ordered ensemble as a mixture whose zero mode has the second moment
// of the data, with centres at 0.8 of the μ² that would give the fourth moment too, and a model on it starts as that mixture and survives a file.
func TestMeasureOrdered(t *testing.T) {
	lat := must(lattice.New(4, 4))
	action := must(lattice.NewPhi4(lat, 0.27, 0.022))
	r := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: 4000, Thin: 3, Thermalisation: 200, Chains: 4, Seed: 2},
		func(int) (mcmc.Kernel, error) { return mcmc.Recommended(action) }))
	cfg := must(diffusion.Measure(action, r.Ensemble))
	var m2, m4 float64
	for _, phi := range r.Ensemble.All() {
		x := 4 * lattice.Magnetization(phi)
		m2 += x * x / 4000
		m4 += x * x * x * x / 4000
	}
	mu2, c := cfg.Order*cfg.Order, cfg.Spectrum[0]
	if math.Abs(mu2+c-m2) > 1e-9*m2 {
		t.Errorf("mixture with μ = %v, C_0 = %v has another second moment than the data", cfg.Order, c)
	}
	mu2 /= 0.8
	c = m2 - mu2
	if math.Abs(mu2*mu2+6*mu2*c+3*c*c-m4) > 1e-9*m4 {
		t.Errorf("μ = %v is not derived from the fourth moment of the data", cfg.Order)
	}
	if len(cfg.Targets) != len(r.Ensemble.Data) || cfg.Residual == nil {
		t.Fatal("no residual field")
	}
	cfg.Seed = 1
	m := must(diffusion.NewModel(backendtest.Open(), must(unet.New(unet.Config{Channels: []int{4}})), cfg.ModelConfig))
	mixture := must(diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: cfg.Spectrum, Order: cfg.Order}))
	phi := r.Ensemble.Config(7)
	if d := distance(score(t, m, 0.7, phi), score(t, mixture, 0.7, phi)); d > 1e-12 {
		t.Errorf("a fresh model deviates from its mixture by %v", d)
	}
	path := filepath.Join(t.TempDir(), "m.npz")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if loaded := must(diffusion.LoadModel(path)); loaded.Order() != cfg.Order {
		t.Errorf("the order became %v in the file, was %v", loaded.Order(), cfg.Order)
	}
	other := must(lattice.NewPhi4(lat, 0.26, 0.022))
	if _, err := diffusion.Measure(other, r.Ensemble); err == nil {
		t.Error("an ensemble of another coupling was accepted")
	}
	if m.CheckAction(action) != nil || m.CheckAction(other) == nil {
		t.Error("the model does not know its theory")
	}
	if err := m.CheckAction(renamed{other, action.Params()}); err == nil || !strings.Contains(err.Error(), "other values of S") {
		t.Errorf("an action that only claims the couplings of the model: %v", err)
	}
}

// renamed is an action that tells the couplings of another.
type renamed struct {
	lattice.Action
	params map[string]float64
}

func (r renamed) Params() map[string]float64 { return r.params }

// The score of the mixture against a finite difference of its log density, which is
// a sum of two Gaussians in the zero mode.
func TestMixtureScore(t *testing.T) {
	_, spectrum := freeField(0.2, 2, 2)
	lat := must(lattice.New(2, 2))
	const order, sigma = 3.0, 0.8
	m := must(diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: spectrum, Order: order}))
	gaussian := must(diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: spectrum}))
	phi := []float64{0.4, -0.3, 0.9, 0.1}
	d := spectrum[0] + sigma*sigma
	logCosh := func(shift float64) float64 {
		zero := (phi[0] + shift + phi[1] + phi[2] + phi[3]) / 2
		return math.Log(math.Cosh(order * zero / d))
	}
	const h = 1e-5
	pull := (logCosh(h) - logCosh(-h)) / (2 * h)
	got, base := score(t, m, sigma, phi), score(t, gaussian, sigma, phi)
	for x := range got {
		// The gradient of log cosh is the same at every site.
		if diff := math.Abs(got[x] - base[x] - pull); diff > 1e-9 {
			t.Errorf("site %d: mixture adds %v to the score, want %v", x, got[x]-base[x], pull)
		}
	}
}

// The published recipe, shortened, on a model without a Gaussian part: the loss falls
// below that of no prediction (1 a site), validation and split losses agree with it,
// and the evaluation sees the model.
func TestPlainModelTraining(t *testing.T) {
	_, ens, _ := phi4Model(t, 320, 4, 4)
	network := must(unet.New(unet.Config{Channels: []int{8}, Embedding: 8}))
	m := must(diffusion.NewModel(backendtest.Open(), network, diffusion.ModelConfig{Layout: ens.Layout, Normalization: must(diffusion.MinMax(ens)), Unscaled: true, Seed: 3}))
	if _, ok := diffusion.Linear(m); ok {
		t.Error("a model without a spectrum claims a linear part")
	}
	cfg := diffusion.PaperTraining(256)
	if cfg.Steps != 1000 {
		t.Errorf("250 epochs of 256 configurations in batches of 64 are %d steps, want 1000", cfg.Steps)
	}
	var last diffusion.TrainProgress
	evaluations := 0
	cfg.Steps, cfg.Validation, cfg.ValidateEvery, cfg.EvaluateEvery = 300, ens.Slice(256, 320), 100, 150
	cfg.Progress = func(p diffusion.TrainProgress) { last = p }
	cfg.Evaluate = func(step int, m *diffusion.Model) error {
		evaluations++
		if m.NumParameters() == 0 {
			t.Error("the evaluation got a model without weights")
		}
		return nil
	}
	trainer := must(diffusion.NewTrainer(backendtest.Open(), m, ens.Slice(0, 256), cfg))
	if err := trainer.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if evaluations != 2 || last.Step != 300 || last.LearningRate != 1e-3 {
		t.Errorf("%d evaluations, last progress %+v", evaluations, last)
	}
	split := 0.0
	for _, l := range last.LossByLevel {
		split += l.Loss / float64(len(last.LossByLevel))
	}
	// The split losses are averages over the same 50 steps as the smoothed one.
	if last.SmoothedLoss > 0.9 || math.Abs(split/last.SmoothedLoss-1) > 0.1 {
		t.Errorf("loss %v, mean of the losses by level %v", last.SmoothedLoss, split)
	}
	// 64 configurations of 16 sites: the loss of a validation has a relative error of
	// about √(2/1024).
	if math.Abs(last.Validation/last.SmoothedLoss-1) > 5*math.Sqrt(2./1024)+0.1 {
		t.Errorf("validation loss %v, training loss %v", last.Validation, last.SmoothedLoss)
	}
	again := must(trainer.ValidationLoss())
	if again != must(trainer.ValidationLoss()) {
		t.Error("the validation loss is not reproducible")
	}
	path := filepath.Join(t.TempDir(), "plain.npz")
	trained := must(trainer.Model())
	if err := trained.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded := must(diffusion.LoadModel(path))
	phi := ens.Config(0)
	if !slices.Equal(score(t, loaded, 0.4, phi), score(t, trained, 0.4, phi)) || loaded.Normalization() != m.Normalization() {
		t.Error("the loaded model differs")
	}
	if _, err := diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{Objective: diffusion.Target}); err == nil {
		t.Error("target score matching without a Gaussian part was accepted")
	}
}

func distance(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = math.Max(d, math.Abs(a[i]-b[i]))
	}
	return d
}

func TestTrainErrors(t *testing.T) {
	m, ens, residual := phi4Model(t, 8, 4, 4)
	backend := backendtest.Open()
	for _, cfg := range []diffusion.TrainConfig{
		{Objective: 7}, {Objective: diffusion.Target}, {Objective: diffusion.Target, Targets: residual[:16]}, {Steps: -1}, {Batch: -1},
		{LearningRate: -1}, {LearningRate: math.NaN()}, {EMA: 1}, {ClipNorm: math.NaN()}, {Schedule: 5}, {TimeMin: 2}, {ValidateEvery: -1}, {EvaluateEvery: -1}, {Focus: 1}, {Average: -1}, {Average: 2, Objective: diffusion.Target, Targets: residual}, {Focus: math.NaN()}, {SigmaMin: 2, SigmaMax: 1}, {SigmaMin: -1},
	} {
		if _, err := diffusion.NewTrainer(backend, m, ens, cfg); err == nil {
			t.Errorf("%+v accepted", cfg)
		}
	}
	if _, err := diffusion.NewTrainer(backend, m, nil, diffusion.TrainConfig{}); err == nil {
		t.Error("a nil ensemble was accepted")
	}
	bad := &lattice.Ensemble{Layout: ens.Layout, Data: slices.Clone(ens.Data)}
	bad.Data[20] = math.Inf(1)
	if _, err := diffusion.NewTrainer(backend, m, bad, diffusion.TrainConfig{}); err == nil {
		t.Error("an infinite field was accepted")
	}
	other := must(lattice.New(2, 8))
	if _, err := diffusion.NewTrainer(backend, m, &lattice.Ensemble{Layout: lattice.Scalar(other), Data: ens.Data}, diffusion.TrainConfig{}); err == nil {
		t.Error("an ensemble on another lattice was accepted")
	}
	deep := must(unet.New(unet.Config{Channels: []int{2, 2, 2, 2}}))
	if _, err := diffusion.NewModel(backendtest.Open(), deep, diffusion.ModelConfig{Layout: ens.Layout, Spectrum: m.Spectrum()}); err == nil {
		t.Error("a network that does not fit the lattice was accepted")
	}
}
