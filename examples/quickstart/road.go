package main

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
	"github.com/latdiff/latdiff/unet"
)

// quickstart is one run of the program.
type quickstart struct {
	o       settings.Options
	in      settings.Inputs // files of the user in the place of what is made here
	action  *lattice.Phi4
	backend compute.Backend
	trained func(diffusion.TrainProgress)

	folder *program.Run
	table  *results.File
	out    report.Outcome
}

// Parts of the run with random numbers of their own.
const (
	seedReference = iota
	seedEnsemble
	seedHMC
	seedModel
	seedReverse
	seedFlow
	seedGaussian
	seedChain
	seedStrip
)

// walk goes the whole road, from the action to the exact chain. What a step makes stays in
// a file of the folder, where a run that continues finds it.
func (q *quickstart) walk(ctx context.Context) error {
	if err := q.classical(ctx); err != nil {
		return err
	}
	ens, err := q.ensemble(ctx)
	if err != nil {
		return err
	}
	m, err := q.model(ctx, ens)
	if err != nil {
		return err
	}
	if err := q.strip(ctx, m); err != nil {
		return err
	}
	if q.out.Reverse, err = q.reverse(ctx, m); err != nil {
		return err
	}
	if q.out.Proposals, err = q.proposals(ctx, m); err != nil {
		return err
	}
	if q.out.Gaussian, err = q.gaussian(ctx, ens); err != nil {
		return err
	}
	return q.compare()
}

// ensemble makes the equilibrated configurations to train on: by hybrid Monte Carlo, which
// works for any action, in chains that are compared with each other. They are in
// equilibrium, or there is an error that says why not.
func (q *quickstart) ensemble(ctx context.Context) (*lattice.Ensemble, error) {
	if q.in.Ensemble != nil {
		return q.in.Ensemble, nil
	}
	n := q.o.Configurations
	return q.keep(ctx, program.EnsembleFile, "training ensemble", n, func(t *progress.Task) (*lattice.Ensemble, error) {
		ens, record, err := hmc.Ensemble(ctx, q.action, hmc.EnsembleConfig{
			N: n, Seed: q.o.Part(seedEnsemble), Progress: t.Set,
			Checkpoint: q.folder.State(program.EnsembleFile),
		})
		if err == nil {
			t.Note("a configuration of a chain every %d steps", record.Thin)
		}
		return ens, err
	})
}

// model fits a diffusion model to the ensemble. Mean, spectrum, symmetries and noise levels
// are measured and solved exactly; the network learns the rest from the known drift of the
// action.
func (q *quickstart) model(ctx context.Context, ens *lattice.Ensemble) (diffusion.ScoreModel, error) {
	if q.in.Model != nil {
		return q.in.Model, nil
	}
	if q.o.Model == settings.Gaussian {
		return withoutNetwork(q.action, ens)
	}
	if done, err := q.folder.Has(program.ModelFile); err != nil {
		return nil, err
	} else if done {
		return diffusion.LoadModel(q.folder.Path(program.ModelFile))
	}
	var m *diffusion.Model
	err := q.folder.Task(ctx, "training the network", func(t *progress.Task) (err error) {
		// Steps, batch and learning rate; an interrupted training continues from the file.
		train := q.o.Training(ens.Len())
		train.Seed, train.Checkpoint = q.o.Part(seedModel), q.folder.Path(program.TrainFile)
		train.Progress = func(p diffusion.TrainProgress) {
			t.Note("loss %.4f", p.SmoothedLoss)
			t.Set(p.Step, p.Steps)
			if q.trained != nil {
				q.trained(p)
			}
		}
		if q.o.Published() {
			m, err = unet.FitPaper(ctx, q.backend, q.action, ens, train)
		} else {
			m, err = q.fit(ctx, ens, train)
		}
		if err != nil {
			return err
		}
		return q.folder.Save(program.ModelFile, m.Save)
	})
	return m, err
}

func (q *quickstart) fit(ctx context.Context, ens *lattice.Ensemble, train diffusion.TrainConfig) (*diffusion.Model, error) {
	network, err := q.o.Network(ens.Lattice)
	if err != nil {
		return nil, err
	}
	start, err := q.o.Extended(q.backend, q.in.Start)
	if err != nil {
		return nil, err
	}
	return diffusion.Fit(ctx, q.backend, q.action, ens, diffusion.FitConfig{
		Network: network, Start: start, Train: train, Seed: train.Seed, Warn: report.Warn,
	})
}

