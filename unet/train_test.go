package unet

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// scores evaluates a model at one noise level.
func scores(t *testing.T, b compute.Backend, m *diffusion.Model, data []float64, sigma float64) []float64 {
	t.Helper()
	n := len(data) / m.Layout().Size()
	exec := model.MustNewExec(b, m.Store(), func(scope *model.Scope, phi, s *graph.Node) *graph.Node {
		return m.Score(scope, phi, s)
	})
	levels := make([]float64, n)
	for i := range levels {
		levels[i] = sigma
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(data, append([]int{n, m.Layout().Components}, m.Layout().Dims()...)...), levels)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float64](out)
}

// A Paper network trains, and its model comes back from files with the same score: the
// fixed frequencies stay what they were, and are not trained.
func TestPaperCheckpoint(t *testing.T) {
	b := backendtest.Open()
	lat := must(lattice.New(4, 4))
	ens := &lattice.Ensemble{Layout: lattice.Scalar(lat), Data: make([]float64, 16*lat.Volume())}
	rng := rand.New(rand.NewPCG(15, 16))
	for i := range ens.Data {
		ens.Data[i] = rng.NormFloat64()
	}
	network := must(NewPaper(PaperConfig{Channels: []int{32, 32}, Embedding: 8, Scale: 2}))
	m := must(diffusion.NewModel(b, network, diffusion.ModelConfig{Layout: ens.Layout, Spectrum: ens.PowerSpectrum().Symmetrized(nil), Seed: 3}))
	trainer := must(diffusion.NewTrainer(b, m, ens, diffusion.TrainConfig{Steps: 3, Batch: 8}))
	if err := trainer.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	frequencies := m.Store().GetVariable("/net/embed/frequencies")
	if frequencies == nil || frequencies.Trainable {
		t.Fatal("the frequencies are missing or trainable")
	}
	for v := range m.Store().IterVariables() {
		if v.Path() == "/adam/net/embed/frequencies" {
			t.Errorf("the optimizer trains %s", v.Path())
		}
	}
	trained := must(trainer.Model())
	want := scores(t, b, trained, ens.Data, 0.7)
	dir := t.TempDir()
	for name, save := range map[string]func(string) error{"model": trained.Save, "trainer": trainer.Save} {
		path := filepath.Join(dir, name)
		if err := save(path); err != nil {
			t.Fatal(err)
		}
		loaded := must(diffusion.LoadModel(path))
		if d := distance(scores(t, b, loaded, ens.Data, 0.7), want); d > 1e-12 {
			t.Errorf("%s file: the score differs by %v", name, d)
		}
		if v := loaded.Store().GetVariable("/net/embed/frequencies"); v == nil || v.Trainable {
			t.Errorf("%s file: the frequencies are missing or trainable", name)
		}
	}
}

// The network of one site learns the score of the double well of the toy model, compared
// with quadrature.
func TestSiteLearnsDoubleWell(t *testing.T) {
	b := backendtest.Open()
	lat := must(lattice.New(1))
	action := must(lattice.NewToy(-1, 0.4))
	const points, reach = 2001, 10.0
	x, w := make([]float64, points), make([]float64, points)
	total := 0.0
	for i := range x {
		x[i] = reach * (2*float64(i)/(points-1) - 1)
		w[i] = math.Exp(-action.Value(x[i : i+1]))
		total += w[i]
	}
	const n = 4000
	ens := &lattice.Ensemble{Layout: lattice.Scalar(lat), Data: make([]float64, n*lat.Volume())}
	sum, variance := 0.0, 0.0
	for i, k := 0, 0; k < n; k++ {
		// Quantiles of the distribution, in place of random draws.
		for sum+w[i] < total*(float64(k)+0.5)/n {
			sum += w[i]
			i++
		}
		ens.Data[k] = x[i]
		variance += x[i] * x[i] / n
	}
	m := must(diffusion.NewModel(b, must(NewSite(SiteConfig{})), diffusion.ModelConfig{Layout: ens.Layout, Spectrum: []float64{variance}, Seed: 1}))
	targets := must(diffusion.ResidualField(action, m.Config(), ens.Data))
	trainer := must(diffusion.NewTrainer(b, m, ens, diffusion.TrainConfig{
		Objective: diffusion.Target, Targets: targets, Steps: 600, Batch: 128, LearningRate: 5e-3, SigmaMin: 0.2, EMA: 0.99, Seed: 2,
	}))
	if err := trainer.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	trained := must(trainer.Model())
	// The mean squared error under the noisy density, as a fraction of that of a Gaussian.
	for _, sigma := range []float64{1, 3} {
		const every = 10
		var at, exact, density []float64
		for i := 0; i < points; i += every {
			num, den := 0.0, 0.0
			for j := range x {
				g := w[j] * math.Exp(-(x[i]-x[j])*(x[i]-x[j])/(2*sigma*sigma))
				den += g
				num += g * (x[j] - x[i]) / (sigma * sigma)
			}
			at, exact, density = append(at, x[i]), append(exact, num/den), append(density, den)
		}
		deviation, gaussian := 0.0, 0.0
		for i, s := range scores(t, b, trained, at, sigma) {
			deviation += density[i] * math.Pow(s-exact[i], 2)
			gaussian += density[i] * math.Pow(-at[i]/(variance+sigma*sigma)-exact[i], 2)
		}
		if f := deviation / gaussian; !(f < 0.1) {
			t.Errorf("σ = %v: the squared error is %v of that of a Gaussian, want less than a tenth", sigma, f)
		}
	}
}

// Steps that make several large products ready at once finish on any number of cores,
// with the backend as programs open it.
func TestNoDeadlock(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, cores := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(cores)
		b := must(backend.Open("go"))
		step := newStep(t, b, must(New(Config{Channels: []int{8, 16}, Embedding: 8})), 16, 8)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 200 {
				step()
			}
		}()
		select {
		case <-done:
		case <-time.After(2 * time.Minute):
			t.Fatalf("200 training steps on %d cores are not done after two minutes", cores)
		}
	}
}
