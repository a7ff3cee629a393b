package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// groups is the number of jackknife blocks of chains.
const groups = 32

// approach holds the magnetisations of all chains after some of their steps.
type approach struct {
	Times []int
	M     [][]float64 // per time, one entry per chain
}

// stationary is the number of chains that start in equilibrium; the numbers depend on
// it, so it does not follow the number of cores.
const stationary = 16

// equilibrated is what the chains that start in equilibrium give.
type equilibrated struct {
	VM2, AbsM, Tau, TauExp stats.Estimate
	// Reliable tells that the chains are long enough for their τ_int.
	Reliable bool
}

var magnetisation = []mcmc.Observable{{Name: measure.M, Func: lattice.Magnetization}}

// approach runs the chains of algorithm i from start s.
func (t *thermalisation) approach(ctx context.Context, i, s int) (approach, error) {
	a := algorithms[i]
	last := max(t.o.Trajectories/a.divide, protocol[len(protocol)-1])
	name := stageName(i, s)
	path := t.folder.Path(stageFile(name))
	return stage.Do(ctx, path, name, func() (approach, error) {
		out := approach{Times: times(last)}
		err := t.folder.Task(ctx, a.title+", "+starts[s].name+" start", func(task *progress.Task) error {
			r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
				Action: t.action, N: t.o.Chains, Chains: t.o.Chains, Seed: t.seed(4*i + s), Start: starts[s].start,
				ColdValue: ordered(t.action), Thermalisation: -1, Thin: last, Unchecked: true, Observables: magnetisation, Progress: task.Set,
				Checkpoint: stage.State(path),
			}, func(int) (mcmc.Kernel, error) { return a.kernel(t) })
			if err != nil {
				return err
			}
			for _, n := range out.Times {
				m := make([]float64, t.o.Chains)
				for c, x := range r.Series[0] {
					m[c] = x[n-1]
				}
				out.M = append(out.M, m)
			}
			return nil
		})
		return out, err
	})
}

// equilibrium runs chains of algorithm i that start in equilibrium.
func (t *thermalisation) equilibrium(ctx context.Context, i int) (equilibrated, error) {
	a := algorithms[i]
	name := stageName(i, len(starts))
	path := t.folder.Path(stageFile(name))
	return stage.Do(ctx, path, name, func() (equilibrated, error) {
		const per = 16
		out := equilibrated{TauExp: stats.Estimate{Value: math.NaN(), Error: math.NaN()}}
		err := t.folder.Task(ctx, a.title+" in equilibrium", func(task *progress.Task) error {
			r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
				Action: t.action, N: stationary * per, Chains: stationary, Seed: t.seed(4*i + 2), Start: mcmc.StartKernel,
				Thermalisation: -1, Unchecked: true, Thin: t.o.Equilibrium / a.divide / per, Observables: magnetisation, Progress: task.Set,
				Checkpoint: stage.State(path),
			}, func(int) (mcmc.Kernel, error) {
				k, err := a.kernel(t)
				if err != nil {
					return nil, err
				}
				start, err := mcmc.Recommended(t.action)
				if err != nil {
					return nil, err
				}
				return mcmc.NewEquilibrated(k, start, mcmc.EquilibratedConfig{})
			})
			if err != nil {
				return err
			}
			return out.analyse(r.Series[0], float64(t.action.Layout().Volume()))
		})
		return out, err
	})
}

// analyse computes means and autocorrelation times from the magnetisation of chains.
func (e *equilibrated) analyse(m [][]float64, volume float64) error {
	abs, square := make([][]float64, len(m)), make([][]float64, len(m))
	for c, x := range m {
		for _, v := range x {
			abs[c], square[c] = append(abs[c], math.Abs(v)), append(square[c], volume*v*v)
		}
	}
	g, err := stats.GammaMethod(square, stats.GammaConfig{})
	if err := measure.Usable(err); err != nil {
		return fmt.Errorf("V⟨M²⟩: %w", err)
	}
	e.VM2 = g.Mean
	g, err = stats.GammaMethod(abs, stats.GammaConfig{})
	e.Reliable = err == nil
	if err := measure.Usable(err); err != nil {
		return fmt.Errorf("τ_int of |M|: %w", err)
	}
	e.AbsM, e.Tau = g.Mean, g.Tau.Estimate
	if fit, err := stats.FitTauExp(abs, stats.TauExpConfig{}); err == nil {
		e.TauExp = fit.Tau
	}
	return nil
}

// mean returns the average over the chains of f(M) after n steps.
func (a approach) mean(n int, f func(m float64) float64) (stats.Estimate, error) {
	k, ok := slices.BinarySearch(a.Times, n)
	if !ok {
		return stats.Estimate{}, fmt.Errorf("expected a time that is kept, got %d", n)
	}
	return average(a.M[k], f)
}

func average(m []float64, f func(m float64) float64) (stats.Estimate, error) {
	x := make([]float64, len(m))
	for c, v := range m {
		x[c] = f(v)
	}
	return stats.Mean(x)
}

// squares returns the averages of V M² at all times.
func (a approach) squares(volume float64) ([]stats.Estimate, error) {
	out := make([]stats.Estimate, len(a.Times))
	for k, m := range a.M {
		var err error
		if out[k], err = average(m, func(v float64) float64 { return volume * v * v }); err != nil {
			return nil, err
		}
	}
	return out, nil
}
