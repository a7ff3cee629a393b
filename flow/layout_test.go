package flow_test

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// twoComponents returns the Gaussian of two components with means of their own: free
// fields at two hopping parameters.
func twoComponents(t *testing.T) (*diffusion.Gaussian, [2][]float64, []float64) {
	t.Helper()
	a, first := freeField(t, 0.22, 4, 6)
	_, second := freeField(t, 0.1, 4, 6)
	layout := lattice.Layout{Lattice: a.Layout().Lattice, Components: 2}
	mean := []float64{0.7, -1.3}
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: layout, Spectrum: append(append([]float64{}, first...), second...), Mean: mean})
	if err != nil {
		t.Fatal(err)
	}
	return m, [2][]float64{first, second}, mean
}

// The flow knows mean and components of a Gaussian: log q is the sum of the exact densities
// of both fields around their means, with the linear part solved exactly or integrated.
func TestMeanAndComponents(t *testing.T) {
	m, spectra, mean := twoComponents(t)
	layout := m.Layout()
	const sigmaMin = 0.02
	exact := func(phi []float64) float64 {
		sum := 0.0
		for c, spectrum := range spectra {
			field := append([]float64{}, layout.Component(phi, c)...)
			for x := range field {
				field[x] -= mean[c]
			}
			sum += exactLogDensity(layout.Lattice, spectrum, sigmaMin, field)
		}
		return sum
	}
	for _, cfg := range []flow.Config{{Steps: 2}, {Steps: 192, Plain: true}} {
		cfg.DType, cfg.SigmaMin, cfg.SigmaMax, cfg.Batch = dtypes.Float64, sigmaMin, 20, 32
		f, err := flow.New(backendtest.Open(), m, cfg)
		if err != nil {
			t.Fatal(err)
		}
		const n = 64
		s, err := f.Sample(context.Background(), n, 3)
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.LogProb(context.Background(), s.Ensemble, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i, phi := range s.Ensemble.All() {
			if want := exact(phi); math.Abs(s.LogQ[i]-want) > 1e-4 || math.Abs(back.LogQ[i]-want) > 1e-4 {
				t.Fatalf("plain %v: log q = %v drawn and %v evaluated, want %v", cfg.Plain, s.LogQ[i], back.LogQ[i], want)
			}
		}
		for c := range mean {
			got := 0.0
			for _, phi := range s.Ensemble.All() {
				got += lattice.Magnetization(layout.Component(phi, c)) / n
			}
			// M has the variance C_0/V.
			if err := math.Sqrt(spectra[c][0] / float64(layout.Volume()) / n); math.Abs(got-mean[c]) > 5*err {
				t.Errorf("plain %v: mean of component %d is %v, want %v, error %v", cfg.Plain, c, got, mean[c], err)
			}
		}
	}
}

// Different seeds give different configurations, the same seed the same ones.
func TestSeeds(t *testing.T) {
	m, _, _ := twoComponents(t)
	f, err := flow.New(backendtest.Open(), m, flow.Config{Steps: 2, Batch: 4})
	if err != nil {
		t.Fatal(err)
	}
	draw := func(seed uint64) []float64 {
		s, err := f.Sample(context.Background(), 6, seed)
		if err != nil {
			t.Fatal(err)
		}
		return s.Ensemble.Data
	}
	if maxDifference(draw(1), draw(1)) != 0 || maxDifference(draw(1), draw(2)) == 0 {
		t.Error("the seed of the call does not decide")
	}
}
