package pipeline

import (
	"context"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
	"github.com/latdiff/latdiff/unet"
)

// orderedBinder is the Binder cumulant (2/3 for two sharp peaks, 0 for a Gaussian)
// above which an ensemble is modelled as a mixture of two Gaussians.
const orderedBinder = 0.4

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
		return m, m.CheckLattice(r.lat)
	}
	return r.train(ctx, ens)
}

func (r *Run) train(ctx context.Context, ens *lattice.Ensemble) (*diffusion.Model, error) {
	m, cfg, err := r.untrained(ens)
	if err != nil {
		return nil, err
	}
	cfg.Steps, cfg.Batch, cfg.Seed = r.o.Steps, r.o.Batch, r.seed(seedModel)
	cfg.Checkpoint, cfg.CheckpointEvery = r.folder.Path(TrainFile), 250
	cfg.Evaluate, cfg.EvaluateEvery = r.Evaluate, r.EvaluateEvery
	var trained *diffusion.Model
	err = r.Task(ctx, "training the network", func(t *progress.Task) error {
		cfg.Progress = func(p diffusion.TrainProgress) {
			t.Note("loss %.4f", p.SmoothedLoss)
			t.Set(p.Step, p.Steps)
			if r.Trained != nil {
				r.Trained(p)
			}
		}
		trainer, err := diffusion.NewTrainer(r.backend, m, ens, cfg)
		if err != nil {
			return err
		}
		if r.folder.Has(TrainFile) {
			if err := trainer.Restore(r.folder.Path(TrainFile)); err != nil {
				return err
			}
		}
		if err := trainer.Run(ctx); err != nil {
			return err
		}
		if trained, err = trainer.Model(); err != nil {
			return err
		}
		return trained.Save(r.folder.Path(ModelFile))
	})
	return trained, err
}

// untrained returns the model and the recipe of its training.
func (r *Run) untrained(ens *lattice.Ensemble) (*diffusion.Model, diffusion.TrainConfig, error) {
	if r.o.Preset == Paper && r.o.Model == UNet {
		return r.published(ens)
	}
	modelConfig, residual, err := r.measure(ens, r.action)
	if err != nil {
		return nil, diffusion.TrainConfig{}, err
	}
	net, rate, err := r.o.network(r.lat)
	if err != nil {
		return nil, diffusion.TrainConfig{}, err
	}
	modelConfig.Seed = r.seed(seedModel)
	var m *diffusion.Model
	if r.start != nil {
		m, err = r.start.OnLattice(r.lat, modelConfig)
	} else {
		m, err = diffusion.NewModel(r.lat, net, modelConfig)
	}
	cfg := diffusion.TrainConfig{SigmaMin: sigmaMin, SigmaMax: r.o.SigmaMax, LearningRate: rate}
	if r.o.Objective == "target" {
		cfg.Objective, cfg.Residual = diffusion.Target, residual
	}
	return m, cfg, err
}

// published returns the paper's model on fields scaled to [-1, 1], and its recipe.
func (r *Run) published(ens *lattice.Ensemble) (*diffusion.Model, diffusion.TrainConfig, error) {
	cfg := diffusion.PaperTraining(ens.Len())
	net, err := unet.NewPaper(unet.PaperConfig{})
	if err != nil {
		return nil, cfg, err
	}
	normalization, err := diffusion.MinMax(ens)
	if err != nil {
		return nil, cfg, err
	}
	m, err := diffusion.NewModel(r.lat, net, diffusion.ModelConfig{Normalization: normalization, Unscaled: true, Seed: r.seed(seedModel)})
	return m, cfg, err
}

// measure fits the Gaussian part of a model, a mixture if the ensemble is ordered.
func (r *Run) measure(ens *lattice.Ensemble, action lattice.Action) (diffusion.ModelConfig, []float64, error) {
	binder, err := stats.BinderCumulant(ens.Measure(nil, lattice.Magnetization), 20)
	if err != nil {
		return diffusion.ModelConfig{}, nil, err
	}
	return diffusion.Measure(r.backend, ens, action, binder.Value > orderedBinder)
}

// sigmaMax returns the largest noise level of the model.
func (r *Run) sigmaMax(m diffusion.ScoreModel) float64 {
	if r.o.SigmaMax > 0 {
		return r.o.SigmaMax
	}
	if m, ok := m.(*diffusion.Model); ok {
		return m.SigmaMax()
	}
	l, _ := diffusion.Linear(m)
	return diffusion.SigmaMaxFor(l.Spectrum())
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
	cfg, _, err := r.measure(ens, nil)
	if err != nil {
		return nil, err
	}
	return diffusion.NewMixture(r.lat, cfg.Spectrum, cfg.Order)
}

// Gaussian draws from the baseline, the model without a network.
func (r *Run) Gaussian(ctx context.Context, ens *lattice.Ensemble) (*lattice.Ensemble, error) {
	g, err := r.mixture(ens)
	if err != nil {
		return nil, err
	}
	f, err := flow.New(r.backend, g, flow.Config{Steps: r.o.FlowSteps, SigmaMin: sigmaMin, SigmaMax: r.o.SigmaMax, Seed: r.seed(seedGaussian)})
	if err != nil {
		return nil, err
	}
	s, err := f.Sample(ctx, r.o.Samples)
	if err != nil {
		return nil, err
	}
	return r.Annotate(s.Ensemble, &s.Likelihood), nil
}

// Annotate stores S and log q with the configurations.
func (r *Run) Annotate(ens *lattice.Ensemble, l *flow.Likelihood) *lattice.Ensemble {
	ens.Params = map[string]float64{"kappa": r.o.Kappa, "lambda": r.o.Lambda, "step_error": l.StepError}
	ens.Extra = map[string][]float64{"action": ens.Measure(nil, r.action.Value), "logq": l.LogQ, "logq_error": l.ProbeError}
	return ens
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
		cfg := diffusion.SampleConfig{Seed: r.seed(seedReverse), Progress: t.Set, Trace: strip.record(r.lat, r.o.ReverseSteps)}
		var err error
		ens, err = r.reverse(ctx, m, r.o.Samples, cfg)
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
		l, err := f.LogProb(ctx, ens)
		if err != nil {
			return err
		}
		return lattice.WriteEnsemble(r.folder.Path(ReverseFile), r.Annotate(ens, l))
	})
	return ens, err
}

// Proposals draws through the flow, with the density of the same map.
func (r *Run) Proposals(ctx context.Context, m diffusion.ScoreModel) (*lattice.Ensemble, error) {
	return r.Propose(ctx, m, ProposalsFile, r.o.Samples)
}