// withoutNetwork returns the Gaussian, or mixture of two, of a model: what is measured, and no more.
func withoutNetwork(action lattice.Action, ens *lattice.Ensemble) (*diffusion.Gaussian, error) {
	measured, err := diffusion.Measure(action, ens)
	if err != nil {
		return nil, err
	}
	return diffusion.NewGaussian(measured.ModelConfig)
}

// reverse draws configurations by the reverse stochastic differential equation, and asks
// the flow for their density.
func (q *quickstart) reverse(ctx context.Context, m diffusion.ScoreModel) (*lattice.Ensemble, error) {
	n := q.o.Samples
	return q.keep(ctx, program.ReverseFile, "reverse SDE and its likelihood", n, func(t *progress.Task) (*lattice.Ensemble, error) {
		cfg := q.o.Sampler()
		cfg.Progress = func(done, total int) { t.Set(done, 2*total) }
		cfg.Checkpoint = q.folder.State(program.ReverseFile)
		sampler, err := diffusion.NewSampler(q.backend, m, cfg)
		if err != nil {
			return nil, err
		}
		ens, err := sampler.Sample(ctx, n, q.o.Part(seedReverse))
		if err != nil {
			return nil, err
		}
		along := q.o.Flow()
		along.Progress = func(done, total int) { t.Set(total+done, 2*total) }
		along.Checkpoint = q.folder.State(program.ReverseFile, "logq")
		f, err := flow.New(q.backend, m, along)
		if err != nil {
			return nil, err
		}
		likelihood, err := f.LogProb(ctx, ens, q.o.Part(seedFlow))
		if err != nil {
			return nil, err
		}
		likelihood.Annotate(q.action, ens)
		return ens, nil
	})
}

// proposals draws configurations through the probability flow, which gives each with its
// density log q.
func (q *quickstart) proposals(ctx context.Context, m diffusion.ScoreModel) (*lattice.Ensemble, error) {
	n := q.o.Samples
	return q.keep(ctx, program.ProposalsFile, "proposals by the flow", n, func(t *progress.Task) (*lattice.Ensemble, error) {
		cfg := q.o.Flow()
		cfg.Progress, cfg.Checkpoint = t.Set, q.folder.State(program.ProposalsFile)
		f, err := flow.New(q.backend, m, cfg)
		if err != nil {
			return nil, err
		}
		draws, err := f.Sample(ctx, n, q.o.Part(seedFlow))
		if err != nil {
			return nil, err
		}
		draws.Annotate(q.action, draws.Ensemble)
		// The error of log q from the finite steps, from a few of them.
		few := draws.Ensemble.Slice(0, min(64, n))
		draws.Ensemble.Params["step_error"], err = f.StepError(ctx, few, draws.LogQ, q.o.Part(seedFlow))
		return draws.Ensemble, err
	})
}

// gaussian draws from the baseline of every learned model, the one without a network.
func (q *quickstart) gaussian(ctx context.Context, ens *lattice.Ensemble) (*lattice.Ensemble, error) {
	g, err := withoutNetwork(q.action, ens)
	if err != nil {
		return nil, err
	}
	f, err := flow.New(q.backend, g, flow.Config{})
	if err != nil {
		return nil, err
	}
	draws, err := f.Sample(ctx, q.o.Samples, q.o.Part(seedGaussian))
	if err != nil {
		return nil, err
	}
	draws.Annotate(q.action, draws.Ensemble)
	return draws.Ensemble, nil
}

// chain runs the independence sampler: each configuration is proposed once, and accepted
// with the probability min(1, w′/w), w = e^{-S}/q, which makes the chain exact.
func (q *quickstart) chain(draws *lattice.Ensemble) (mcmc.DMMCResult, error) {
	logw := measure.LogWeights(draws.Extra["action"], draws.Extra["logq"])
	return mcmc.DMMC(rand.New(rand.NewPCG(q.o.Part(seedChain), 0)), logw)
}

