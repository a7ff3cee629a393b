package pipeline

import (
	"context"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/unet"
)

// Train returns the score model that the options name. A network is fitted to the
// ensemble, or continues where an earlier run stopped.
func (r *Run) Train(ctx context.Context, ens *lattice.Ensemble) (diffusion.ScoreModel, error) {
	switch {
	case r.givenModel != nil:
		return r.givenModel, nil
	case r.o.Model == Gaussian:
		return r.mixture(ens)
	case r.folder.Has(ModelFile):
		m, err := diffusion.LoadModel(r.folder.Path(ModelFile))
		if err != nil {
			return nil, err
		}
		return m, m.CheckAction(r.action)
	}
	return r.train(ctx, ens)
}

func (r *Run) train(ctx context.Context, ens *lattice.Ensemble) (*diffusion.Model, error) {
	cfg := diffusion.TrainConfig{
		Steps: r.o.Steps, Batch: r.o.Batch, LearningRate: r.o.LearningRate, Seed: r.seed(seedModel),
		Checkpoint: r.folder.Path(TrainFile), CheckpointEvery: 250, Evaluate: r.Evaluate, EvaluateEvery: r.EvaluateEvery,
	}
	if r.o.Objective == "denoising" {
		cfg.Objective = diffusion.Denoising
	}
	var trained *diffusion.Model
	err := r.Task(ctx, "training the network", func(t *progress.Task) (err error) {
		cfg.Progress = func(p diffusion.TrainProgress) {
			t.Note("loss %.4f", p.SmoothedLoss)
			t.Set(p.Step, p.Steps)
			if r.Trained != nil {
				r.Trained(p)
			}
		}
		if r.o.Preset == Paper && r.o.Model == UNet {
			trained, err = r.published(ctx, ens, cfg)
		} else {
			trained, err = r.fit(ctx, ens, cfg)
		}
		if err != nil {
			return err
		}
		return trained.Save(r.folder.Path(ModelFile))
	})
	return trained, err
}

// fit trains the network that the options name with the choices of the library.
func (r *Run) fit(ctx context.Context, ens *lattice.Ensemble, cfg diffusion.TrainConfig) (*diffusion.Model, error) {
	net, err := r.o.network(r.lat)
	if err != nil {
		return nil, err
	}
	cfg.SigmaMax = r.o.SigmaMax
	return diffusion.Fit(ctx, r.backend, r.action, ens, diffusion.FitConfig{Network: net, Start: r.start, Train: cfg, Seed: r.seed(seedModel)})
}

// published trains the paper's model, on fields scaled to [-1, 1], by its recipe.
func (r *Run) published(ctx context.Context, ens *lattice.Ensemble, cfg diffusion.TrainConfig) (*diffusion.Model, error) {
	recipe := diffusion.PaperTraining(ens.Len())
	recipe.Steps, recipe.Batch, recipe.Seed, recipe.Progress = cfg.Steps, cfg.Batch, cfg.Seed, cfg.Progress
	recipe.Checkpoint, recipe.CheckpointEvery = cfg.Checkpoint, cfg.CheckpointEvery
	recipe.Evaluate, recipe.EvaluateEvery = cfg.Evaluate, cfg.EvaluateEvery
	if cfg.LearningRate > 0 {
		recipe.LearningRate = cfg.LearningRate
	}
	net, err := unet.NewPaper(unet.PaperConfig{})
	if err != nil {
		return nil, err
	}
	normalization, err := diffusion.MinMax(ens)
	if err != nil {
		return nil, err
	}
	m, err := diffusion.NewModel(r.backend, net, diffusion.ModelConfig{
		Layout: ens.Layout, Theory: diffusion.Identify(r.action), Normalization: normalization, Unscaled: true, Seed: r.seed(seedModel),
	})
	if err != nil {
		return nil, err
	}
	trainer, err := diffusion.NewTrainer(r.backend, m, ens, recipe)
	if err != nil {
		return nil, err
	}
	if r.folder.Has(TrainFile) {
		if err := trainer.Restore(r.folder.Path(TrainFile)); err != nil {
			return nil, err
		}
	}
	if err := trainer.Run(ctx); err != nil {
		return nil, err
	}
	return trainer.Model()
}

