package pipeline

import (
	"context"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/measure"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// coldValue returns the constant field that minimises the action, or 1 where that is
// zero: φ² = (2dκ - 1 + 2λ)/(2λ) where positive.
func (r *Run) coldValue() float64 {
	q := (2*float64(r.lat.Dim())*r.o.Kappa - 1 + 2*r.o.Lambda) / (2 * r.o.Lambda)
	if !(q > 0) || math.IsInf(q, 0) {
		return 1
	}
	return math.Sqrt(q)
}

// kernel returns the recommended kernel with a sign flip, which deep in the ordered
// phase is what moves between the signs of the magnetisation.
func (r *Run) kernel(int) (mcmc.Kernel, error) {
	cycle, err := mcmc.Recommended(r.action)
	if err != nil {
		return nil, err
	}
	return mcmc.NewCycle(cycle, mcmc.SignFlip{})
}

// Reference measures the observables on a long run of the recommended classical
// kernel, which shares nothing with the training ensemble but the action.
func (r *Run) Reference(ctx context.Context) error {
	return r.Task(ctx, "reference (cluster, Metropolis)", func(t *progress.Task) error {
		run, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Action: r.action, N: 1600, Thin: 40, Seed: r.seed(seedReference), ColdValue: r.coldValue(),
			Observables: measure.Observables(r.action), Progress: t.Set,
		}, r.kernel)
		if err != nil {
			return err
		}
		return measure.AddChain(r.table, "reference", r.lat.Volume(), measure.FromRun(run)...)
	})
}

// HybridMonteCarlo runs the baseline: unit trajectories of ten leapfrog steps.
func (r *Run) HybridMonteCarlo(ctx context.Context) error {
	return r.Task(ctx, "hybrid Monte Carlo", func(t *progress.Task) error {
		const trajectories = 64000
		// Trajectories cannot leave a two-domain state in reasonable time; in the ordered
		// phase all chains start in the minimum.
		start := mcmc.StartMixed
		if r.coldValue() != 1 {
			start = mcmc.StartCold
		}
		run, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Action: r.action, N: r.o.Samples, Thin: max(1, trajectories/r.o.Samples), Seed: r.seed(seedHMC),
			Start: start, ColdValue: r.coldValue(), Observables: measure.Observables(r.action), Progress: t.Set,
			// The baseline has this many trajectories whether or not they are enough.
			Unchecked: true,
		}, func(int) (mcmc.Kernel, error) {
			return hmc.New(r.action, hmc.Config{Steps: 10, Flip: true})
		})
		if err != nil {
			return err
		}
		chains := measure.FromRun(run)
		if err := measure.AddChain(r.table, "hmc", r.lat.Volume(), chains...); err != nil {
			return err
		}
		r.table.Add("hmc", measure.Acceptance, stats.Estimate{Value: run.Stats.Acceptance(), Error: math.NaN()})
		r.series["HMC"] = measure.FromEnsemble(r.action, run.Ensemble)
		if err := r.addCurve("HMC", chains...); err != nil {
			return err
		}
		return lattice.WriteEnsemble(r.folder.Path(HMCFile), run.Ensemble)
	})
}

// TrainingEnsemble makes the equilibrated training configurations, or reads those of
// an earlier run or of the user.
func (r *Run) TrainingEnsemble(ctx context.Context) (*lattice.Ensemble, error) {
	if r.given != nil {
		return r.given, nil
	}
	if r.folder.Has(EnsembleFile) {
		return r.Read(EnsembleFile, r.o.Configurations)
	}
	var ens *lattice.Ensemble
	err := r.Task(ctx, "training ensemble", func(t *progress.Task) error {
		run, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Action: r.action, N: r.o.Configurations, Seed: r.seed(seedEnsemble), ColdValue: r.coldValue(), Progress: t.Set,
		}, r.kernel)
		if err != nil {
			return err
		}
		ens = run.Ensemble
		checks, err := run.ThermalisationCheck()
		if err != nil {
			return err
		}
		for _, c := range checks {
			if c.Z > 5 || c.Z < -5 {
				return fmt.Errorf("training ensemble is not thermalised: %s is %v from hot and %v from cold starts", c.Name, c.Hot, c.Cold)
			}
		}
		t.Note("thinned to every %d steps; hot and cold starts agree", run.Thin)
		return lattice.WriteEnsemble(r.folder.Path(EnsembleFile), ens)
	})
	return ens, err
}
