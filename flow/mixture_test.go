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

// mixtureLogDensity returns the density of the mixture of two Gaussians N(0, C + σ²) with
// zero modes centred at ±order: the average of the densities of two shifted fields.
func mixtureLogDensity(lat *lattice.Lattice, spectrum []float64, order, sigma float64, phi []float64) float64 {
	shifted := func(sign float64) float64 {
		s := make([]float64, len(phi))
		for x, f := range phi {
			s[x] = f - sign*order/math.Sqrt(float64(len(phi)))
		}
		return exactLogDensity(lat, spectrum, sigma, s)
	}
	up, down := shifted(1), shifted(-1)
	return math.Max(up, down) + math.Log1p(math.Exp(-math.Abs(up-down))) - math.Ln2
}

// An ordered phase modelled as a mixture of two Gaussians: log q must be the exact
// density of the mixture, both signs must occur, and starting the flow where the
// wells are still apart must change nothing.
func TestMixture(t *testing.T) {
	_, spectrum := freeField(t, 0.2, 4, 4)
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	const order, sigmaMin = 9.0, 0.05
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: spectrum, Order: order})
	if err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []flow.Config{
		{SigmaMax: 2, Steps: 40}, {SigmaMax: 60, Steps: 160}, {SigmaMax: 60, Steps: 200, Plain: true}, {SigmaMax: 60, Integrator: flow.RK4, Steps: 80},
		{SigmaMax: 60, Integrator: flow.DormandPrince},
	} {
		cfg.SigmaMin, cfg.DType, cfg.Batch = sigmaMin, dtypes.Float64, 16
		f, err := flow.New(backendtest.Open(), m, cfg)
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Sample(context.Background(), 64, 3)
		if err != nil {
			t.Fatal(err)
		}
		positive := 0
		for i := range 64 {
			phi := s.Ensemble.Config(i)
			// The error at these steps is that of the bifurcation at σ ≈ μ.
			if d := math.Abs(s.LogQ[i] - mixtureLogDensity(lat, spectrum, order, sigmaMin, phi)); d > 1e-3 {
				t.Errorf("σ_max = %v, plain %v: log q off by %v", cfg.SigmaMax, cfg.Plain, d)
			}
			if mag := lattice.Magnetization(phi); mag > 0 {
				positive++
			}
		}
		// Binomial: standard deviation 4.
		if positive < 12 || positive > 52 {
			t.Errorf("σ_max = %v: %d of 64 configurations have positive magnetisation", cfg.SigmaMax, positive)
		}
	}
}