// sigmaMax returns the largest noise level of the model.
func (r *Run) sigmaMax(m diffusion.ScoreModel) float64 {
	if r.o.SigmaMax > 0 {
		return r.o.SigmaMax
	}
	_, high := diffusion.Levels(m)
	return high
}

// flow returns the probability flow of m, which reports to t.
func (r *Run) flow(m diffusion.ScoreModel, t *progress.Task) (*flow.ProbabilityFlow, error) {
	cfg := r.FlowConfig(m)
	cfg.Progress = t.Set
	return flow.New(r.backend, m, cfg)
}

// mixture returns the Gaussian, or the mixture of two, with the spectrum of the
// ensemble: a model without a network.
func (r *Run) mixture(ens *lattice.Ensemble) (*diffusion.Gaussian, error) {
	m, err := diffusion.Measure(r.action, ens)
	if err != nil {
		return nil, err
	}
	return diffusion.NewGaussian(m.ModelConfig)
}

// Gaussian draws from the baseline, the model without a network.
func (r *Run) Gaussian(ctx context.Context, ens *lattice.Ensemble) (*lattice.Ensemble, error) {
	g, err := r.mixture(ens)
	if err != nil {
		return nil, err
	}
	f, err := flow.New(r.backend, g, flow.Config{Steps: r.o.FlowSteps, SigmaMax: r.o.SigmaMax})
	if err != nil {
		return nil, err
	}
	s, err := f.Sample(ctx, r.o.Samples, r.seed(seedGaussian))
	if err != nil {
		return nil, err
	}
	return r.Annotate(ctx, f, s.Ensemble, &s.Likelihood)
}

// Annotate stores S and log q with the configurations, and the error of the steps, from
// the first of them.
func (r *Run) Annotate(ctx context.Context, f *flow.ProbabilityFlow, ens *lattice.Ensemble, l *flow.Likelihood) (*lattice.Ensemble, error) {
	const few = 64
	e, err := f.StepError(ctx, &lattice.Ensemble{Layout: ens.Layout, Data: ens.Slice(0, min(few, ens.Len())).Data}, r.seed(seedFlow))
	if err != nil {
		return nil, err
	}
	ens.Params = r.action.Params()
	ens.Params["step_error"] = e
	ens.Extra = map[string][]float64{"action": ens.Measure(nil, r.action.Value), "logq": l.LogQ, "logq_error": l.ProbeError}
	return ens, nil
}

// Reverse draws by the reverse SDE, keeps the picture of its first configurations, and
// evaluates the likelihood by the flow.
func (r *Run) Reverse(ctx context.Context, m diffusion.ScoreModel) (*lattice.Ensemble, error) {
	if r.folder.Has(ReverseFile) {
		return r.Read(ReverseFile, r.o.Samples)
	}
	var ens *lattice.Ensemble
	var strip strip
	err := r.Task(ctx, "reverse SDE", func(t *progress.Task) error {
		cfg := diffusion.SamplerConfig{Progress: t.Set, Trace: strip.record(r.lat, r.o.ReverseSteps)}
		var err error
		ens, err = r.reverse(ctx, m, r.o.Samples, r.seed(seedReverse), cfg)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := r.plotStrip(&strip); err != nil {
		return nil, err
	}
	err = r.Task(ctx, "likelihood by the flow", func(t *progress.Task) error {
		f, err := r.flow(m, t)
		if err != nil {
			return err
		}
		l, err := f.LogProb(ctx, ens, r.seed(seedFlow))
		if err != nil {
			return err
		}
		if ens, err = r.Annotate(ctx, f, ens, l); err != nil {
			return err
		}
		return lattice.WriteEnsemble(r.folder.Path(ReverseFile), ens)
	})
	return ens, err
}

// Proposals draws through the flow, with the density of the same map.
func (r *Run) Proposals(ctx context.Context, m diffusion.ScoreModel) (*lattice.Ensemble, error) {
	return r.Propose(ctx, m, ProposalsFile, r.o.Samples)
}
