package latdiff_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/hollow/plaquette"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/fuzztest"
	"github.com/latdiff/latdiff/internal/npz"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/unet"
)

// modelFiles returns small models with every network that ships, as files.
func modelFiles(t testing.TB) (files [][]byte) {
	lat := must(lattice.New(2, 2))
	scalar := diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: []float64{2, 1, 1, 0.5}}
	site := scalar
	site.Site = []float64{0, 0, -1, 0, 1}
	lifted := scalar
	lifted.Space = diffusion.LiftedAngles{Lift: &lattice.Lift{Variance: 0.3, Cosines: []float64{0.1, 0.01}}}
	for _, m := range []struct {
		network diffusion.Architecture
		cfg     diffusion.ModelConfig
	}{
		{must(hollow.New(hollow.Config{Range: 1, Features: 2, Channels: 2, Profiles: 1, Hidden: 4, Head: 2, Pairs: 2, Embedding: 4, Edges: 1})), site},
		{must(plaquette.New(plaquette.Config{Hidden: 2, Embedding: 2, Context: 1, Range: 1})), lifted},
		{must(unet.New(unet.Config{Channels: []int{2, 2}, Embedding: 4})), scalar},
		{must(unet.New(unet.Config{Channels: []int{2}, Embedding: 4, D4: true, Stencil: unet.Box})), diffusion.ModelConfig{Layout: scalar.Layout}},
		{must(unet.NewSite(unet.SiteConfig{Width: 2, Layers: 1, Embedding: 2})), scalar},
		{must(unet.NewPaper(unet.PaperConfig{Channels: []int{4}, Embedding: 2})), diffusion.ModelConfig{Layout: scalar.Layout}},
	} {
		path := filepath.Join(t.TempDir(), "model.npz")
		if err := must(diffusion.NewModel(backendtest.Open(), m.network, m.cfg)).Save(path); err != nil {
			t.Fatal(err)
		}
		files = append(files, must(os.ReadFile(path)))
	}
	return files
}

// largest is the number of sites and of weights up to which a model that is read is used.
const largest = 64

// use draws from a model, which may fail, but must not crash.
func use(t *testing.T, m *diffusion.Model) {
	if m.Layout().Size() > largest || m.NumParameters() > 100*largest {
		return
	}
	path := filepath.Join(t.TempDir(), "model.npz")
	if err := m.Save(path); err != nil {
		t.Errorf("a model that was read cannot be written: %v", err)
	} else if _, err := diffusion.LoadModel(path); err != nil {
		t.Errorf("a model that was read and written cannot be read: %v", err)
	}
	s, err := diffusion.NewSampler(backendtest.Open(), m, diffusion.SamplerConfig{Steps: 2, Batch: 1})
	if err != nil {
		return
	}
	_, _ = s.Sample(t.Context(), 1, 1)
}

// FuzzModelFile reads model files.
func FuzzModelFile(f *testing.F) {
	for _, b := range modelFiles(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzztest.Bounded(t, len(b), func() {
			if m, err := diffusion.ReadModel(bytes.NewReader(b), int64(len(b))); err == nil {
				use(t, m)
			}
		})
	})
}

// FuzzModel reads model files whose description and spectra a fuzzer changes: the archive
// around them, with its checksums, is whole, and has the arrays that the description names.
func FuzzModel(f *testing.F) {
	for _, b := range modelFiles(f) {
		text, numbers := described(f, b)
		f.Add(text, numbers)
	}
	f.Fuzz(func(t *testing.T, text, numbers []byte) {
		b, err := modelArchive(text, numbers)
		if err != nil {
			return
		}
		fuzztest.Bounded(t, len(b), func() {
			if m, err := diffusion.ReadModel(bytes.NewReader(b), int64(len(b))); err == nil {
				use(t, m)
			}
		})
	})
}

// fuzzTrainer returns a fresh training run of two steps.
func fuzzTrainer(t testing.TB) *diffusion.Trainer {
	lat := must(lattice.New(2, 2))
	ens := lattice.NewEnsemble(lattice.Scalar(lat), 2)
	ens.Append([]float64{1, 2, 3, 4})
	ens.Append([]float64{-1, 0, 1, 0})
	m := must(diffusion.NewModel(backendtest.Open(), must(unet.New(unet.Config{Channels: []int{2}, Embedding: 2})), diffusion.ModelConfig{Layout: ens.Layout}))
	return must(diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{Steps: 2, Batch: 2}))
}

// FuzzTrainer restores states of a training run, and goes on where they are accepted.
func FuzzTrainer(f *testing.F) {
	trainer := fuzzTrainer(f)
	if err := trainer.Run(f.Context()); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.TempDir(), "train.npz")
	if err := trainer.Save(path); err != nil {
		f.Fatal(err)
	}
	b := must(os.ReadFile(path))
	text, _ := described(f, b)
	f.Add(text)
	f.Add(bytes.Replace(text, []byte(`"step":2`), []byte(`"step":1`), 1))
	stopped, stop := context.WithCancel(context.Background())
	stop()
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := modelArchive(text, nil)
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "train.npz")
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		trainer := fuzzTrainer(t)
		fuzztest.Bounded(t, len(b), func() {
			if err := trainer.Restore(path); err != nil {
				return
			}
			if n := trainer.Step(); n < 0 || n > 2 {
				t.Errorf("a run of 2 steps was restored at step %d", n)
			}
			// Weights may be missing: an error, no crash.
			_ = trainer.Run(stopped)
			_ = trainer.Run(t.Context())
		})
	})
}

// modelArchive returns a file with a description, the numbers as two spectra, and the weights
// that the description lists.
func modelArchive(text, numbers []byte) ([]byte, error) {
	var out bytes.Buffer
	z := npz.NewWriter(&out)
	spectra := make([]float64, len(numbers)/8)
	if _, err := binary.Decode(numbers, binary.LittleEndian, spectra); err != nil {
		return nil, err
	}
	half := len(spectra) / 2
	err := errors.Join(npz.Add(z, "meta", text, len(text)),
		npz.Add(z, "spectrum", spectra[:half], half), npz.Add(z, "residual", spectra[half:], len(spectra)-half))
	var meta struct {
		Variables []struct {
			Path  string
			Shape []int
		}
	}
	if e := json.Unmarshal(text, &meta); e != nil {
		return nil, errors.Join(err, z.Close())
	}
	const most = 1 << 16
	for _, v := range meta.Variables {
		size := 1
		for _, n := range v.Shape {
			if n < 1 || n > most/size {
				size = 0
				break
			}
			size *= n
		}
		name := v.Path
		if len(name) > 0 && name[0] == '/' {
			name = name[1:]
		}
		x := make([]float32, size)
		for i := range x {
			x[i] = float32(i%3-1) / 10
		}
		err = errors.Join(err, npz.Add(z, name, x, size))
	}
	err = errors.Join(err, z.Close())
	return out.Bytes(), err
}