// compare fills the table: the observables of the models, what their weights say, and the
// chains that they drive.
func (q *quickstart) compare() error {
	for _, e := range []struct {
		name, chain string
		draws       *lattice.Ensemble
	}{{"gaussian", "gaussian", q.out.Gaussian}, {"dm", "", q.out.Reverse}, {"dm_ode", "dmmc", q.out.Proposals}} {
		series := measure.FromEnsemble(q.action, e.draws)
		if err := q.table.Of(e.name).Add(measure.Independent(series)); err != nil {
			return err
		}
		if err := q.table.Of(e.name).Add(measure.Likelihood(e.draws.Extra["action"], e.draws.Extra["logq"])); err != nil {
			return err
		}
		if e.chain == "" {
			q.out.Generated = series
			continue
		}
		c, err := q.chain(e.draws)
		if err != nil {
			return err
		}
		if err := q.table.Of(e.chain).Add(measure.Proposals(c)); err != nil {
			return err
		}
		if e.chain == e.name {
			continue
		}
		q.out.Chain = series.Pick(c.Index)
		if err := q.table.Of(e.chain).Add(measure.Chain(q.out.Chain)); err != nil {
			return err
		}
		q.table.Add(e.chain, measure.AcceptancePredicted, c.Weights.Acceptance)
		q.table.Add(e.chain, measure.ESS, c.Weights.ESS)
		q.table.Add(e.chain, measure.SDLogW, stats.Estimate{Value: c.Weights.SD})
	}
	return nil
}

// enoughForTen is the volume up to which ten leapfrog steps are enough for a trajectory: the
// violation of the energy grows as its root. On larger lattices their number adapts.
const enoughForTen = 1024

// classical measures the observables twice without a model: on a long run of the
// recommended kernel of φ⁴, which shares nothing with the training but the action, and on
// the usual baseline, hybrid Monte Carlo in unit trajectories of ten leapfrog steps, or more.
func (q *quickstart) classical(ctx context.Context) error {
	cold, err := mcmc.LeastConstant(q.action)
	if err != nil {
		return err
	}
	observables := measure.Observables(q.action)
	err = q.folder.Task(ctx, "reference (cluster, Metropolis)", func(t *progress.Task) error {
		run, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Action: q.action, N: 1600, Thin: 40, Seed: q.o.Part(seedReference), ColdValue: cold, Observables: observables, Progress: t.Set,
			Checkpoint: q.folder.Path(program.ReferenceState),
		}, nil)
		if err != nil {
			return err
		}
		return q.table.Of("reference").Add(measure.Chain(measure.FromRun(run)...))
	})
	if err != nil {
		return err
	}
	return q.folder.Task(ctx, "hybrid Monte Carlo", func(t *progress.Task) error {
		const trajectories = 64000
		// Trajectories cannot leave a state of two domains in reasonable time: all chains
		// start in the minimum.
		run, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Action: q.action, N: q.o.Samples, Thin: max(1, trajectories/q.o.Samples), Seed: q.o.Part(seedHMC),
			Start: mcmc.StartCold, ColdValue: cold, Observables: observables, Progress: t.Set,
			Checkpoint: q.folder.Path(program.HMCState),
		}, func(int) (mcmc.Kernel, error) {
			cfg := hmc.Config{Steps: 10, Flip: true}
			if q.action.Layout().Volume() > enoughForTen {
				cfg.Steps = 0
			}
			return hmc.New(q.action, cfg)
		})
		if err := report.Baseline(run, q.o.Samples, err); err != nil {
			return err
		}
		q.out.HMC, q.out.Testing = measure.FromRun(run), measure.FromEnsemble(q.action, run.Ensemble)
		if err := q.table.Of("hmc").Add(measure.Chain(q.out.HMC...)); err != nil {
			return err
		}
		q.table.Add("hmc", measure.Acceptance, stats.Estimate{Value: run.Stats.Acceptance(), Error: math.NaN()})
		return q.folder.SaveEnsemble(program.HMCFile, run.Ensemble)
	})
}

// strip draws a few configurations on their way from noise (figure 4 of the paper), if they
// have a picture.
func (q *quickstart) strip(ctx context.Context, m diffusion.ScoreModel) error {
	lat := q.action.Layout().Lattice
	if lat.Dim() != 2 || q.folder.Intact(report.StripFile) {
		return nil
	}
	strip, cfg := report.NewStrip(lat, q.o.ReverseSteps), q.o.Sampler()
	cfg.Trace = strip.Record
	sampler, err := diffusion.NewSampler(q.backend, m, cfg)
	if err != nil {
		return err
	}
	if _, err := sampler.Sample(ctx, report.Candidates, q.o.Part(seedStrip)); err != nil {
		return err
	}
	return strip.Save(q.folder)
}

// keep returns the n configurations of an earlier run, or makes them.
func (q *quickstart) keep(ctx context.Context, file, title string, n int, produce func(t *progress.Task) (*lattice.Ensemble, error)) (*lattice.Ensemble, error) {
	return q.folder.Ensemble(ctx, file, title, q.action.Layout(), n, produce)
}
