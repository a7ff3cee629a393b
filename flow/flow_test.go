package flow_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// freeField returns the exact score of the free field on dims and its spectrum.
func freeField(t testing.TB, kappa float64, dims ...int) (*diffusion.Gaussian, []float64) {
	t.Helper()
	lat, err := lattice.New(dims...)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewFreeField(lat, kappa)
	if err != nil {
		t.Fatal(err)
	}
	spectrum, err := action.FreeSpectrum(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: spectrum})
	if err != nil {
		t.Fatal(err)
	}
	return m, spectrum
}

// fields draws n arbitrary fields of order one.
func fields(lat *lattice.Lattice, n int) *lattice.Ensemble {
	rng := rand.New(rand.NewPCG(11, 12))
	ens := lattice.NewEnsemble(lattice.Scalar(lat), n)
	for range n * lat.Volume() {
		ens.Data = append(ens.Data, rng.NormFloat64())
	}
	return ens
}

// exactLogDensity returns the density of N(0, C + σ²) in mode space. For a field of
// the free theory it follows from the action: φᵀC⁻¹φ/2 = S; here the spectrum is
// shifted by σ_min², so it is summed over modes of a slow cosine/sine transform.
func exactLogDensity(lat *lattice.Lattice, spectrum []float64, sigma float64, phi []float64) float64 {
	v := lat.Volume()
	sum := -0.5 * float64(v) * math.Log(2*math.Pi)
	k, x := make([]int, lat.Dim()), make([]int, lat.Dim())
	for mode, c := range spectrum {
		lat.Coord(k, mode)
		re, im := 0.0, 0.0
		for site, f := range phi {
			lat.Coord(x, site)
			angle := 0.0
			for mu := range k {
				angle += 2 * math.Pi * float64(k[mu]*x[mu]) / float64(lat.Extent(mu))
			}
			re += f * math.Cos(angle)
			im += f * math.Sin(angle)
		}
		d := c + sigma*sigma
		sum -= 0.5 * (math.Log(d) + (re*re+im*im)/(float64(v)*d))
	}
	return sum
}

// visibleOrder is the order at the steps of the tests: that of the scheme, and for Adams that
// of its steps, beside which the start, of order 4, does not show yet.
func visibleOrder(i flow.Integrator) float64 {
	if i == flow.Adams {
		return 5
	}
	return float64(i.Order())
}

// With the analytic score log q must be the exact density of the perturbed free
// field, and the error must fall at the order of every integrator.
func TestFreeFieldLogProb(t *testing.T) {
	m, spectrum := freeField(t, 0.22, 8, 8)
	backend := backendtest.Open()
	ens := fields(m.Layout().Lattice, 4)
	const sigmaMin = 0.02
	deviation := func(cfg flow.Config) float64 {
		cfg.Plain, cfg.DType, cfg.SigmaMin, cfg.SigmaMax, cfg.Batch = true, dtypes.Float64, sigmaMin, 20, 4
		f, err := flow.New(backend, m, cfg)
		if err != nil {
			t.Fatal(err)
		}
		l, err := f.LogProb(context.Background(), ens, 7)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for i := range ens.Len() {
			worst = math.Max(worst, math.Abs(l.LogQ[i]-exactLogDensity(m.Layout().Lattice, spectrum, sigmaMin, ens.Config(i))))
		}
		// The quoted step error must be of the size of the true one.
		quoted, err := f.StepError(context.Background(), ens, l.LogQ, 7)
		if err != nil {
			t.Fatal(err)
		}
		if quoted < worst/20 || quoted > 20*worst {
			t.Errorf("%v, %d steps: quoted step error %.2g, true error %.2g", cfg.Integrator, cfg.Steps, quoted, worst)
		}
		return worst
	}
	if d := deviation(flow.Config{Integrator: flow.RK4, Steps: 64}); d > 1e-3 {
		t.Errorf("RK4 at 64 steps: log q off by %v, want below 1e-3", d)
	}
	for _, integrator := range []flow.Integrator{flow.Adams, flow.RK4, flow.Heun, flow.Euler} {
		coarse, fine := deviation(flow.Config{Integrator: integrator, Steps: 128}), deviation(flow.Config{Integrator: integrator, Steps: 256})
		order := math.Log2(coarse / fine)
		t.Logf("%v: error %.3g at 128 steps, %.3g at 256, order %.2f", integrator, coarse, fine, order)
		// The next term of the error expansion is suppressed by h ≈ 7/128.
		if want := visibleOrder(integrator); math.Abs(order-want) > 0.2 {
			t.Errorf("%v converges with order %.2f, want %v", integrator, order, want)
		}
	}
}

