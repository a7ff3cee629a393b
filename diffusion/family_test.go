package diffusion_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/meter"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/unet"
)

// members returns free fields at four couplings, the last one first.
func members(t testing.TB) (data []diffusion.Ensembles) {
	t.Helper()
	for _, kappa := range []float64{0.2, 0.05, 0.1, 0.15} {
		p := pointAt(t, kappa)
		data = append(data, diffusion.Ensembles{Action: must(lattice.NewPhi4(p.ens.Lattice, kappa, 0)), Ensemble: p.ens})
	}
	return data
}

func tinyNetwork() diffusion.Architecture {
	return must(hollow.New(hollow.Config{Range: 1, Features: 2, Channels: 3, Profiles: 2, Hidden: 4, Head: 2, Pairs: -1, Embedding: 4}))
}

// denoise is a training that needs nothing to learn: the targets of free fields vanish.
var denoise = diffusion.TrainConfig{Objective: diffusion.Denoising, Steps: 5, Batch: 8}

// A family has the known parts that were measured at their couplings, and between them smooth
// ones: for free fields, whose spectrum is known, to a per cent. A file keeps it.
func TestFamily(t *testing.T) {
	data := members(t)
	cfg := diffusion.FamilyConfig{Coupling: "kappa", Network: tinyNetwork(), Train: denoise, Seed: 2}
	f := must(diffusion.FitFamily(t.Context(), backendtest.Open(), data, cfg))
	if !slices.Equal(f.Couplings(), []float64{0.05, 0.1, 0.15, 0.2}) {
		t.Errorf("couplings %v", f.Couplings())
	}
	path := filepath.Join(t.TempDir(), "family.npz")
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded := must(diffusion.LoadFamily(path))
	for _, d := range data {
		measured := must(diffusion.Measure(d.Action, d.Ensemble))
		m := must(f.At(d.Action))
		for k, c := range measured.Spectrum {
			if got := m.Spectrum()[k]; !(math.Abs(got-c) < 1e-12*c) {
				t.Errorf("C_%d = %v at %v, measured %v", k, got, lattice.Params(d.Action), c)
			}
		}
		if err := m.CheckAction(d.Action); err != nil {
			t.Error(err)
		}
		again := must(loaded.At(d.Action))
		if !slices.Equal(again.Spectrum(), m.Spectrum()) || !slices.Equal(again.Config().Residual, m.Config().Residual) || again.SigmaMax() != m.SigmaMax() || !slices.Equal(again.Config().Condition, m.Config().Condition) {
			t.Errorf("the file holds another model at %v", lattice.Params(d.Action))
		}
	}
	between := must(lattice.NewPhi4(data[0].Ensemble.Lattice, 0.123, 0))
	m := must(loaded.At(between))
	if want := 2*(0.123-0.05)/0.15 - 1; math.Abs(m.Config().Condition[0]-want) > 1e-12 {
		t.Errorf("condition %v, want %v", m.Config().Condition, want)
	}
	// The measured spectrum of a free field is the exact one, see Measure. What is left is the error of
	// the spline, h⁴/384 times the fourth derivative 6·4⁴/(1-4κ)⁴ of log C_0: at κ = 0.123, with h =
	// 0.05 between the couplings, 4·10⁻⁴, and more from the end where it grows.
	for k, c := range must(between.FreeSpectrum(nil)) {
		if got := m.Spectrum()[k]; !(math.Abs(got/c-1) < 0.01) {
			t.Errorf("C_%d = %v between the ensembles, exactly %v", k, got, c)
		}
	}
	single := must(f.At(between))
	if err := single.Save(path); err != nil {
		t.Fatal(err)
	}
	if m := must(diffusion.LoadModel(path)); !slices.Equal(m.Config().Condition, single.Config().Condition) {
		t.Error("a model of a family lost its condition in a file")
	}
	if _, err := diffusion.LoadFamily(path); err == nil || !strings.Contains(err.Error(), "got a single one") {
		t.Errorf("a single model as family: %v", err)
	}
}

