package flow_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/unet"
)

// bare hides everything a model knows but its score.
type bare struct{ m diffusion.ScoreModel }

func (b bare) Layout() lattice.Layout { return b.m.Layout() }
func (b bare) Store() *model.Store    { return b.m.Store() }
func (b bare) Score(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
	return b.m.Score(scope, phi, sigma)
}

// Hutchinson's estimate of log q agrees with the exact density within the error that
// it quotes, and the quoted error is right.
func TestHutchinson(t *testing.T) {
	m, spectrum := freeField(t, 0.22, 4, 4)
	const n = 400
	f, err := flow.New(backendtest.Open(), bare{m}, flow.Config{Steps: 48, SigmaMax: 20, Divergence: flow.Rademacher, Probes: 8, DType: dtypes.Float64})
	if err != nil {
		t.Fatal(err)
	}
	ens := fields(m.Layout().Lattice, n)
	l, err := f.LogProb(context.Background(), ens, 5)
	if err != nil {
		t.Fatal(err)
	}
	mean, pulls, quoted := 0.0, 0.0, 0.0
	for i := range n {
		d := l.LogQ[i] - exactLogDensity(m.Layout().Lattice, spectrum, 0.02, ens.Config(i))
		mean += d / n
		pulls += d * d / n
		quoted += l.ProbeError[i] * l.ProbeError[i] / n
	}
	// The deviations are independent with the quoted variance; the isotropic prior at
	// σ = 20 is off by less than C_0/(2·400) ≈ 0.005 a mode.
	if bound := 5*math.Sqrt(quoted/n) + 0.02; math.Abs(mean) > bound {
		t.Errorf("mean deviation of log q %v, bound %v", mean, bound)
	}
	// Means of n squares: relative error about √(2/n), twice.
	if ratio := pulls / quoted; math.Abs(ratio-1) > 5*2*math.Sqrt(2./n) {
		t.Errorf("variance of log q is %v times the quoted one", ratio)
	}
}

// hidden hides that the divergence of a remainder is known.
type hidden struct{ diffusion.LinearModel }

func (h hidden) Remainder(scope *model.Scope, phi, sigma *graph.Node) diffusion.Remainder {
	return diffusion.Remainder{Learned: h.LinearModel.Remainder(scope, phi, sigma).Sum()}
}

// randomUNet returns a U-Net model with random weights of visible effect.
func randomUNet(t testing.TB, dims ...int) *diffusion.Model {
	t.Helper()
	network, err := unet.New(unet.Config{Channels: []int{4, 6}, Embedding: 8})
	if err != nil {
		t.Fatal(err)
	}
	return randomModel(t, network, 0.25, dims...)
}

// randomHollow returns a model of known divergence with random weights of visible effect.
func randomHollow(t testing.TB, dims ...int) *diffusion.Model {
	t.Helper()
	network, err := hollow.New(hollow.Config{Range: 1, Features: 3, Channels: 4, Profiles: 2, Hidden: 6, Head: 4, Pairs: 2, Embedding: 8})
	if err != nil {
		t.Fatal(err)
	}
	return randomModel(t, network, 0.3, dims...)
}

func randomModel(t testing.TB, network diffusion.Architecture, size float64, dims ...int) *diffusion.Model {
	t.Helper()
	m, spectrum := freeField(t, 0.4/float64(len(dims)), dims...)
	d, err := diffusion.NewModel(backendtest.Open(), network, diffusion.ModelConfig{Layout: m.Layout(), Spectrum: spectrum})
	if err != nil {
		t.Fatal(err)
	}
	randomise(t, d, size)
	return d
}

// randomise gives all weights of a model values.
func randomise(t testing.TB, d *diffusion.Model, size float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(2, 3))
	for v := range d.Store().IterVariables() {
		w := make([]float32, v.Shape().Size())
		for i := range w {
			w[i] = float32(size * rng.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(w, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
}

// Forward and backward maps are inverse to each other together with log q, with and
// without the exact treatment of the linear part, and both treatments agree.
func TestForwardBackward(t *testing.T) {
	d := randomUNet(t, 4, 4)
	backend := backendtest.Open()
	var first *flow.Samples
	for _, plain := range []bool{false, true} {
		f, err := flow.New(backend, d, flow.Config{Steps: 160, Plain: plain, DType: dtypes.Float64, Batch: 8})
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Sample(context.Background(), 8, 5)
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.LogProb(context.Background(), s.Ensemble, 5)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			if diff := math.Abs(s.LogQ[i] - back.LogQ[i]); diff > 1e-3 {
				t.Errorf("plain %v: log q changes by %v on the way back", plain, diff)
			}
		}
		if first == nil {
			first = s
			// The random network must matter: its flow is not the Gaussian one.
			g, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(d.Layout().Lattice), Spectrum: d.Spectrum()})
			if err != nil {
				t.Fatal(err)
			}
			if diff := maxDifference(s.Ensemble.Data, sample(t, g, 8).Ensemble.Data); diff < 0.05 {
				t.Errorf("the network moves fields by %v only", diff)
			}
			continue
		}
		// Same seed, same latent noise: the same configurations and densities.
		if diff := maxDifference(s.Ensemble.Data, first.Ensemble.Data); diff > 1e-4 {
			t.Errorf("the two treatments of the linear part differ by %v in the field", diff)
		}
		if diff := maxDifference(s.LogQ, first.LogQ); diff > 1e-3 {
			t.Errorf("the two treatments of the linear part differ by %v in log q", diff)
		}
	}
}

func sample(t *testing.T, m diffusion.ScoreModel, n int) *flow.Samples {
	t.Helper()
	f, err := flow.New(backendtest.Open(), m, flow.Config{Steps: 2, DType: dtypes.Float64, Batch: n})
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sample(context.Background(), n, 5)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func maxDifference(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = math.Max(d, math.Abs(a[i]-b[i]))
	}
	return d
}

// One probe has no error estimate, and says so.
func TestSingleProbe(t *testing.T) {
	d := randomUNet(t, 4, 4)
	f, err := flow.New(backendtest.Open(), d, flow.Config{Steps: 4, Divergence: flow.Rademacher, Probes: 1, Batch: 4})
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sample(context.Background(), 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.ProbeError {
		if !math.IsNaN(e) {
			t.Errorf("a single probe quotes the error %v", e)
		}
	}
}
