package difftest

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// SchemeConfig says how a scheme of the reverse process is tested.
type SchemeConfig struct {
	// Process and Steps are those of the sampler; see [diffusion.SamplerConfig]. Default: 60
	// steps of the process in σ.
	Process diffusion.SDE
	Steps   int
	// Bias bounds the relative error of the variance of a mode from the finite steps, in
	// addition to five standard errors. Default 0.03.
	Bias float64
	// Fields is the number of configurations that are drawn. Default 8192.
	Fields int
}

// TestScheme checks a scheme of the reverse process on a Gaussian theory of two components
// with a mean, whose score is exact: the samples have its mean and, mode by mode, its
// variance C_k + σ_min²;
// they are the same for the same seed, and others for another.
func TestScheme(t testing.TB, backend compute.Backend, scheme diffusion.Scheme, cfg SchemeConfig) {
	t.Helper()
	if cfg.Steps == 0 {
		cfg.Steps = 60
	}
	if cfg.Bias == 0 {
		cfg.Bias = 0.03
	}
	if cfg.Fields == 0 {
		cfg.Fields = 8192
	}
	lat, err := lattice.New(2, 3)
	if err != nil {
		t.Fatalf("difftest: %v", err)
	}
	layout := lattice.Layout{Lattice: lat, Components: 2}
	spectrum := spectrumOf(layout, true)
	mean := []float64{0.5, -0.2}
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: layout, Spectrum: spectrum, Mean: mean})
	if err != nil {
		t.Fatalf("difftest: %v", err)
	}
	s, err := diffusion.NewSampler(backend, m, diffusion.SamplerConfig{Scheme: scheme, Process: cfg.Process, Steps: cfg.Steps, Batch: 512})
	if err != nil {
		t.Fatalf("difftest: building the sampler: %v", err)
	}
	draw := func(n int, seed uint64) *lattice.Ensemble {
		ens, err := s.Sample(t.Context(), n, seed)
		if err != nil {
			t.Fatalf("difftest: sampling: %v", err)
		}
		return ens
	}
	ens := draw(cfg.Fields, 1)
	testMoments(t, ens, spectrum, mean, s.Levels()[len(s.Levels())-1], cfg)
	first := draw(8, 2)
	if again := draw(8, 2); !slices.Equal(first.Data, again.Data) {
		t.Errorf("difftest: expected the same samples for the same seed, got others")
	}
	if other := draw(8, 3); slices.Equal(first.Data, other.Data) {
		t.Errorf("difftest: expected other samples for another seed, got the same")
	}
}

// testMoments compares the moments of an ensemble with those of a Gaussian with noise.
func testMoments(t testing.TB, ens *lattice.Ensemble, spectrum, mean []float64, sigma float64, cfg SchemeConfig) {
	t.Helper()
	n, v := float64(ens.Len()), float64(ens.Volume())
	power := ens.PowerSpectrum()
	got, connected := power.FieldMean(), power.Connected(nil)
	sum := 0.0
	for c := range ens.Components {
		for k, x := range ens.Component(connected, c) {
			want := ens.Component(spectrum, c)[k] + sigma*sigma
			sum += x/want - 1
			// A mode is a real number or two of them: the variance has the relative error
			// √(2/n) at most.
			if d := math.Abs(x/want - 1); !(d < cfg.Bias+5*math.Sqrt(2/n)) {
				t.Errorf("difftest: mode %d of component %d has the variance %v, expected %v", k, c, x, want)
			}
		}
		error := math.Sqrt((ens.Component(spectrum, c)[0] + sigma*sigma) / (v * n))
		if d := math.Abs(got[c] - mean[c]); !(d < 5*error+cfg.Bias*math.Abs(mean[c])) {
			t.Errorf("difftest: component %d has the mean %v, expected %v", c, got[c], mean[c])
		}
	}
	numbers := float64(len(spectrum))
	if d := math.Abs(sum / numbers); !(d < cfg.Bias+5*math.Sqrt(2/(n*numbers))) {
		t.Errorf("difftest: the variances are off by %v on average, at most %v is allowed", sum/numbers, cfg.Bias)
	}
}
