package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Trajectories that tune the step size of the long trajectories, and their acceptance.
const tuning, acceptance = 300, 0.8

// rivals runs the classical algorithms. All of them flip the sign, the only way between
// the two phases that local steps have in reasonable time.
func (d *dmmc) rivals(ctx context.Context, ens *lattice.Ensemble) error {
	long, err := d.tune(ctx, ens)
	if err != nil {
		return err
	}
	action := d.Action()
	unit := func(int) (mcmc.Kernel, error) { return hmc.New(action, hmc.Config{Steps: 10, Flip: true}) }
	for i, a := range []struct {
		name   string
		divide int
		kernel func(int) (mcmc.Kernel, error)
	}{
		{unitHMC, 1, unit},
		{tunedHMC, 4, func(int) (mcmc.Kernel, error) { return hmc.New(action, long) }},
		{metropolis, 1, func(int) (mcmc.Kernel, error) {
			k, err := mcmc.NewMetropolis(action, mcmc.MetropolisConfig{})
			if err != nil {
				return nil, err
			}
			return mcmc.NewCycle(k, mcmc.SignFlip{})
		}},
		{cluster, 4, func(int) (mcmc.Kernel, error) {
			k, err := mcmc.Recommended(action)
			if err != nil {
				return nil, err
			}
			return mcmc.NewCycle(k, mcmc.SignFlip{})
		}},
	} {
		err := d.Task(ctx, titles[a.name], func(t *progress.Task) error {
			return d.rival(ctx, t, ens, a.name, d.o.chain/a.divide, d.seed(seedRival+i), a.kernel)
		})
		if err != nil {
			return err
		}
	}
	seconds, err := d.stepTime(ctx, ens, func(int) (mcmc.Kernel, error) { return hmc.New(action, hmc.Config{Steps: 100, Flip: true}) })
	if err != nil {
		return err
	}
	return d.times.set(paperHMC, seconds)
}

// tune returns the settings of the long trajectories.
func (d *dmmc) tune(ctx context.Context, ens *lattice.Ensemble) (hmc.Config, error) {
	cfg := hmc.Config{Integrator: hmc.Omelyan, Length: 10, Steps: 20, Jitter: 0.5, Flip: true}
	k, err := hmc.New(d.Action(), cfg)
	if err != nil {
		return cfg, err
	}
	phi := append([]float64(nil), ens.Config(0)...)
	err = k.Tune(ctx, rand.New(rand.NewPCG(d.seed(seedTuning), 0)), phi, tuning, acceptance)
	if err != nil {
		return cfg, err
	}
	cfg.Steps = k.Config().Steps
	d.Results().Add(tunedHMC, "steps_per_trajectory", stats.Estimate{Value: float64(cfg.Steps), Error: math.NaN()})
	return cfg, nil
}

// rival runs one algorithm and times it.
func (d *dmmc) rival(ctx context.Context, t *progress.Task, ens *lattice.Ensemble, name string, steps int, seed uint64, kernel func(int) (mcmc.Kernel, error)) error {
	action := d.Action()
	run, err := runChains(ctx, action, ens, steps, d.o.Samples, seed, func(c int) string {
		return d.Folder().Path(fmt.Sprintf("stages/%s-%d", name, c))
	}, kernel, t.Set)
	if err != nil {
		return err
	}
	d.chains[name] = run.series
	if err := d.Results().Of(name).Add(measure.Chain(run.series...)); err != nil {
		return err
	}
	d.Results().Add(name, measure.Acceptance, stats.Estimate{Value: run.acceptance, Error: math.NaN()})
	if name == unitHMC {
		if err := d.Folder().SaveEnsemble(program.HMCFile, run.last); err != nil {
			return err
		}
	}
	seconds, err := d.stepTime(ctx, ens, kernel)
	if err != nil {
		return err
	}
	return d.times.set(name, seconds)
}
