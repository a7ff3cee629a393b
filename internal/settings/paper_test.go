package settings

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/unet"
)

// The preset paper trains the published network at the published size, samples and computes
// likelihoods, here for few steps and fields: what would fail on a GPU for reasons that are
// not those of GPUs fails on any other backend that compiles. On the pure-Go backend, where
// the published size takes minutes, the lattice is smaller.
func TestPaperRuns(t *testing.T) {
	const n = 4
	extent := 32
	if backendtest.Name() == "go" {
		extent = 8
	}
	o := PaperOptions(program.Flags{Kappa: 0.21, Lambda: 0.022})
	o.Steps, o.Batch, o.ReverseSteps, o.FlowSteps, o.Probes = 3, n, 4, 2, 2
	lat, err := lattice.New(extent, extent)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, o.Kappa, o.Lambda)
	if err != nil {
		t.Fatal(err)
	}
	r, err := mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: 2 * n, Thin: 1, Thermalisation: 50, Seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := backendtest.Open()
	m, err := unet.FitPaper(t.Context(), b, action, r.Ensemble, o.Training(2*n))
	if err != nil {
		t.Fatal(err)
	}
	sampling := o.Sampler()
	sampling.Batch = n
	sampler, err := diffusion.NewSampler(b, m, sampling)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := sampler.Sample(t.Context(), n, 2)
	if err != nil {
		t.Fatal(err)
	}
	ode := o.Flow()
	ode.Batch = n
	f, err := flow.New(b, m, ode)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sample(t.Context(), n, 3)
	if err != nil {
		t.Fatal(err)
	}
	logw, err := s.LogWeights(action)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range append(append(logw, drawn.Data...), s.Ensemble.Data...) {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatal("the samples are not finite")
		}
	}
}
