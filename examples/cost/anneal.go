package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/phi4"
	"github.com/latdiff/latdiff/stats"
)

const (
	// populations is the number of independent parts that errors of annealing come from.
	populations = 64
	// pilotN is the number of configurations that tell how long annealing takes.
	pilotN = 2 * populations
	// relax is the number of steps that bring independent sites into equilibrium.
	relax = 20
)

// anneal measures sequential Monte Carlo with the moves of a kernel, nil for the recommended
// one, from κ = 0 or from draws of a model.
func anneal(kernel func(lattice.Action) (mcmc.Kernel, error), fromModel bool) func(context.Context, *cost, *job) (outcome, error) {
	return func(ctx context.Context, c *cost, j *job) (outcome, error) {
		path, err := phi4.HoppingPath(j.action.Layout(), j.action.Kappa(), j.action.Lambda())
		if err != nil {
			return outcome{}, err
		}
		cfg := mcmc.AnnealConfig{Populations: populations, NewKernel: kernel, Thermalisation: relax}
		prepare := func(*mcmc.AnnealConfig) error { return nil }
		name := ""
		if fromModel {
			var f *flow.ProbabilityFlow
			if f, name, err = c.lowerFlow(ctx, j.site); err != nil {
				return outcome{}, err
			}
			path.From, path.LogZ = c.o.lower, 0
			prepare = func(cfg *mcmc.AnnealConfig) error {
				s, err := f.Sample(ctx, cfg.N, cfg.Seed)
				if err == nil {
					cfg.Start, cfg.LogQ = s.Ensemble, s.LogQ
				}
				return err
			}
		}
		run := func(n int, seed uint64) (*mcmc.AnnealResult, float64, error) {
			cfg := cfg
			cfg.N, cfg.Seed = n, seed
			begin := time.Now()
			defer func() { j.spend(time.Since(begin)) }()
			if err := prepare(&cfg); err != nil {
				return nil, 0, err
			}
			r, err := mcmc.Anneal(ctx, path, cfg)
			return r, time.Since(begin).Seconds(), err
		}
		_, pilot, err := run(pilotN, j.seed<<8)
		if err != nil {
			return outcome{}, err
		}
		n := int(j.left().Seconds() / pilot * pilotN)
		n = max(pilotN, min(n, largeChain/8/j.volume()))
		r, seconds, err := run(n, j.seed<<8+2)
		if err != nil {
			return outcome{}, err
		}
		o, err := annealed(r, seconds)
		if name != "" {
			o.Variant = name + ", " + o.Variant
		}
		return o, err
	}
}

// lowerFlow returns the flow of a model at -lower, or of a Gaussian where there is none.
func (c *cost) lowerFlow(ctx context.Context, s *site) (*flow.ProbabilityFlow, string, error) {
	m, name, err := c.model(ctx, s, s.lower)
	if err != nil {
		return nil, "", err
	}
	var score diffusion.ScoreModel = m
	if m == nil {
		ens, err := c.ensemble(ctx, s, s.lower)
		if err != nil {
			return nil, "", err
		}
		if score, err = gaussianModel(s.lower, ens); err != nil {
			return nil, "", err
		}
		name = "Gaussian"
	}
	f, err := flow.New(c.backend, score, flow.Config{})
	return f, name, err
}

// annealed returns the time that has the error of ⟨|M|⟩ of one independent configuration.
func annealed(r *mcmc.AnnealResult, seconds float64) (outcome, error) {
	o := newOutcome()
	o.Variant = fmt.Sprintf("%d rungs", len(r.Rungs))
	o.Steps = len(r.LogW)
	o.Seconds = seconds / float64(o.Steps)
	o.Acceptance = r.Rungs[len(r.Rungs)-1].Acceptance
	w, err := stats.LogWeightStats(r.LogW)
	if err != nil {
		return o, err
	}
	o.ESS, o.LogZ, o.LogZSeconds = w.ESS, r.LogZ, seconds
	o.Share, o.ParetoK = w.MaxShare, w.ParetoK
	o.AbsM = r.Mean(lattice.AbsMagnetization)
	square := r.Mean(func(phi []float64) float64 { m := lattice.Magnetization(phi); return m * m })
	variance := square.Value - o.AbsM.Value*o.AbsM.Value
	independent := variance / (o.AbsM.Error * o.AbsM.Error)
	value := seconds / independent
	// The square of an error from n populations is known to √(2/(n-1)).
	o.Cost = stats.Estimate{Value: value, Error: value * math.Sqrt(2./(populations-1))}
	o.Reliable = independent > few
	return o, nil
}

// thermodynamic measures log Z by integration over κ.
func thermodynamic(ctx context.Context, _ *cost, j *job) (outcome, error) {
	o := newOutcome()
	path, err := phi4.HoppingPath(j.action.Layout(), j.action.Kappa(), j.action.Lambda())
	if err != nil {
		return o, err
	}
	run := func(steps int, seed uint64) (*mcmc.ThermodynamicResult, float64, error) {
		begin := time.Now()
		r, err := mcmc.ThermodynamicIntegration(ctx, path, mcmc.ThermodynamicConfig{Steps: steps, Seed: seed})
		d := time.Since(begin)
		j.spend(d)
		return r, d.Seconds(), err
	}
	const pilot = 200
	_, seconds, err := run(pilot, j.seed<<8)
	if err != nil {
		return o, err
	}
	// Half of the pilot was thermalisation.
	r, seconds, err := run(max(pilot, int(2*pilot*j.left().Seconds()/seconds)-pilot), j.seed<<8+1000)
	if err != nil {
		return o, err
	}
	o.LogZ, o.LogZSeconds, o.Reliable = r.LogZ, seconds, true
	o.Variant = fmt.Sprintf("quadrature %.1g", r.QuadratureError)
	return o, nil
}
