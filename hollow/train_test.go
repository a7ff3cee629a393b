package hollow_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// logWeights draws n configurations through the flow of m and returns log w.
func logWeights(t *testing.T, m diffusion.ScoreModel, action lattice.Action, n int, sigmaMax float64) []float64 {
	t.Helper()
	f, err := flow.New(goBackend(), m, flow.Config{Steps: 8, Seed: 7, SigmaMax: sigmaMax})
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sample(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	logw := make([]float64, n)
	for i := range logw {
		logw[i] = -action.Value(s.Ensemble.Config(i)) - s.LogQ[i]
		if s.ProbeError[i] != 0 {
			t.Fatalf("the divergence has a probe error of %v", s.ProbeError[i])
		}
	}
	return logw
}

// A short training makes the weights of the flow much more even than those of its
// Gaussian part, and log Z = log⟨w⟩ agrees with the reference value.
func TestTraining(t *testing.T) {
	lat := must(lattice.New(8, 8))
	action := must(lattice.NewPhi4(lat, 0.27, 0.022))
	r := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{N: 4096, Thin: 10, Thermalisation: 200, Chains: 4, Seed: 9},
		func(int) (mcmc.Kernel, error) { return mcmc.Recommended(action) }))
	cfg, residual, err := diffusion.Measure(goBackend(), r.Ensemble, action, true)
	if err != nil {
		t.Fatal(err)
	}
	network := must(hollow.New(hollow.Config{Channels: 12, Hidden: 16, Head: 8, Profiles: 2, Embedding: 16}))
	m := must(diffusion.NewModel(lat, network, cfg))
	trainer := must(diffusion.NewTrainer(goBackend(), m, r.Ensemble, diffusion.TrainConfig{
		Objective: diffusion.Target, Residual: residual, Steps: 250, LearningRate: 1e-2, EMA: 0.98, Seed: 1,
	}))
	if err := trainer.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	const n = 256
	gaussian := logWeights(t, must(diffusion.NewMixture(lat, cfg.Spectrum, cfg.Order)), action, n, m.SigmaMax())
	trained := logWeights(t, must(trainer.Model()), action, n, m.SigmaMax())
	before, after := must(stats.LogWeightStats(gaussian)), must(stats.LogWeightStats(trained))
	t.Logf("sd(log w) %.3f before, %.3f after; log Z %v", before.SD, after.SD, after.LogZ)
	// Standard deviations of n values, here known to 5 %: a factor of two is far outside.
	if !(after.SD < before.SD/2) {
		t.Errorf("sd(log w) went from %v to %v", before.SD, after.SD)
	}
	// The reference is 45.98(2).
	if d := math.Abs(after.LogZ.Value - 45.98); !(d < 5*math.Hypot(after.LogZ.Error, 0.02)) {
		t.Errorf("log Z = %v, expected 45.98(2)", after.LogZ)
	}
}
