package hollow_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// Of a free field with another spectrum in the model the error of the score is known, and its integral
// is twice the relative entropy of the two Gaussians.
func TestScoreErrorOfGaussian(t *testing.T) {
	lat := must(lattice.New(4, 6))
	action := must(lattice.NewFreeField(lat, 0.2))
	spectrum := must(action.FreeSpectrum(nil))
	wide := slices.Clone(spectrum)
	entropy := 0.0
	for k, c := range spectrum {
		wide[k] *= 1.3
		entropy += (c/wide[k] - 1 - math.Log(c/wide[k])) / 2
	}
	m := must(diffusion.NewModel(backendtest.Open(), must(hollow.New(small)), diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: wide}))
	ens := lattice.NewEnsemble(lattice.Scalar(lat), 200)
	rng, fourier := rand.New(rand.NewPCG(5, 6)), lattice.NewFourier(lat)
	for range 64 {
		ens.Append(fourier.Gaussian(nil, spectrum, rng))
	}
	levels := must(m.ScoreError(t.Context(), backendtest.Open(), action, ens, diffusion.ScoreErrorConfig{
		Levels: 20, SigmaMin: 0.01, SigmaMax: 100, Trajectories: 2, Thermalisation: 1,
	}))
	sum, square := 0.0, 0.0
	for _, l := range levels {
		s2, want, modes := l.Sigma*l.Sigma, 0.0, 0.0
		for k, c := range spectrum {
			d := 1/(c+s2) - 1/(wide[k]+s2)
			want += 2 * s2 * (c + s2) * d * d
			modes += l.Modes[k]
		}
		if !(math.Abs(l.Value-want) < 5*l.StandardError) || !(math.Abs(modes-l.Value) < 1e-9*l.Value) {
			t.Errorf("σ = %.3g: %v ± %v, modes %v, exactly %v", l.Sigma, l.Value, l.StandardError, modes, want)
		}
		sum, square = sum+l.Value*l.LogWidth, square+math.Pow(l.StandardError*l.LogWidth, 2)
	}
	// Outside of the levels is less than 10⁻⁴ of the integral.
	if e := math.Sqrt(square); !(math.Abs(sum-2*entropy) < 5*e+1e-4*entropy) {
		t.Errorf("the integral is %v ± %v, twice the relative entropy %v", sum, e, 2*entropy)
	}
}

// Averages of sites and of fields give the same error, here of a spectrum that is wrong.
func TestScoreErrorOfInteraction(t *testing.T) {
	lat := must(lattice.New(1, 4))
	action := must(lattice.NewPhi4(lat, 0.2, 0.4))
	ens := ensemble(t, action, 128, 4)
	measured := must(diffusion.Measure(action, ens)).ModelConfig
	for k := range measured.Spectrum {
		measured.Spectrum[k] *= 1.5
	}
	m := must(diffusion.NewModel(backendtest.Open(), must(hollow.New(small)), measured))
	cfg := diffusion.ScoreErrorConfig{Levels: 3, SigmaMin: 0.3, SigmaMax: 3, Trajectories: 40, Thermalisation: 10, Seed: 1}
	sites := must(m.ScoreError(t.Context(), backendtest.Open(), action, ens, cfg))
	cfg.Seed = 2
	fields := must(m.ScoreError(t.Context(), backendtest.Open(), struct{ lattice.Action }{action}, ens, cfg))
	for i, s := range sites {
		f := fields[i]
		if e := math.Hypot(s.StandardError, f.StandardError); !(math.Abs(s.Value-f.Value) < 5*e) || !(s.Value > 5*s.StandardError) {
			t.Errorf("σ = %.3g: %v ± %v with means of sites, %v ± %v without", s.Sigma, s.Value, s.StandardError, f.Value, f.StandardError)
		}
		if !(s.Noise < f.Noise) {
			t.Errorf("σ = %.3g: noise %v with means of sites, %v without", s.Sigma, s.Noise, f.Noise)
		}
	}

	for name, f := range map[string]func(*diffusion.ScoreErrorConfig){
		"levels": func(c *diffusion.ScoreErrorConfig) { c.Levels = -1 },
		"range":  func(c *diffusion.ScoreErrorConfig) { c.SigmaMin = 5 },
		"NaN":    func(c *diffusion.ScoreErrorConfig) { c.SigmaMax = math.NaN() },
	} {
		bad := cfg
		f(&bad)
		if _, err := m.ScoreError(t.Context(), backendtest.Open(), action, ens, bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	other := must(lattice.NewPhi4(must(lattice.New(4, 4)), 0.2, 0.4))
	if _, err := m.ScoreError(t.Context(), backendtest.Open(), other, ens, cfg); err == nil {
		t.Error("another lattice was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.ScoreError(ctx, backendtest.Open(), action, ens, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gives %v", err)
	}
}
