package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/latdiff/latdiff/internal/pipeline"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// chains is the number of independent chains of an algorithm; the numbers depend on it,
// so it does not follow the number of cores.
const chains = 16

// firstSeed is the part of the seed of the first algorithm, behind those of the stages
// of package pipeline.
const firstSeed = 32

// autocorrelation is one run of the program.
type autocorrelation struct {
	o        options
	stages   *pipeline.Run
	folder   *program.Run // of the chains: that of the run or of a share
	action   *lattice.Phi4
	outcomes map[string]outcome
	// heaviest is the largest weight e^{-S}/q of the draws of the reverse process, over
	// the mean weight of the proposals of the flow.
	heaviest float64
}

// newAutocorrelation checks all input before anything is written.
func newAutocorrelation(o options) (*autocorrelation, error) {
	stages, err := pipeline.New(o.Options)
	if err != nil {
		return nil, err
	}
	switch {
	case o.task.Shares > len(classicals):
		return nil, fmt.Errorf("expected at most as many shares as algorithms without a model, %d, got -task %v", len(classicals), &o.task)
	case o.TMax < 1:
		return nil, fmt.Errorf("expected -tmax of at least 1, got %d", o.TMax)
	case o.Short < 2*o.TMax:
		return nil, fmt.Errorf("expected -short of at least twice -tmax = %d, got %d", o.TMax, o.Short)
	case o.Chain < o.Short:
		return nil, fmt.Errorf("expected -chain of at least -short = %d, got %d", o.Short, o.Chain)
	case o.Samples < o.Short || o.Proposals < o.Short:
		return nil, fmt.Errorf("expected -samples and -proposals of at least -short = %d, got %d and %d", o.Short, o.Samples, o.Proposals)
	}
	if err := program.CheckSize("proposals", o.Proposals, stages.Action().Layout().Size()); err != nil {
		return nil, err
	}
	// Both observables after every step of all chains.
	if err := program.CheckSize("chain", o.Chain, chains*len(observables)); err != nil {
		return nil, err
	}
	return &autocorrelation{o: o, stages: stages, action: stages.Action(), outcomes: map[string]outcome{}}, nil
}

// parameters are those of the flags of this program.
func (a *autocorrelation) parameters() map[string]any {
	return map[string]any{"chain": a.o.Chain, "short": a.o.Short, "tmax": a.o.TMax, "proposals": a.o.Proposals}
}

func (a *autocorrelation) run(ctx context.Context) error {
	if err := a.open(); err != nil {
		return err
	}
	if a.o.task.Part == program.OneShare {
		return a.share(ctx)
	}
	for i := range classicals {
		if err := a.classical(ctx, &classicals[i], firstSeed+i); err != nil {
			return err
		}
	}
	if err := a.models(ctx, firstSeed+len(classicals)); err != nil {
		return err
	}
	if err := a.plot(); err != nil {
		return err
	}
	table := a.stages.Results()
	a.addTo(table)
	if err := table.Write(a.stages.Folder().Path(program.ResultsFile)); err != nil {
		return err
	}
	return a.print(os.Stdout)
}

// stage runs f, or reads what it gave in an earlier run.
func (a *autocorrelation) stage(ctx context.Context, name string, f func() (outcome, error)) error {
	o, err := stage.Do(ctx, a.path(name), name, f)
	a.outcomes[name] = o
	return err
}

// path returns that of the file of a stage.
func (a *autocorrelation) path(name string) string { return a.folder.Path(stageFile(name)) }

func (a *autocorrelation) seed(part int) uint64 { return a.o.Seed<<8 + uint64(part) }

// classical runs the chains of an algorithm without a model.
func (a *autocorrelation) classical(ctx context.Context, c *classical, seed int) error {
	return a.stage(ctx, c.name, func() (outcome, error) {
		steps := max(a.o.Chain/c.divide, a.o.Short)
		return a.generate(ctx, c.name, steps, seed, func(int) (mcmc.Kernel, error) {
			k, err := c.make(a.action)
			if err != nil {
				return nil, err
			}
			start, err := mcmc.Recommended(a.action)
			if err != nil {
				return nil, err
			}
			return mcmc.NewEquilibrated(k, start, mcmc.EquilibratedConfig{})
		})
	})
}

// generate runs the chains of a stage, of at least the given number of steps, of kernels that can start.
func (a *autocorrelation) generate(ctx context.Context, name string, steps, seed int, kernel func(chain int) (mcmc.Kernel, error)) (outcome, error) {
	var o outcome
	err := a.stages.Task(ctx, titles[name].name, func(t *progress.Task) error {
		// The configurations are not used; they are few, and count the progress.
		per := min(steps/a.o.Short, 16)
		g, err := mcmc.NewGenerator(mcmc.EnsembleConfig{
			Action: a.action, N: chains * per, Chains: chains, Seed: a.seed(seed), Start: mcmc.StartKernel, Thermalisation: -1, Unchecked: true,
			Thin: (steps + per - 1) / per, Observables: observables, Progress: t.Set,
			Checkpoint: stage.State(a.path(name)),
		}, kernel)
		if err != nil {
			return err
		}
		start := time.Now()
		if err := g.Resume(ctx); err != nil {
			return err
		}
		o.Seconds = time.Since(start).Seconds()
		r := g.Result()
		o.Steps = r.Stats.Steps
		o.Acceptance = stats.Estimate{Value: r.Stats.Acceptance(), Error: math.NaN()}
		return o.analyse([2][][]float64{r.Series[0], r.Series[1]}, a.o.Short, a.o.TMax)
	})
	return o, err
}

