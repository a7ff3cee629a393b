package diffusion_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/cmplx"
	"runtime"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

type sampler struct {
	name   string
	scheme diffusion.Scheme
}

// draw draws n configurations.
func (s sampler) draw(ctx context.Context, backend compute.Backend, m diffusion.ScoreModel, n int, seed uint64, cfg diffusion.SamplerConfig) (*lattice.Ensemble, error) {
	cfg.Scheme = s.scheme
	r, err := diffusion.NewSampler(backend, m, cfg)
	if err != nil {
		return nil, err
	}
	return r.Sample(ctx, n, seed)
}

// corrector returns the predictor–corrector scheme.
func corrector(steps int, snr float64) sampler {
	return sampler{"PredictorCorrector", must(diffusion.PredictorCorrector(steps, snr))}
}

var (
	euler     = sampler{"EulerMaruyama", diffusion.EulerMaruyama}
	ancestral = sampler{"Ancestral", diffusion.Ancestral}
	heun      = sampler{"Heun", diffusion.Heun}
	dpm       = sampler{"DPMSolverPP2M", diffusion.DPMSolverPP2M}
)

// compareSpectrum tests the power spectrum of independent Gaussian fields against
// want: every mode within five standard errors, and their common scale.
func compareSpectrum(t *testing.T, name string, ens *lattice.Ensemble, want []float64) {
	t.Helper()
	v, n := float64(ens.Lattice.Volume()), float64(ens.Len())
	scale := 0.0
	for k, p := range ens.PowerSpectrum().Mean(nil) {
		ratio := p / want[k]
		scale += ratio / v
		// The relative variance of |φ_k|² is 1, and 2 where φ_k is real.
		if math.Abs(ratio-1) > 5*math.Sqrt(2/n) {
			t.Errorf("%s: power %v of mode %d, want %v", name, p, k, want[k])
		}
	}
	// Σ_k |φ_k|²/want_k has the χ² distribution with V degrees of freedom.
	if math.Abs(scale-1) > 5*math.Sqrt(2/(n*v)) {
		t.Errorf("%s: the spectrum is too large by the factor %v, error %v", name, scale, math.Sqrt(2/(n*v)))
	}
	t.Logf("%s: scale of the spectrum %.4f(%.0f)", name, scale, 1e4*math.Sqrt(2/(n*v)))
}

// noisy returns C_k + σ².
func noisy(spectrum []float64, sigma float64) []float64 {
	out := make([]float64, len(spectrum))
	for k, c := range spectrum {
		out[k] = c + sigma*sigma
	}
	return out
}

