package pipeline

import (
	"context"
	"math"
	"math/rand/v2"
	"os"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Execute checks the options, goes through all stages, from the classical algorithms to the
// chain of DM-MC, and then through the further ones of a program, writes results.json and
// prints the table; or it does the part of the task in this: the model, or a share of the draws.
func Execute(ctx context.Context, o settings.Options, task program.Task, further ...func(r *Run, out *report.Outcome) error) error {
	r, err := New(o)
	if err != nil {
		return err
	}
	r.Share = task
	if err := r.Open(); err != nil {
		return err
	}
	switch task.Part {
	case program.Train:
		return r.Prepare(ctx)
	case program.OneShare:
		m, err := r.Prepared(ctx)
		if err != nil {
			return err
		}
		_, _, err = r.Draw(ctx, m, "dm_ode", "dm")
		return err
	case program.Merge:
		if _, err := r.JoinShares(program.ReverseFile, program.ProposalsFile); err != nil {
			return err
		}
	}
	var out report.Outcome
	if err := r.Classical(ctx, &out); err != nil {
		return err
	}
	ens, err := r.TrainingEnsemble(ctx)
	if err != nil {
		return err
	}
	if _, err := r.Learned(ctx, ens, &out); err != nil {
		return err
	}
	for _, f := range further {
		if err := f(r, &out); err != nil {
			return err
		}
	}
	if err := report.Plots(r.folder, r.Title(), out); err != nil {
		return err
	}
	if err := r.table.Write(r.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return report.Print(os.Stdout, r.table, out.Proposals)
}

// enoughForTen is the volume up to which ten leapfrog steps are enough for a trajectory: the
// violation of the energy grows as its root. On larger lattices their number adapts.
const enoughForTen = 1024

// Classical measures the observables on a long run of the recommended classical kernel,
// which shares nothing with the training ensemble but the action, and on one of the
// baseline, hybrid Monte Carlo in unit trajectories of ten leapfrog steps, or more.
func (r *Run) Classical(ctx context.Context, out *report.Outcome) error {
	cold, err := mcmc.LeastConstant(r.action)
	if err != nil {
		return err
	}
	err = r.Task(ctx, "reference (cluster, Metropolis)", func(t *progress.Task) error {
		run, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Action: r.action, N: 1600, Thin: 40, Seed: r.o.Part(seedReference), ColdValue: cold,
			Observables: measure.Observables(r.action), Progress: t.Set,
			Checkpoint: r.folder.Path(program.ReferenceState),
		}, r.Kernel)
		if err != nil {
			return err
		}
		return r.table.Of("reference").Add(measure.Chain(measure.FromRun(run)...))
	})
	if err != nil {
		return err
	}
	return r.Task(ctx, "hybrid Monte Carlo", func(t *progress.Task) error {
		const trajectories = 64000
		// Trajectories cannot leave a state of two domains in reasonable time: all chains
		// start in the minimum.
		run, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Action: r.action, N: r.o.Samples, Thin: max(1, trajectories/r.o.Samples), Seed: r.o.Part(seedHMC),
			Start: mcmc.StartCold, ColdValue: cold, Observables: measure.Observables(r.action), Progress: t.Set,
			Checkpoint: r.folder.Path(program.HMCState),
		}, func(int) (mcmc.Kernel, error) {
			cfg := hmc.Config{Steps: 10, Flip: true}
			if r.action.Layout().Volume() > enoughForTen {
				cfg.Steps = 0
			}
			return hmc.New(r.action, cfg)
		})
		if err := report.Baseline(run, r.o.Samples, err); err != nil {
			return err
		}
		out.HMC, out.Testing = measure.FromRun(run), measure.FromEnsemble(r.action, run.Ensemble)
		if err := r.table.Of("hmc").Add(measure.Chain(out.HMC...)); err != nil {
			return err
		}
		r.table.Add("hmc", measure.Acceptance, stats.Estimate{Value: run.Stats.Acceptance(), Error: math.NaN()})
		return r.folder.SaveEnsemble(program.HMCFile, run.Ensemble)
	})
}

// Learned fits the model to the ensemble, draws from it by both methods and from the
// Gaussian, and runs the chains that they drive.
func (r *Run) Learned(ctx context.Context, ens *lattice.Ensemble, out *report.Outcome) (m diffusion.ScoreModel, err error) {
	if m, err = r.Train(ctx, ens); err != nil {
		return nil, err
	}
	if out.Gaussian, err = r.Gaussian(ctx, ens); err != nil {
		return nil, err
	}
	if out.Reverse, err = r.Reverse(ctx, m); err != nil {
		return nil, err
	}
	if out.Proposals, err = r.Propose(ctx, m, program.ProposalsFile, r.o.Samples); err != nil {
		return nil, err
	}
	for _, e := range []struct {
		name string
		ens  *lattice.Ensemble
	}{{"gaussian", out.Gaussian}, {"dm", out.Reverse}, {"dm_ode", out.Proposals}} {
		part := r.table.Of(e.name)
		if err := part.Add(measure.Independent(measure.FromEnsemble(r.action, e.ens))); err != nil {
			return nil, err
		}
		if err := part.Add(measure.Likelihood(e.ens.Extra["action"], e.ens.Extra["logq"])); err != nil {
			return nil, err
		}
	}
	if _, err := r.Chain("gaussian", out.Gaussian); err != nil {
		return nil, err
	}
	c, err := r.Chain("dmmc", out.Proposals)
	if err != nil {
		return nil, err
	}
	out.Generated = measure.FromEnsemble(r.action, out.Reverse)
	out.Chain = measure.FromEnsemble(r.action, out.Proposals).Pick(c.Index)
	if err := r.table.Of("dmmc").Add(measure.Chain(out.Chain)); err != nil {
		return nil, err
	}
	r.table.Add("dmmc", measure.AcceptancePredicted, c.Weights.Acceptance)
	r.table.Add("dmmc", measure.ESS, c.Weights.ESS)
	r.table.Add("dmmc", measure.SDLogW, stats.Estimate{Value: c.Weights.SD})
	return m, nil
}

// Chain runs the independence sampler over the configurations, each proposed once, and
// adds its acceptance to the table.
func (r *Run) Chain(name string, ens *lattice.Ensemble) (mcmc.DMMCResult, error) {
	pool, err := mcmc.NewPool(ens, ens.Extra["logq"], r.action)
	if err != nil {
		return mcmc.DMMCResult{}, err
	}
	c, err := pool.DMMC(rand.New(rand.NewPCG(r.o.Part(seedChain), 0)))
	if err != nil {
		return c, err
	}
	return c, r.table.Of(name).Add(measure.Proposals(c))
}