func (o *outcome) analyse(series [2][][]float64, short, tmax int) error {
	for i, s := range series {
		var err error
		if o.Series[i], err = analyse(s, short, tmax); err != nil {
			return fmt.Errorf("autocorrelation of %s: %w", observables[i].Name, err)
		}
	}
	return nil
}

// models makes the proposals of the diffusion model and of the Gaussian, and runs the
// chains that they drive.
func (a *autocorrelation) models(ctx context.Context, seed int) error {
	ens, err := a.stages.TrainingEnsemble(ctx)
	if err != nil {
		return err
	}
	m, err := a.stages.Train(ctx, ens)
	if err != nil {
		return err
	}
	reverse, err := a.stages.Reverse(ctx, m)
	if err != nil {
		return err
	}
	err = a.stage(ctx, published, func() (outcome, error) { return a.publishedChain(ctx, reverse, seed) })
	if err != nil {
		return err
	}
	few := reverse.Slice(0, a.o.Short)
	if err := a.stages.Results().Of(published).Add(measure.Likelihood(few.Extra["action"], few.Extra["logq"])); err != nil {
		return err
	}
	// The time of proposals that an earlier run made is not known.
	elapsed := math.NaN()
	done, err := a.stages.Folder().Has(program.ProposalsFile)
	if err != nil {
		return err
	}
	start := time.Now()
	proposals, err := a.stages.Propose(ctx, m, program.ProposalsFile, a.o.Proposals)
	if err != nil {
		return err
	}
	if !done {
		elapsed = time.Since(start).Seconds()
	}
	start = time.Now()
	baseline, err := a.stages.Gaussian(ctx, ens)
	if err != nil {
		return err
	}
	for i, c := range []struct {
		name      string
		proposals *lattice.Ensemble
		seconds   float64
	}{{diffusive, proposals, elapsed}, {gaussian, baseline, time.Since(start).Seconds()}} {
		err := a.stage(ctx, c.name, func() (outcome, error) { return a.independence(c.proposals, c.seconds, seed+1+i) })
		if err != nil {
			return err
		}
		if err := a.stages.Results().Of(c.name).Add(measure.Likelihood(c.proposals.Extra["action"], c.proposals.Extra["logq"])); err != nil {
			return err
		}
		if c.name != diffusive {
			continue
		}
		w, err := stats.LogWeightStats(logWeights(c.proposals))
		if err != nil {
			return err
		}
		a.heaviest = math.Exp(slices.Max(logWeights(few)) - w.LogZ.Value)
		a.stages.Results().Add(published, maxWeight, stats.Estimate{Value: a.heaviest, Error: math.NaN()})
	}
	return nil
}

// logWeights returns log w = -S - log q of annotated configurations.
func logWeights(ens *lattice.Ensemble) []float64 {
	return measure.LogWeights(ens.Extra["action"], ens.Extra["logq"])
}

// publishedChain runs the chains of the published code: as many configurations of the
// reverse process as the paper has, proposed with replacement.
func (a *autocorrelation) publishedChain(ctx context.Context, reverse *lattice.Ensemble, seed int) (outcome, error) {
	few := reverse.Slice(0, a.o.Short)
	pool, err := mcmc.NewPool(few, few.Extra["logq"], a.action)
	if err != nil {
		return outcome{}, err
	}
	o, err := a.generate(ctx, published, a.o.Short, seed, func(int) (mcmc.Kernel, error) {
		return mcmc.NewIndependence(a.action, pool.WithReplacement(), mcmc.IndependenceConfig{})
	})
	// The steps alone say nothing without those that made the pool.
	o.Seconds = math.NaN()
	return o, err
}

// independence runs the exact chain once through the proposals.
func (a *autocorrelation) independence(proposals *lattice.Ensemble, seconds float64, seed int) (outcome, error) {
	pool, err := mcmc.NewPool(proposals, proposals.Extra["logq"], a.action)
	if err != nil {
		return outcome{}, err
	}
	c, err := pool.DMMC(rand.New(rand.NewPCG(a.seed(seed), 0)))
	if err != nil {
		return outcome{}, err
	}
	o := outcome{Steps: len(c.Index), Seconds: seconds, Acceptance: stats.Estimate{Value: c.Acceptance, Error: math.NaN()}}
	var series [2][][]float64
	for i, f := range observables {
		values := proposals.Measure(nil, f.Func)
		x := make([]float64, len(c.Index))
		for t, j := range c.Index {
			x[t] = values[j]
		}
		series[i] = [][]float64{x}
	}
	return o, o.analyse(series, a.o.Short, a.o.TMax)
}
