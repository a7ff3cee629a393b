package diffusion_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// modeVariance measures ⟨φ_k²⟩ for k = 0 and for the staggered mode k = (π, …).
func modeVariance(ens *lattice.Ensemble) (zero, staggered float64) {
	v := float64(ens.Lattice.Volume())
	for _, phi := range ens.All() {
		a, b := 0.0, 0.0
		coord := make([]int, ens.Lattice.Dim())
		for x, f := range phi {
			sign := 1.0
			for _, c := range ens.Lattice.Coord(coord, x) {
				if c%2 == 1 {
					sign = -sign
				}
			}
			a += f
			b += sign * f
		}
		zero += a * a / v / float64(ens.Len())
		staggered += b * b / v / float64(ens.Len())
	}
	return zero, staggered
}

// In a Gaussian theory the variance of a mode after every step of a sampler is known
// in closed form; the samples must have it.
func TestReverseSamplersOnFreeField(t *testing.T) {
	m, spectrum := freeField(0.22, 4, 4)
	staggered := spectrum[m.Lattice().Index(2, 2)]
	levels := diffusion.LogSigma(15, 0.02, 12)
	const n = 4000
	cfg := diffusion.SampleConfig{Levels: levels, Seed: 3, Batch: 512}
	euler := func(c float64) float64 {
		v := c + levels[0]*levels[0]
		for i := range len(levels) - 1 {
			s2 := levels[i] * levels[i]
			delta := s2 - levels[i+1]*levels[i+1]
			v *= math.Pow(1-delta/(c+s2), 2)
			if i < len(levels)-2 {
				v += delta
			}
		}
		return v
	}
	exact := func(c float64) float64 { return c + 0.02*0.02 }
	for _, test := range []struct {
		name   string
		sample func(diffusion.SampleConfig) (*lattice.Ensemble, error)
		want   func(c float64) float64
	}{
		{"EulerMaruyama", func(c diffusion.SampleConfig) (*lattice.Ensemble, error) {
			return diffusion.EulerMaruyama(t.Context(), goBackend(t), m, n, c)
		}, euler},
		{"Ancestral", func(c diffusion.SampleConfig) (*lattice.Ensemble, error) {
			return diffusion.Ancestral(t.Context(), goBackend(t), m, n, c)
		}, exact},
	} {
		ens, err := test.sample(cfg)
		if err != nil {
			t.Fatal(err)
		}
		gotZero, gotStaggered := modeVariance(ens)
		for _, c := range []struct{ got, spectrum float64 }{{gotZero, spectrum[0]}, {gotStaggered, staggered}} {
			// The variance of n independent Gaussians has the relative error √(2/n).
			if want := test.want(c.spectrum); math.Abs(c.got/want-1) > 5*math.Sqrt(2./n) {
				t.Errorf("%s: variance %v of the mode with C = %v, want %v", test.name, c.got, c.spectrum, want)
			}
		}
	}
	// At twelve steps the bias of Euler–Maruyama is far outside the error above.
	if b := euler(staggered) / exact(staggered); math.Abs(b-1) < 0.3 {
		t.Errorf("the Euler–Maruyama test cannot tell the schemes apart: ratio of variances %v", b)
	}
}

// Euler–Maruyama approaches the exact distribution at first order.
func TestEulerMaruyamaOrder(t *testing.T) {
	m, spectrum := freeField(0.22, 2, 2)
	bias := func(steps int) float64 {
		// A huge ensemble of one step at a time: the closed form is tested above, here
		// the bias of the sampler itself is measured against the spectrum.
		const n = 40000
		ens, err := diffusion.EulerMaruyama(t.Context(), goBackend(t), m, n, diffusion.SampleConfig{
			Levels: diffusion.LogSigma(15, 0.02, steps), Seed: 8, Batch: 4096,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, staggered := modeVariance(ens)
		return staggered/(spectrum[3]+0.02*0.02) - 1
	}
	coarse, fine := bias(24), bias(96)
	statistical := math.Sqrt(2. / 40000)
	// Four times the steps: a quarter of the bias, up to the next order, a relative
	// 1/24·ln(750) ≈ 0.3, and the statistical error of both.
	if ratio := coarse / fine; ratio < 4*0.7-5*statistical/fine || ratio > 4*1.6+5*4*statistical/fine {
		t.Errorf("bias %v at 24 steps and %v at 96: ratio %v, want about 4", coarse, fine, ratio)
	}
}

func TestSamplerReproducible(t *testing.T) {
	m, _ := freeField(0.2, 4, 4)
	cfg := diffusion.SampleConfig{Levels: diffusion.LogSigma(10, 0.1, 5), Seed: 1, Batch: 8}
	draw := func() []float64 {
		ens, err := diffusion.Ancestral(t.Context(), goBackend(t), m, 30, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return ens.Data
	}
	first := draw()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if !slices.Equal(first, draw()) {
		t.Error("the sample depends on the number of cores")
	}
	cfg.Seed = 2
	if slices.Equal(first, draw()) {
		t.Error("the sample does not depend on the seed")
	}
}

func TestSamplerTraceAndCancel(t *testing.T) {
	m, _ := freeField(0.2, 4, 4)
	var steps []int
	done := 0
	cfg := diffusion.SampleConfig{Levels: diffusion.LogSigma(10, 0.1, 5), Batch: 8,
		Trace: func(step int, sigma float64, fields []float64) {
			steps = append(steps, step)
			if len(fields) != 8*16 {
				t.Errorf("trace of %d values", len(fields))
			}
		},
		Progress: func(d, total int) {
			if total != 20*5 {
				t.Errorf("total %d", total)
			}
			done = d
		},
	}
	if _, err := diffusion.EulerMaruyama(t.Context(), goBackend(t), m, 20, cfg); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(steps, []int{0, 1, 2, 3, 4, 5}) || done != 100 {
		t.Errorf("traced steps %v, %d updates", steps, done)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := diffusion.EulerMaruyama(ctx, goBackend(t), m, 20, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSamplerErrors(t *testing.T) {
	m, _ := freeField(0.2, 4, 4)
	for _, cfg := range []diffusion.SampleConfig{
		{Levels: []float64{1}}, {Levels: []float64{1, 2}}, {Levels: []float64{1, 0}}, {Levels: []float64{math.Inf(1), 1}},
		{Levels: []float64{2, math.NaN()}}, {Batch: -1},
	} {
		if _, err := diffusion.EulerMaruyama(t.Context(), goBackend(t), m, 2, cfg); err == nil {
			t.Errorf("%+v accepted", cfg)
		}
	}
	if _, err := diffusion.EulerMaruyama(t.Context(), goBackend(t), m, 0, diffusion.SampleConfig{}); err == nil {
		t.Error("no configurations accepted")
	}
}
