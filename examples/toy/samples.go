package main

import (
	"context"
	"math"
	"slices"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Samplers in the names of ensembles.
const (
	euler     = "euler"
	ancestral = "ancestral"
	odeFlow   = "flow"
)

// judgeSamples tests values against the exact density.
func (t *toy) judgeSamples(ensemble string, p *potential, phi []float64) error {
	ks, err := stats.KolmogorovSmirnov(phi, p.exact.Below, 0)
	if err != nil {
		return err
	}
	square := make([]float64, len(phi))
	for i, v := range phi {
		square[i] = v * v
	}
	phi2, err := stats.Mean(square)
	if err != nil {
		return err
	}
	t.table.Add(ensemble, "ks_d", known(ks.D))
	t.table.Add(ensemble, "ks_p", known(ks.P))
	t.table.Add(ensemble, measure.Phi2, phi2)
	return nil
}

// sample draws from a model by all methods and tests the results.
func (t *toy) sample(ctx context.Context, p *potential, c *contestant) error {
	ensemble := func(sampler string) string { return c.name + "_" + sampler + "_" + p.name }
	err := t.folder.Task(ctx, "reverse SDE, "+c.name+p.short, func(task *progress.Task) error {
		// The paper's way: equal steps of t from N(0, σ_max²).
		e, err := t.reverse(ctx, c, c.seed+seedEuler, diffusion.SamplerConfig{
			Scheme: diffusion.EulerMaruyama, Process: process, Steps: t.o.ReverseSteps, IsotropicPrior: true,
			Progress: func(done, total int) { task.Set(done, 2*total) },
		})
		if err != nil {
			return err
		}
		c.reverse = e.Data
		if err := t.judgeSamples(ensemble(euler), p, e.Data); err != nil {
			return err
		}
		e, err = t.reverse(ctx, c, c.seed+seedAncestral, diffusion.SamplerConfig{
			Levels:   diffusion.LogSigma(sigmaMax, sigmaMin, t.o.ReverseSteps),
			Progress: func(done, total int) { task.Set(total+done, 2*total) },
		})
		if err != nil {
			return err
		}
		return t.judgeSamples(ensemble(ancestral), p, e.Data)
	})
	if err != nil {
		return err
	}
	return t.folder.Task(ctx, "flow, "+c.name+p.short, func(task *progress.Task) error {
		cfg := flow.Config{Steps: t.o.FlowSteps, SigmaMin: sigmaMin, SigmaMax: sigmaMax, Progress: task.Set}
		if c.name != gaussian {
			// The divergence of a single variable is a derivative, for which any probe is exact.
			cfg.Divergence, cfg.Probes = flow.Rademacher, 1
		}
		f, err := flow.New(t.backend, c.score, cfg)
		if err != nil {
			return err
		}
		s, err := f.Sample(ctx, t.o.Samples, c.seed+seedFlow)
		if err != nil {
			return err
		}
		e, err := f.StepError(ctx, s.Ensemble, s.LogQ, c.seed+seedFlow)
		if err != nil {
			return err
		}
		t.table.Add(ensemble(odeFlow), "logq_step_error", known(e))
		if err := t.judgeSamples(ensemble(odeFlow), p, s.Ensemble.Data); err != nil {
			return err
		}
		return t.judgeDensity(ensemble(odeFlow), p, s)
	})
}

// reverse draws from a model by the reverse process.
func (t *toy) reverse(ctx context.Context, c *contestant, seed uint64, cfg diffusion.SamplerConfig) (*lattice.Ensemble, error) {
	s, err := diffusion.NewSampler(t.backend, c.score, cfg)
	if err != nil {
		return nil, err
	}
	return s.Sample(ctx, t.o.Samples, seed)
}

// judgeDensity compares log q of the flow with e^{-S} and, sample by sample, with the
// density at the noise level where the flow ends.
func (t *toy) judgeDensity(ensemble string, p *potential, s *flow.Samples) error {
	square := 0.0
	size := make([]float64, len(s.LogQ))
	for i, phi := range s.Ensemble.Data {
		size[i] = math.Abs(s.LogQ[i] - p.exact.Noisy(phi, sigmaMin).Log)
		square += size[i] * size[i] / float64(len(size))
	}
	slices.Sort(size)
	t.table.Add(ensemble, "logq_rms", known(math.Sqrt(square)))
	t.table.Add(ensemble, "logq_median", known(size[len(size)/2]))
	return t.table.Of(ensemble).Add(measure.Likelihood(s.Ensemble.Measure(nil, p.exact.Action().Value), s.LogQ))
}