// Enough steps with the exact score give the free field, whatever sampler and process.
func TestSamplersReproduceFreeField(t *testing.T) {
	m, spectrum := freeField(0.22, 16, 16)
	const n, steps, low = 128, 100, 0.05
	high := diffusion.SigmaMaxFor(spectrum)
	// At this number of steps the first-order schemes are off by up to 2 % in the
	// scale, half the bound.
	for _, test := range []struct {
		sampler
		cfg diffusion.SamplerConfig
	}{
		{euler, diffusion.SamplerConfig{Process: diffusion.VE{}, IsotropicPrior: true, Steps: 500}}, // the paper's, 500 steps
		{euler, diffusion.SamplerConfig{Process: diffusion.VEGeometric{}, Steps: steps}},
		{euler, diffusion.SamplerConfig{Process: diffusion.VP{}, Steps: steps}},
		{euler, diffusion.SamplerConfig{Process: diffusion.SubVP{}, Steps: steps}},
		{ancestral, diffusion.SamplerConfig{Levels: diffusion.LogSigma(high, low, 3)}},
		{corrector(0, 0.1), diffusion.SamplerConfig{Levels: diffusion.LogSigma(high, low, steps)}},
		{corrector(0, 0.1), diffusion.SamplerConfig{Process: diffusion.VP{}, Steps: steps}},
		{heun, diffusion.SamplerConfig{Levels: diffusion.Karras(high, low, 0, 30)}},
		{dpm, diffusion.SamplerConfig{Levels: diffusion.LogSigma(high, low, 30)}},
	} {
		last := low
		if test.cfg.Process != nil {
			last = diffusion.Sigma(test.cfg.Process, 1e-3)
		}
		test.cfg.Batch = n / 2
		ens, err := test.draw(t.Context(), backendtest.Open(), m, n, 11, test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		compareSpectrum(t, fmt.Sprintf("%s %v", test.name, test.cfg.Process), ens, noisy(spectrum, last))
	}
}

// With few steps every sampler is off, by what its scheme makes of a Gaussian theory:
// the variance of every mode in closed form, recursions written down here
// independently, in the variables of the publications.
func TestSamplersMatchClosedForms(t *testing.T) {
	m, spectrum := freeField(0.22, 8, 8)
	const n, steps = 2048, 12
	levels := diffusion.LogSigma(15, 0.05, steps)
	prior := func(c float64) float64 { return c + 15*15 }
	each := func(f func(c float64) float64) []float64 {
		out := make([]float64, len(spectrum))
		for k, c := range spectrum {
			out[k] = f(c)
		}
		return out
	}
	variance := func(c float64) float64 { // Euler–Maruyama with exact increments of the variance
		v := prior(c)
		for i := range steps {
			delta := levels[i]*levels[i] - levels[i+1]*levels[i+1]
			v *= math.Pow(1-delta/(c+levels[i]*levels[i]), 2)
			if i < steps-1 {
				v += delta
			}
		}
		return v
	}
	trapezoidal := func(c float64) float64 {
		mult := 1.0
		for i := range steps {
			s, next := levels[i], levels[i+1]
			slope, h := s/(c+s*s), next-s
			mult *= 1 + h/2*(slope+next/(c+next*next)*(1+h*slope))
		}
		return mult * mult * prior(c)
	}
	multistep := func(c float64) float64 {
		x, before := 1.0, 0.0
		for i := range steps {
			s, next := levels[i], levels[i+1]
			d := x * c / (c + s*s)
			extrapolated := d
			if i > 0 { // equal steps of log σ: r = 1
				extrapolated = 1.5*d - 0.5*before
			}
			x, before = next/s*x-math.Expm1(math.Log(next/s))*extrapolated, d
		}
		return x * x * prior(c)
	}
	for _, test := range []struct {
		sampler
		cfg  diffusion.SamplerConfig
		want []float64
	}{
		{euler, diffusion.SamplerConfig{Levels: levels}, each(variance)},
		{heun, diffusion.SamplerConfig{Levels: levels}, each(trapezoidal)},
		{dpm, diffusion.SamplerConfig{Levels: levels}, each(multistep)},
		{ancestral, diffusion.SamplerConfig{Levels: levels}, noisy(spectrum, 0.05)},
		{corrector(2, 0.2), diffusion.SamplerConfig{Levels: levels}, correctedVariance(spectrum, levels, 2, 0.2)},
		{euler, diffusion.SamplerConfig{Process: diffusion.VE{}, Steps: steps}, eulerVariance(diffusion.VE{}, spectrum, steps)},
		{euler, diffusion.SamplerConfig{Process: diffusion.VEGeometric{}, Steps: steps}, eulerVariance(diffusion.VEGeometric{}, spectrum, steps)},
		{euler, diffusion.SamplerConfig{Process: diffusion.VP{}, Steps: steps}, eulerVariance(diffusion.VP{}, spectrum, steps)},
		{euler, diffusion.SamplerConfig{Process: diffusion.SubVP{}, Steps: steps}, eulerVariance(diffusion.SubVP{}, spectrum, steps)},
	} {
		test.cfg.Batch = n / 2
		ens, err := test.draw(t.Context(), backendtest.Open(), m, n, 3, test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s %v", test.name, test.cfg.Process)
		compareSpectrum(t, name, ens, test.want)
		if test.name == ancestral.name {
			continue
		}
		// The discretisation error must be beyond the bound on the statistical one, else
		// this test could not tell the schemes apart.
		last := levels[steps]
		if test.cfg.Process != nil {
			last = diffusion.Sigma(test.cfg.Process, 1e-3)
		}
		bias := 0.0
		for k, c := range noisy(spectrum, last) {
			bias += math.Pow(test.want[k]/c-1, 2) / float64(len(spectrum))
		}
		bias = math.Sqrt(bias)
		t.Logf("%s: rms relative bias %.4f", name, bias)
		if bias < 5*math.Sqrt(2./(n*float64(len(spectrum)))) {
			t.Errorf("%s: a bias of %v only", name, bias)
		}
	}
}

// eulerVariance is the variance of φ_t/α after n Euler–Maruyama steps of the reverse
// process in equidistant times from 1 to 10⁻³, for φ_t itself as published.
func eulerVariance(p diffusion.SDE, spectrum []float64, n int) []float64 {
	h := (1 - 1e-3) / float64(n)
	out := make([]float64, len(spectrum))
	for k, c := range spectrum {
		marginal := func(t float64) float64 { return p.Scale(t)*p.Scale(t)*c + p.StdDev(t)*p.StdDev(t) }
		v := marginal(1)
		for i := range n {
			t := 1 - h*float64(i)
			f, g2 := p.Drift(t), p.Diffusion(t)*p.Diffusion(t)
			v *= math.Pow(1-h*(f+g2/marginal(t)), 2)
			if i < n-1 {
				v += h * g2
			}
		}
		out[k] = v / (p.Scale(1e-3) * p.Scale(1e-3))
	}
	return out
}

// correctedVariance is the variance after predictor–corrector steps, with the step of
// the corrector from the mean norms of noise and score, up to corrections of order
// 1/V.
func correctedVariance(spectrum, levels []float64, steps int, snr float64) []float64 {
	v := noisy(spectrum, levels[0])
	for i := range len(levels) - 1 {
		s2, next2 := levels[i]*levels[i], levels[i+1]*levels[i+1]
		for k, c := range spectrum {
			v[k] = v[k]*math.Pow(1-(s2-next2)/(c+s2), 2) + s2 - next2
		}
		for range steps {
			norm := 0.0
			for k, c := range spectrum {
				norm += v[k] / ((c + next2) * (c + next2))
			}
			eps := 2 * snr * snr * float64(len(spectrum)) / norm
			for k, c := range spectrum {
				v[k] = v[k]*math.Pow(1-eps/(c+next2), 2) + 2*eps
			}
		}
	}
	return v
}

// mixture is the exact score of sites that are independent and ±1 with Gaussian noise
// of variance w: far from Gaussian.
type mixture struct {
	lat *lattice.Lattice
	w   float64
}

func (m mixture) Layout() lattice.Layout { return lattice.Scalar(m.lat) }
func (m mixture) Store() *model.Store    { return model.NewStore() }

func (m mixture) Score(_ *model.Scope, phi, sigma *graph.Node) *graph.Node {
	w := graph.AddScalar(graph.Square(sigma), m.w)
	w = graph.BroadcastToDims(graph.Reshape(w, -1, 1, 1, 1), phi.Shape().Dimensions...)
	return graph.Div(graph.Sub(graph.Tanh(graph.Div(phi, w)), phi), w)
}

// The samplers find a distribution with two peaks: moments and the weight between the
// peaks, which is that of a normal distribution function.
func TestSamplersFindTwoPeaks(t *testing.T) {
	m := mixture{must(lattice.New(16, 16)), 0.09}
	const n, low = 64, 0.05
	uniform := diffusion.UniformTime(diffusion.VE{}, 1, 1e-3, 250)
	for _, test := range []struct {
		sampler
		cfg diffusion.SamplerConfig
	}{
		{euler, diffusion.SamplerConfig{Process: diffusion.VE{}, Steps: 500}},
		{euler, diffusion.SamplerConfig{Process: diffusion.VEGeometric{}, Steps: 250}},
		{euler, diffusion.SamplerConfig{Process: diffusion.VP{}, Steps: 250}},
		{euler, diffusion.SamplerConfig{Process: diffusion.SubVP{}, Steps: 250}},
		{ancestral, diffusion.SamplerConfig{Levels: diffusion.UniformTime(diffusion.VE{}, 1, 1e-3, 500)}},
		{corrector(0, 0.07), diffusion.SamplerConfig{Levels: uniform}},
		{heun, diffusion.SamplerConfig{Levels: diffusion.Karras(20, low, 0, 40)}},
		{dpm, diffusion.SamplerConfig{Levels: diffusion.LogSigma(20, low, 60)}},
	} {
		var last float64
		if p := test.cfg.Process; p != nil {
			last = diffusion.Sigma(p, 1e-3)
		} else {
			last = test.cfg.Levels[len(test.cfg.Levels)-1]
		}
		test.cfg.Batch = n / 2
		ens, err := test.draw(t.Context(), backendtest.Open(), m, n, 6, test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		w := m.w + last*last
		between := (math.Erf(1.5/math.Sqrt(2*w)) - math.Erf(0.5/math.Sqrt(2*w))) / 2
		for _, c := range []struct {
			name       string
			f          func(x float64) float64
			want, mean float64 // expectation of f and of f²
		}{
			{"φ", func(x float64) float64 { return x }, 0, 1 + w},
			{"φ²", func(x float64) float64 { return x * x }, 1 + w, 1 + 6*w + 3*w*w},
			{"|φ| < ½", func(x float64) float64 {
				if math.Abs(x) < 0.5 {
					return 1
				}
				return 0
			}, between, between},
		} {
			got := 0.0
			for _, x := range ens.Data {
				got += c.f(x) / float64(len(ens.Data))
			}
			err := math.Sqrt((c.mean - c.want*c.want) / float64(len(ens.Data)))
			t.Logf("%s %v: ⟨%s⟩ = %.4f(%.4f), want %.4f", test.name, test.cfg.Process, c.name, got, err, c.want)
			if math.Abs(got-c.want) > 5*err {
				t.Errorf("%s %v: ⟨%s⟩ = %v, want %v, error %v", test.name, test.cfg.Process, c.name, got, c.want, err)
			}
		}
	}
}

// Deterministic samplers multiply every mode of a free field by a number, to be compared
// with that of the exact flow without any statistics: the error falls with the
// published order.
func TestDeterministicOrders(t *testing.T) {
	m, spectrum := freeField(0.22, 8, 8)
	fourier := lattice.NewFourier(m.Layout().Lattice)
	const high, low = 12, 0.1
	for _, test := range []struct {
		sampler
		grid  func(n int) []float64
		order float64
	}{
		{heun, func(n int) []float64 { return diffusion.Karras(high, low, 7, n) }, 2},
		{heun, func(n int) []float64 { return diffusion.LogSigma(high, low, n) }, 2},
		{dpm, func(n int) []float64 { return diffusion.LogSigma(high, low, n) }, 2},
		{dpm, func(n int) []float64 { return diffusion.Karras(high, low, 7, n) }, 2},
	} {
		deviation := func(n int) float64 {
			var start []complex128
			ens, err := test.draw(t.Context(), backendtest.Open(), m, 1, 5, diffusion.SamplerConfig{
				Levels: test.grid(n), Trace: func(step int, _ float64, x []float64) {
					if step == 0 {
						start = fourier.Transform(nil, x)
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for k, end := range fourier.Transform(nil, ens.Data) {
				exact := math.Sqrt((spectrum[k] + low*low) / (spectrum[k] + high*high))
				d := cmplx.Abs(end/start[k])/exact - 1
				sum += d * d / float64(len(spectrum))
			}
			return math.Sqrt(sum)
		}
		const n = 40
		coarse, fine := deviation(n), deviation(2*n)
		order := math.Log2(coarse / fine)
		t.Logf("%s: errors %.2e and %.2e at %d and %d steps, order %.2f", test.name, coarse, fine, n, 2*n, order)
		if math.Abs(order-test.order) > 0.25 {
			t.Errorf("%s: order %v, want %v", test.name, order, test.order)
		}
	}
}

// Euler–Maruyama approaches the exact distribution at first order.
func TestEulerMaruyamaOrder(t *testing.T) {
	// White data: every site of every field is an independent sample.
	lat := must(lattice.New(16, 16))
	spectrum := make([]float64, lat.Volume())
	for k := range spectrum {
		spectrum[k] = 0.4
	}
	m := must(diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: spectrum}))
	const n = 160
	bias := func(steps int) float64 {
		ens, err := euler.draw(t.Context(), backendtest.Open(), m, n, 8, diffusion.SamplerConfig{
			Levels: diffusion.LogSigma(15, 0.02, steps), Batch: n / 2,
		})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, x := range ens.Data {
			sum += x * x / float64(len(ens.Data))
		}
		return sum/(0.4+0.02*0.02) - 1
	}
	coarse, fine := bias(24), bias(96)
	statistical := math.Sqrt(2. / (n * 256))
	// Four times the steps: a quarter of the bias, up to the next order, a relative
	// 1/24·ln(750) ≈ 0.3, and the statistical error of both.
	if ratio := coarse / fine; ratio < 4*0.7-5*statistical/fine || ratio > 4*1.6+5*4*statistical/fine {
		t.Errorf("bias %v at 24 steps and %v at 96: ratio %v, want about 4", coarse, fine, ratio)
	}
	t.Logf("bias %v at 24 steps and %v at 96, error %v", coarse, fine, statistical)
}

// normalised is the score of data with the spectrum C/a² seen from φ, a times the data,
// with the declaration that its processes count in units of a.
type normalised struct {
	*diffusion.Gaussian
	scale float64
}

func (m normalised) Normalization() diffusion.Normalization {
	return diffusion.Normalization{Scale: m.scale}
}

// A process is in units of the normalised field: the samples of rescaled data are the
// rescaled samples.
func TestProcessUnits(t *testing.T) {
	plain, spectrum := freeField(0.2, 4, 4)
	const scale = 4 // a power of two: no rounding
	wide := make([]float64, len(spectrum))
	for k, c := range spectrum {
		wide[k] = scale * scale * c
	}
	m := normalised{must(diffusion.NewGaussian(diffusion.ModelConfig{Layout: plain.Layout(), Spectrum: wide})), scale}
	for _, p := range []diffusion.SDE{diffusion.VE{}, diffusion.SubVP{}} {
		cfg := diffusion.SamplerConfig{Process: p, Steps: 20}
		want := must(euler.draw(t.Context(), backendtest.Open(), plain, 3, 1, cfg)).Data
		got := must(euler.draw(t.Context(), backendtest.Open(), m, 3, 1, cfg)).Data
		for i := range want {
			if d := math.Abs(got[i] - scale*want[i]); d > 1e-4 {
				t.Fatalf("%v: value %v, want %v", p, got[i], scale*want[i])
			}
		}
	}
}

func TestSamplerReproducible(t *testing.T) {
	m, _ := freeField(0.2, 4, 4)
	for _, s := range []sampler{euler, ancestral, corrector(0, 0), heun, dpm} {
		r := must(diffusion.NewSampler(backendtest.Open(), m, diffusion.SamplerConfig{Scheme: s.scheme, Levels: diffusion.LogSigma(10, 0.1, 5), Batch: 8}))
		draw := func(seed uint64) []float64 { return must(r.Sample(t.Context(), 30, seed)).Data }
		first := draw(1)
		cores := runtime.GOMAXPROCS(1)
		second := draw(1)
		runtime.GOMAXPROCS(cores)
		if !slices.Equal(first, second) {
			t.Errorf("%s: the sample depends on the number of cores", s.name)
		}
		if slices.Equal(first, draw(2)) {
			t.Errorf("%s: the sample does not depend on the seed", s.name)
		}
	}
}

func TestSamplerTraceAndCancel(t *testing.T) {
	m, _ := freeField(0.2, 4, 4)
	var steps []int
	done := 0
	cfg := diffusion.SamplerConfig{Levels: diffusion.LogSigma(10, 0.1, 5), Batch: 8,
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
	if _, err := euler.draw(t.Context(), backendtest.Open(), m, 20, 1, cfg); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(steps, []int{0, 1, 2, 3, 4, 5}) || done != 100 {
		t.Errorf("traced steps %v, %d updates", steps, done)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := euler.draw(ctx, backendtest.Open(), m, 20, 1, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSamplerErrors(t *testing.T) {
	m, _ := freeField(0.2, 4, 4)
	for _, cfg := range []diffusion.SamplerConfig{
		{Levels: []float64{1}}, {Levels: []float64{1, 2}}, {Levels: []float64{1, 0}}, {Levels: []float64{math.Inf(1), 1}},
		{Levels: []float64{2, math.NaN()}}, {Batch: -1}, {Steps: -1},
		{Process: diffusion.VE{}, Levels: []float64{11, 1}}, {Process: diffusion.VEGeometric{}, Levels: []float64{11, 1e-3}},
		{Process: diffusion.VE{Sigma: 1}}, {Process: diffusion.VP{BetaMin: -1}}, {Process: diffusion.VP{BetaMin: math.NaN()}, Levels: []float64{2, 1}},
	} {
		if _, err := diffusion.NewSampler(backendtest.Open(), m, cfg); err == nil {
			t.Errorf("%+v accepted", cfg)
		}
	}
	if _, err := euler.draw(t.Context(), backendtest.Open(), m, 0, 1, diffusion.SamplerConfig{}); err == nil {
		t.Error("no configurations accepted")
	}
	for _, c := range []struct {
		steps int
		snr   float64
	}{{-1, 0}, {0, -1}, {0, math.NaN()}, {0, math.Inf(1)}} {
		if _, err := diffusion.PredictorCorrector(c.steps, c.snr); err == nil {
			t.Errorf("a corrector with %+v was accepted", c)
		}
	}
}

// The reverse process can begin anywhere: fields of a Gaussian theory with noise of some
// level added end as those of the theory.
func TestSamplerFrom(t *testing.T) {
	m, spectrum := freeField(0.22, 16, 16)
	const n, sigma, low = 128, 0.7, 0.05
	r := must(diffusion.NewSampler(backendtest.Open(), m, diffusion.SamplerConfig{Levels: diffusion.LogSigma(20, low, 9)}))
	start := exactFreeField(m.Layout().Lattice, noisy(spectrum, sigma), n)
	ens := must(r.From(t.Context(), start, sigma, 3))
	compareSpectrum(t, "from the middle", ens, noisy(spectrum, low))
	moved := 0.0
	for i, x := range ens.Data {
		moved += (x - start.Data[i]) * (x - start.Data[i]) / float64(len(ens.Data))
	}
	// At most the noise goes away and as much is drawn anew.
	if !(moved > 0.1*sigma*sigma && moved < 2*sigma*sigma) {
		t.Errorf("the fields moved by %v, the noise has variance %v", moved, sigma*sigma)
	}
	for _, s := range []float64{low, 0, math.NaN(), math.Inf(1)} {
		if _, err := r.From(t.Context(), start, s, 3); err == nil {
			t.Errorf("a start at the level %v was accepted", s)
		}
	}
	if _, err := r.From(t.Context(), lattice.NewEnsemble(lattice.Scalar(must(lattice.New(4, 4))), 0), sigma, 3); err == nil {
		t.Error("fields of another lattice were accepted")
	}
}