// A family in two couplings: free fields in κ and the coefficient of φ² on a grid, whose spectrum between the
// points of the grid is known. A file keeps it, and what is not a grid is refused.
func TestFamilySecond(t *testing.T) {
	lat := must(lattice.New(4, 2))
	action := func(kappa, square float64) *lattice.Polynomial {
		return must(lattice.NewPolynomial(lat, kappa, []float64{0, 0, square}))
	}
	spectrum := func(kappa, square float64) []float64 {
		c := make([]float64, lat.Volume())
		for k := range c {
			c[k] = 1 / (2*square - 4*kappa*(math.Cos(math.Pi/2*float64(k/2))+math.Cos(math.Pi*float64(k%2))))
		}
		return c
	}
	var data []diffusion.Ensembles
	for _, square := range []float64{1.4, 1, 1.2} {
		for _, kappa := range []float64{0.05, 0.15, 0.1, 0.2} {
			data = append(data, diffusion.Ensembles{Action: action(kappa, square), Ensemble: exactFreeField(lat, spectrum(kappa, square), 16)})
		}
	}
	cfg := diffusion.FamilyConfig{Coupling: "kappa", Second: "c2", Network: tinyNetwork(), Train: denoise}
	f := must(diffusion.FitFamily(t.Context(), backendtest.Open(), data, cfg))
	path := filepath.Join(t.TempDir(), "family.npz")
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	f = must(diffusion.LoadFamily(path))
	if a, b := f.Couplings(), f.SecondCouplings(); !slices.Equal(a, []float64{0.05, 0.1, 0.15, 0.2}) || !slices.Equal(b, []float64{1, 1.2, 1.4}) || f.String() != "kappa from 0.05 to 0.2 and c2 from 1 to 1.4" {
		t.Errorf("a family of %v, %v, %v", f, a, b)
	}
	for _, c := range []struct{ kappa, square, tolerance float64 }{{0.15, 1.2, 1e-6}, {0.2, 1, 1e-6}, {0.12, 1.3, 0.02}} {
		m := must(f.At(action(c.kappa, c.square)))
		for k, want := range spectrum(c.kappa, c.square) {
			if got := m.Spectrum()[k]; !(math.Abs(got/want-1) < c.tolerance) {
				t.Errorf("C_%d = %v at %v, exactly %v", k, got, c, want)
			}
		}
		want := []float64{2*(c.kappa-0.05)/0.15 - 1, 2*(c.square-1)/0.4 - 1}
		for i, got := range m.Config().Condition {
			if math.Abs(got-want[i]) > 1e-12 {
				t.Errorf("condition %v at %v, want %v", m.Config().Condition, c, want)
			}
		}
	}
	if _, err := f.At(action(0.1, 1.5)); err == nil || !strings.Contains(err.Error(), "c2 from 1 to 1.4") {
		t.Errorf("out of range: %v", err)
	}
	if _, err := diffusion.FitFamily(t.Context(), backendtest.Open(), data[:11], cfg); err == nil || !strings.Contains(err.Error(), "each of 12 pairs of kappa and c2, got 11") {
		t.Errorf("without a pair: %v", err)
	}
}

// A range with an ordered coupling has a mixture at all of them, with centres that come together.
func TestFamilyOrder(t *testing.T) {
	var data []diffusion.Ensembles
	lat := must(lattice.New(4, 4))
	for _, kappa := range []float64{0.1, 0.4} {
		action := must(lattice.NewPhi4(lat, kappa, 0.1))
		r := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: 256, Seed: 4}, nil))
		data = append(data, diffusion.Ensembles{Action: action, Ensemble: r.Ensemble})
	}
	f := must(diffusion.FitFamily(t.Context(), backendtest.Open(), data, diffusion.FamilyConfig{Coupling: "kappa", Network: tinyNetwork(), Train: denoise}))
	var moments []float64
	for i, d := range data {
		m := must(f.At(d.Action))
		mu, total := m.Order()*m.Order(), m.Order()*m.Order()+m.Spectrum()[0]
		ratio := mu / total
		if i == 0 && !(ratio > 0 && ratio < 0.5) || i == 1 && !(ratio > 0.7) {
			t.Errorf("the centres have the share %v of the zero mode at %v", ratio, lattice.Params(d.Action))
		}
		second := 0.0
		for _, phi := range d.Ensemble.All() {
			second += 16 * math.Pow(lattice.Magnetization(phi), 2) / float64(d.Ensemble.Len())
		}
		if math.Abs(total-second) > 1e-9*second {
			t.Errorf("the mixture has the second moment %v, the ensemble %v", total, second)
		}
		moments = append(moments, second)
	}
	// A line through the logarithms of two.
	m := must(f.At(must(lattice.NewPhi4(lat, 0.25, 0.1))))
	if total, want := m.Order()*m.Order()+m.Spectrum()[0], math.Sqrt(moments[0]*moments[1]); math.Abs(total-want) > 1e-9*want {
		t.Errorf("the mixture has the second moment %v between the ensembles, want %v", total, want)
	}
}

// The network depends on the coupling by its condition, smoothly, in both kinds of networks.
func TestCondition(t *testing.T) {
	p := pointAt(t, 0.1)
	for _, network := range []diffusion.Architecture{tinyNetwork(), must(unet.New(unet.Config{Channels: []int{3}, Embedding: 4}))} {
		at := func(condition float64) []float64 {
			cfg := p.measured.ModelConfig
			cfg.Condition = []float64{condition}
			m := must(diffusion.NewModel(backendtest.Open(), network, cfg))
			randomise(t, m, 4)
			return score(t, m, 0.5, p.ens.Data[:16])
		}
		a, b, c := at(-0.4), at(-0.4+1e-2), at(-0.4+2e-2)
		var first, second float64
		for i := range a {
			first, second = math.Max(first, math.Abs(c[i]-a[i])), math.Max(second, math.Abs(a[i]-2*b[i]+c[i]))
		}
		if !(first > 1e-6 && second < 0.1*first) {
			t.Errorf("%s: changes of the score %v and %v", network.Kind(), first, second)
		}
	}
	cfg := p.measured.ModelConfig
	cfg.Condition = []float64{1}
	if _, err := diffusion.NewModel(backendtest.Open(), must(unet.NewPaper(unet.PaperConfig{Channels: []int{4}, Embedding: 4})), cfg); err == nil {
		t.Error("the published network accepted a condition")
	}
}

