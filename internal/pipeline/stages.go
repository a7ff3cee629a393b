package pipeline

import (
	"context"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/unet"
)

// TrainingEnsemble makes the equilibrated training configurations, or reads those of
// an earlier run or of the user.
func (r *Run) TrainingEnsemble(ctx context.Context) (*lattice.Ensemble, error) {
	if r.in.Ensemble != nil {
		return r.in.Ensemble, nil
	}
	cold, err := mcmc.LeastConstant(r.action)
	if err != nil {
		return nil, err
	}
	return r.Ensemble(ctx, program.EnsembleFile, "training ensemble", r.o.Configurations, func(t *progress.Task) (*lattice.Ensemble, error) {
		run, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Action: r.action, N: r.o.Configurations, Seed: r.o.Part(seedEnsemble), ColdValue: cold, Progress: t.Set,
			Checkpoint: r.folder.State(program.EnsembleFile),
		}, r.Kernel)
		if err != nil {
			return nil, err
		}
		t.Note("thinned to every %d steps; hot and cold starts agree", run.Thin)
		return run.Ensemble, nil
	})
}

// Kernel returns the recommended kernel with a sign flip, which deep in the ordered phase
// is what moves between the signs of the magnetisation.
func (r *Run) Kernel(int) (mcmc.Kernel, error) {
	cycle, err := mcmc.Recommended(r.action)
	if err != nil {
		return nil, err
	}
	return mcmc.NewCycle(cycle, mcmc.SignFlip{})
}

// Train returns the score model that the options name. A network is fitted to the
// ensemble, or continues where an earlier run stopped.
func (r *Run) Train(ctx context.Context, ens *lattice.Ensemble) (diffusion.ScoreModel, error) {
	if r.in.Model != nil {
		return r.in.Model, nil
	}
	if r.o.Model == settings.Gaussian {
		return gaussian(r.action, ens)
	}
	if done, err := r.folder.Has(program.ModelFile); err != nil {
		return nil, err
	} else if done {
		m, err := diffusion.LoadModel(r.folder.Path(program.ModelFile))
		if err != nil {
			return nil, err
		}
		return m, m.CheckAction(r.action)
	}
	var m *diffusion.Model
	err := r.Task(ctx, "training the network", func(t *progress.Task) (err error) {
		cfg := r.o.Training(ens.Len())
		cfg.Seed, cfg.Checkpoint = r.o.Part(seedModel), r.folder.Path(program.TrainFile)
		cfg.Evaluate, cfg.EvaluateEvery = r.Evaluate, r.EvaluateEvery
		cfg.Progress = func(p diffusion.TrainProgress) {
			t.Note("loss %.4f", p.SmoothedLoss)
			t.Set(p.Step, p.Steps)
			if r.Trained != nil {
				r.Trained(p)
			}
		}
		if m, err = r.fit(ctx, ens, cfg); err != nil {
			return err
		}
		return r.folder.Save(program.ModelFile, m.Save)
	})
	return m, err
}

func (r *Run) fit(ctx context.Context, ens *lattice.Ensemble, cfg diffusion.TrainConfig) (*diffusion.Model, error) {
	if r.o.Published() {
		return unet.FitPaper(ctx, r.backend, r.action, ens, cfg)
	}
	net, err := r.o.Network(r.lat)
	if err != nil {
		return nil, err
	}
	start, err := r.o.Extended(r.backend, r.in.Start)
	if err != nil {
		return nil, err
	}
	return diffusion.Fit(ctx, r.backend, r.action, ens, diffusion.FitConfig{Network: net, Start: start, Train: cfg, Seed: cfg.Seed, Warn: report.Warn})
}

// gaussian returns the Gaussian, or the mixture of two, with the spectrum of the ensemble:
// a model without a network.
func gaussian(action lattice.Action, ens *lattice.Ensemble) (*diffusion.Gaussian, error) {
	m, err := diffusion.Measure(action, ens)
	if err != nil {
		return nil, err
	}
	return diffusion.NewGaussian(m.ModelConfig)
}

// GaussianFlow returns the flow of the baseline, the model without a network.
func (r *Run) GaussianFlow(ens *lattice.Ensemble) (*flow.ProbabilityFlow, error) {
	g, err := gaussian(r.action, ens)
	if err != nil {
		return nil, err
	}
	return flow.New(r.backend, g, flow.Config{Steps: r.o.FlowSteps})
}

// Gaussian draws from the baseline.
func (r *Run) Gaussian(ctx context.Context, ens *lattice.Ensemble) (*lattice.Ensemble, error) {
	f, err := r.GaussianFlow(ens)
	if err != nil {
		return nil, err
	}
	seed := r.o.Part(seedGaussian)
	s, err := f.Sample(ctx, r.o.Samples, seed)
	if err != nil {
		return nil, err
	}
	return r.Annotate(ctx, f, s.Ensemble, &s.Likelihood, seed)
}

// Flow returns the probability flow of m, which reports to t and keeps what it has done of a
// file of the folder.
func (r *Run) Flow(m diffusion.ScoreModel, t *progress.Task, file string) (*flow.ProbabilityFlow, error) {
	cfg := r.o.Flow()
	cfg.Progress, cfg.Checkpoint = t.Set, r.folder.State(file, "logq")
	return flow.New(r.backend, m, cfg)
}

