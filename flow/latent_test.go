package flow_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/mcmc"
)

var _ mcmc.Density = (*flow.ProbabilityFlow)(nil)

// Latent fields that Sample draws, mapped by Transport, are its configurations, and the
// steps in the latent space of a mixture of two leave its moments as they are.
func TestTransport(t *testing.T) {
	gaussian, spectrum := freeField(t, 0.2, 4, 4)
	const order, n, seed = 3, 6, 5
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: gaussian.Layout(), Spectrum: spectrum, Order: order})
	if err != nil {
		t.Fatal(err)
	}
	f, err := flow.New(backendtest.Open(), m, flow.Config{Batch: 4})
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sample(t.Context(), n, seed)
	if err != nil {
		t.Fatal(err)
	}
	size := f.Layout().Size()
	latent := f.Latent(rand.New(rand.NewPCG(seed, 0)), 4)
	latent = append(latent, f.Latent(rand.New(rand.NewPCG(seed, 1)), 2)...)
	fields, logq, err := f.Map(t.Context(), latent)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(fields, s.Ensemble.Data) || !slices.Equal(logq, s.LogQ) {
		t.Error("Map gives other configurations than Sample")
	}
	// The way back has an error of its own of the steps.
	back, err := f.LogDensity(t.Context(), fields)
	if err != nil {
		t.Fatal(err)
	}
	stepError, err := f.StepError(t.Context(), s.Ensemble, s.LogQ, seed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range back {
		if d := back[i] - logq[i]; !(math.Abs(d) < 1e-4+5*stepError) {
			t.Errorf("log q of a draw is %v, %v on the way back, step error %.1e", logq[i], back[i], stepError)
		}
	}
	for name, fields := range map[string][]float64{"nothing": nil, "half a field": make([]float64, size/2)} {
		if _, err := f.LogDensity(t.Context(), fields); err == nil {
			t.Errorf("the density of %s was evaluated", name)
		}
	}
	for name, latent := range map[string][]float64{"nothing": nil, "half a field": make([]float64, size/2), "NaN": slices.Repeat([]float64{math.NaN()}, size)} {
		if _, err := f.Transport(t.Context(), latent, 0); err == nil {
			t.Errorf("%s was mapped", name)
		}
	}

	const many = 20000
	rng := rand.New(rand.NewPCG(9, 9))
	z := f.Latent(rng, many)
	before := slices.Clone(z)
	var square, moved, same float64
	for range 3 {
		z = f.Perturb(rng, z, 0.6)
	}
	for i := range many {
		a, b := before[i*size], z[i*size]
		square += (b*b - a*a) / many
		moved += b / many
		if a*b > 0 {
			same += 1. / many
		}
	}
	_, high := diffusion.Levels(m)
	width := spectrum[0] + high*high
	// x² of the mixture has the variance 2w² + 4wμ².
	bound := 5 * math.Sqrt(2*(2*width*width+4*width*order*order)/many)
	if math.Abs(square) > bound || math.Abs(moved) > 5*math.Sqrt((width+order*order)/many) {
		t.Errorf("⟨φ_0²⟩ changed by %v, bound %v, ⟨φ_0⟩ is %v", square, bound, moved)
	}
	if !(same > 0.5 && same < 1) {
		t.Errorf("the sign stayed in %v of all fields", same)
	}
}