// A trainer with several ensembles compiles as much as with one, every one has a batch in turn, and a run
// that was interrupted goes on as it would have.
func TestAddData(t *testing.T) {
	a, b := pointAt(t, 0.1), pointAt(t, 0.2)
	a.measured.Condition, b.measured.Condition = []float64{-1}, []float64{1}
	counter := meter.Wrap(backendtest.Open())
	train := func(progress func(diffusion.TrainProgress)) *diffusion.Trainer {
		cfg := a.train(diffusion.TrainConfig{Steps: 8, Progress: progress})
		trainer := must(diffusion.NewTrainer(counter, must(a.model().OnLattice(a.measured.ModelConfig)), a.ens, cfg))
		if err := trainer.AddData(b.data(0)); err != nil {
			t.Fatal(err)
		}
		return trainer
	}
	alone := must(diffusion.NewTrainer(counter, must(a.model().OnLattice(a.measured.ModelConfig)), a.ens, a.train(diffusion.TrainConfig{Steps: 2})))
	run(t, alone)
	compiled := counter.Compiled()
	whole := train(nil)
	run(t, whole)
	if got := counter.Compiled() - compiled; got != compiled {
		t.Errorf("%d compilations with two ensembles, %d with one", got, compiled)
	}
	if m := must(whole.Model()); !slices.Equal(m.Spectrum(), a.measured.Spectrum) {
		t.Error("the model is not that of the first ensemble")
	}
	ctx, stop := context.WithCancel(t.Context())
	part := train(func(p diffusion.TrainProgress) {
		if p.Step == 3 {
			stop()
		}
	})
	if err := part.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "part.npz")
	if err := os.WriteFile(path, saved(t, part), 0o644); err != nil {
		t.Fatal(err)
	}
	resumed := train(nil)
	if err := resumed.Restore(path); err != nil {
		t.Fatal(err)
	}
	run(t, resumed)
	if !bytes.Equal(saved(t, resumed), saved(t, whole)) {
		t.Error("a resumed run with two ensembles differs from one that was not interrupted")
	}
	other := must(diffusion.NewTrainer(backendtest.Open(), a.model(), a.ens, a.train(diffusion.TrainConfig{Steps: 8})))
	if err := other.Restore(path); err == nil || !strings.Contains(err.Error(), "others") {
		t.Errorf("restored without the second ensemble: %v", err)
	}
}

// What does not make a family is refused with the reason.
func TestFamilyErrors(t *testing.T) {
	data := members(t)
	b := backendtest.Open()
	fit := func(data []diffusion.Ensembles, coupling string) error {
		_, err := diffusion.FitFamily(t.Context(), b, data, diffusion.FamilyConfig{Coupling: coupling, Network: tinyNetwork(), Train: denoise})
		return err
	}
	other := diffusion.Ensembles{Action: must(lattice.NewPhi4(data[0].Ensemble.Lattice, 0.07, 0.1)), Ensemble: data[0].Ensemble}
	for name, err := range map[string]error{
		"two or more couplings":     fit(data[:1], "kappa"),
		`the coupling "beta"`:       fit(data, "beta"),
		"differ in kappa alone":     fit(append(slices.Clone(data), other), "kappa"),
		"one ensemble for each":     fit(append(slices.Clone(data), data[0]), "kappa"),
		"expected an action":        fit([]diffusion.Ensembles{{}, {}}, "kappa"),
		"expected an ensemble, got": fit([]diffusion.Ensembles{{Action: data[0].Action}, data[1]}, "kappa"),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("expected an error with %q, got %v", name, err)
		}
	}
	f := must(diffusion.FitFamily(t.Context(), b, data, diffusion.FamilyConfig{Coupling: "kappa", Network: tinyNetwork(), Train: denoise}))
	lat := data[0].Ensemble.Lattice
	for name, action := range map[string]lattice.Action{
		"from 0.05 to 0.2":         must(lattice.NewPhi4(lat, 0.21, 0)),
		"besides kappa":            must(lattice.NewPhi4(lat, 0.1, 0.1)),
		"expected a model for 6x4": must(lattice.NewPhi4(must(lattice.New(6, 4)), 0.1, 0)),
		"expected an action, got":  nil,
	} {
		if _, err := f.At(action); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("expected an error with %q, got %v", name, err)
		}
	}
}