// Where the linear part is solved exactly there is no discretisation error at all.
func TestFreeFieldExactLinearPart(t *testing.T) {
	for _, dims := range [][]int{{8, 8}, {6, 4}, {5}, {2, 2, 3}} {
		m, spectrum := freeField(t, 0.45/float64(len(dims))/2, dims...)
		f, err := flow.New(backendtest.Open(), m, flow.Config{Steps: 2, DType: dtypes.Float64, Batch: 3})
		if err != nil {
			t.Fatal(err)
		}
		samples, err := f.Sample(context.Background(), 5, 7)
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.LogProb(context.Background(), samples.Ensemble, 7)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			want := exactLogDensity(m.Layout().Lattice, spectrum, 0.02, samples.Ensemble.Config(i))
			if math.Abs(samples.LogQ[i]-want) > 1e-9 || math.Abs(back.LogQ[i]-want) > 1e-9 {
				t.Errorf("%v: log q = %v drawn, %v evaluated, want %v", dims, samples.LogQ[i], back.LogQ[i], want)
			}
		}
	}
}

// Configurations drawn through the flow have the spectrum of the free field.
func TestFreeFieldSpectrum(t *testing.T) {
	m, spectrum := freeField(t, 0.22, 8, 8)
	f, err := flow.New(backendtest.Open(), m, flow.Config{Steps: 40, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	const n = 2000
	samples, err := f.Sample(context.Background(), n, 7)
	if err != nil {
		t.Fatal(err)
	}
	// V⟨M²⟩ = C_0 with relative error √(2/n) for independent Gaussians.
	chi := 0.0
	for i := range n {
		mag := lattice.Magnetization(samples.Ensemble.Config(i))
		chi += mag * mag * 64 / n
	}
	if d := math.Abs(chi/spectrum[0] - 1); d > 5*math.Sqrt(2./n) {
		t.Errorf("V⟨M²⟩ = %v, want %v", chi, spectrum[0])
	}
}

func TestErrors(t *testing.T) {
	m, _ := freeField(t, 0.2, 4, 4)
	backend := backendtest.Open()
	for _, cfg := range []flow.Config{
		{Integrator: 9}, {Steps: 1}, {Steps: -4}, {Batch: -1}, {Probes: -1}, {SigmaMin: 3, SigmaMax: 2},
		{SigmaMin: -1}, {SigmaMax: math.Inf(1)}, {DType: dtypes.Int32}, {RelTol: -1}, {AbsTol: -1}, {RelTol: math.NaN()}, {AbsTol: math.Inf(1)},
		{Divergence: 9}, {Divergence: -1}, {Repeats: -1}, {Divergence: flow.Probing, Probes: 3}, {Divergence: flow.Probing, Probes: 32},
	} {
		if _, err := flow.New(backend, m, cfg); err == nil {
			t.Errorf("New(%+v) accepted", cfg)
		}
	}
	f, err := flow.New(backend, m, flow.Config{Steps: 4})
	if err != nil {
		t.Fatal(err)
	}
	other, err := lattice.New(4, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.LogProb(context.Background(), fields(other, 1), 7); err == nil {
		t.Error("LogProb accepted an ensemble on another lattice")
	}
	bad := fields(m.Layout().Lattice, 2)
	bad.Data[17] = math.NaN()
	if _, err := f.LogProb(context.Background(), bad, 7); err == nil {
		t.Error("LogProb accepted NaN")
	}
	if _, err := f.Sample(context.Background(), 0, 7); err == nil {
		t.Error("Sample(0) accepted")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Sample(ctx, 10, 7); err == nil {
		t.Error("Sample ignored a cancelled context")
	}
}
