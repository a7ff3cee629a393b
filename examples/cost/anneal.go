package main

import (
	"context"
	"errors"
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
	// settleNodes is that of the chains of a thermodynamic integration, which make as many after them at least.
	settleNodes = 200
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
		prepare := func(*mcmc.AnnealConfig, string) error { return nil }
		name := ""
		if fromModel {
			var score diffusion.ScoreModel
			if score, name, err = c.lowerModel(ctx, j.site); err != nil {
				return outcome{}, err
			}
			path.From, path.LogZ = c.o.lower, 0
			prepare = func(cfg *mcmc.AnnealConfig, checkpoint string) error {
				f, err := flow.New(c.backend, score, flow.Config{Checkpoint: checkpoint})
				if err != nil {
					return err
				}
				s, err := f.Sample(ctx, cfg.N, cfg.Seed)
				if err == nil {
					cfg.Start, cfg.LogQ = s.Ensemble, s.LogQ
				}
				return err
			}
		}
		run := func(n int, seed uint64, draws, checkpoint string) (*mcmc.AnnealResult, error) {
			cfg := cfg
			cfg.N, cfg.Seed, cfg.Checkpoint = n, seed, checkpoint
			if err := prepare(&cfg, draws); err != nil {
				return nil, err
			}
			return mcmc.Anneal(ctx, path, cfg)
		}
		draws, rungs := j.state+"-draws", j.state+"-rungs"
		r, _, seconds, err := withPilot(j, []string{draws, rungs}, func() (int, error) {
			begin := time.Now()
			_, err := run(pilotN, j.seed<<8, "", "")
			pilot := time.Since(begin)
			j.spend(pilot)
			n := int(j.left().Seconds() / pilot.Seconds() * pilotN)
			return max(pilotN, min(n, largeChain/8/j.volume())), err
		}, func(n int) (*mcmc.AnnealResult, error) {
			return run(n, j.seed<<8+2, draws, rungs)
		})
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

// lowerModel returns a model at -lower, or a Gaussian where there is none.
func (c *cost) lowerModel(ctx context.Context, s *site) (diffusion.ScoreModel, string, error) {
	m, name, err := c.model(ctx, s, s.lower)
	if m != nil || err != nil {
		return m, name, err
	}
	ens, err := c.ensemble(ctx, s, s.lower)
	if err != nil {
		return nil, "", err
	}
	score, err := gaussianModel(s.lower, ens)
	return score, "Gaussian", err
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
	independent := independentOf(variance, o.AbsM.Error)
	value := seconds / independent
	// The square of an error from n populations is known to √(2/(n-1)).
	o.Cost = stats.Estimate{Value: value, Error: value * math.Sqrt(2./(populations-1))}
	o.Reliable = independent > few
	return o, nil
}

// independentOf returns the number of independent configurations whose mean has an error, 1 where all weight
// is on one configuration, or all configurations are the same.
func independentOf(variance, err float64) float64 {
	n := variance / (err * err)
	if !(n > 1) || math.IsInf(n, 0) {
		return 1
	}
	return n
}

// thermodynamic measures log Z by integration over κ.
func thermodynamic(ctx context.Context, _ *cost, j *job) (outcome, error) {
	o := newOutcome()
	path, err := phi4.HoppingPath(j.action.Layout(), j.action.Kappa(), j.action.Lambda())
	if err != nil {
		return o, err
	}
	run := func(cfg mcmc.ThermodynamicConfig) (*mcmc.ThermodynamicResult, error) {
		return mcmc.ThermodynamicIntegration(ctx, path, cfg)
	}
	state := j.state + "-nodes"
	r, _, seconds, err := withPilot(j, []string{state}, func() (int, error) {
		const pilot = 50
		begin := time.Now()
		_, err := run(mcmc.ThermodynamicConfig{Steps: pilot, Thermalisation: pilot, Seed: j.seed << 8})
		if errors.Is(err, stats.ErrNegativeVariance) {
			err = nil // of few steps, of which only the time counts
		}
		d := time.Since(begin)
		j.spend(d)
		return max(settleNodes, int(2*pilot*j.left().Seconds()/d.Seconds())-settleNodes), err
	}, func(steps int) (*mcmc.ThermodynamicResult, error) {
		return run(mcmc.ThermodynamicConfig{Steps: steps, Thermalisation: settleNodes, Seed: j.seed<<8 + 1000, Checkpoint: state})
	})
	if err != nil {
		return o, err
	}
	o.LogZ, o.LogZSeconds, o.Reliable = r.LogZ, seconds, true
	o.Variant = fmt.Sprintf("quadrature %.1g", r.QuadratureError)
	return o, nil
}