// FlowSeed returns the seed of the draws through the flow.
func (r *Run) FlowSeed() uint64 { return r.o.Part(seedFlow) }

// Annotate stores S and log q with the configurations, and the error of the steps, from
// the first of them. The seed is that of the call that returned l.
func (r *Run) Annotate(ctx context.Context, f *flow.ProbabilityFlow, ens *lattice.Ensemble, l *flow.Likelihood, seed uint64) (*lattice.Ensemble, error) {
	l.Annotate(r.action, ens)
	const few = 64
	e, err := f.StepError(ctx, ens.Slice(0, min(few, ens.Len())), l.LogQ, seed)
	ens.Params["step_error"] = e
	return ens, err
}

// Reverse draws by the reverse SDE, with the likelihood by the flow, and draws the picture
// of a few configurations on their way.
func (r *Run) Reverse(ctx context.Context, m diffusion.ScoreModel) (*lattice.Ensemble, error) {
	if err := r.strip(ctx, m); err != nil {
		return nil, err
	}
	return r.Ensemble(ctx, program.ReverseFile, "reverse SDE", r.o.Samples, func(t *progress.Task) (*lattice.Ensemble, error) {
		f, err := r.Flow(m, t, program.ReverseFile)
		if err != nil {
			return nil, err
		}
		if r.Joined != nil {
			return r.Join(ctx, f, program.ReverseFile, r.o.Samples)
		}
		drawn, err := r.reverse(ctx, m, program.ReverseFile, r.o.Samples, r.o.Part(seedReverse), t)
		if err != nil {
			return nil, err
		}
		l, err := f.LogProb(ctx, drawn, r.FlowSeed())
		if err != nil {
			return nil, err
		}
		return r.Annotate(ctx, f, drawn, l, r.FlowSeed())
	})
}

// Join returns the n configurations that shares have drawn into a file, annotated as those of one
// process.
func (r *Run) Join(ctx context.Context, f *flow.ProbabilityFlow, file string, n int) (*lattice.Ensemble, error) {
	ens, err := r.Joined(file, n)
	if err != nil {
		return nil, err
	}
	l := &flow.Likelihood{LogQ: ens.Extra["logq"], ProbeError: ens.Extra["logq_error"]}
	return r.Annotate(ctx, f, ens, l, r.FlowSeed())
}

// strip draws figure 4 of the paper, unless an earlier run did or the fields have no
// picture.
func (r *Run) strip(ctx context.Context, m diffusion.ScoreModel) error {
	if r.lat.Dim() != 2 || r.folder.Intact(report.StripFile) {
		return nil
	}
	strip, cfg := report.NewStrip(r.lat, r.o.ReverseSteps), r.o.Sampler()
	cfg.Trace = strip.Record
	sampler, err := diffusion.NewSampler(r.backend, m, cfg)
	if err != nil {
		return err
	}
	if _, err := sampler.Sample(ctx, report.Candidates, r.o.Part(seedStrip)); err != nil {
		return err
	}
	return strip.Save(r.folder)
}

// Further draws n configurations by the reverse process without their likelihood, in
// addition to those of Reverse, and keeps them in a file of the folder. Draws with other
// numbers are independent. Shares have drawn them as a block of FurtherBlock.
func (r *Run) Further(ctx context.Context, m diffusion.ScoreModel, number int, file string, n int) (*lattice.Ensemble, error) {
	return r.Ensemble(ctx, file, "reverse SDE, further draws", n, func(t *progress.Task) (*lattice.Ensemble, error) {
		if r.Joined != nil {
			return r.Joined(file, n)
		}
		return r.reverse(ctx, m, file, n, r.o.Part(seedFurther+number), t)
	})
}

// reverse draws n configurations of a file by the reverse SDE.
func (r *Run) reverse(ctx context.Context, m diffusion.ScoreModel, file string, n int, seed uint64, t *progress.Task) (*lattice.Ensemble, error) {
	cfg := r.o.Sampler()
	cfg.Progress, cfg.Checkpoint = t.Set, r.folder.State(file)
	sampler, err := diffusion.NewSampler(r.backend, m, cfg)
	if err != nil {
		return nil, err
	}
	return sampler.Sample(ctx, n, seed)
}

// Propose draws n configurations through the flow of any model, with the density of the
// same map, and keeps them in a file of the folder. All models start from one latent
// noise.
func (r *Run) Propose(ctx context.Context, m diffusion.ScoreModel, file string, n int) (*lattice.Ensemble, error) {
	return r.Ensemble(ctx, file, "proposals by the flow", n, func(t *progress.Task) (*lattice.Ensemble, error) {
		f, err := r.Flow(m, t, file)
		if err != nil {
			return nil, err
		}
		if r.Joined != nil {
			return r.Join(ctx, f, file, n)
		}
		s, err := f.Sample(ctx, n, r.FlowSeed())
		if err != nil {
			return nil, err
		}
		return r.Annotate(ctx, f, s.Ensemble, &s.Likelihood, r.FlowSeed())
	})
}
