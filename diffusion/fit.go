package diffusion

import (
	"context"
	"math"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/lattice"
)

// FitConfig configures [Fit]. Only the network has no default.
type FitConfig struct {
	// Network is the network, which adapts to the theory: the zero configuration of
	// package hollow has an exact divergence, that of package unet needs probes.
	Network Architecture
	// Start, if not nil, is a model whose network and weights the training begins with,
	// of any lattice of the same dimension; Network is then not used. The Gaussian part is of
	// the kind of that of Start: a mixture of two, where the magnetisation has a flatter
	// distribution than a normal one, or a single one, in an ordered phase too.
	Start *Model
	// Train says how to train. Its Objective, Targets, Action and Seed are filled in where they
	// are zero; its SigmaMin and SigmaMax, where given, are also those of the model; an
	// existing Checkpoint is continued.
	Train TrainConfig
	// Seed determines the initial weights and the training.
	Seed uint64
	// Warn, if not nil, is told the Warnings of the [Measurement] before the training.
	Warn func(warning string)
}

// Fit trains a model of the ensemble of an action: it measures what the model has to know,
// see [Measure], wraps the network accordingly, and trains it towards the known drift
// (the objective [Target]). It is [Measure], [NewModel] and [Train] with
// the choices that are right for most theories; use these for others.
//
// At a cancelled ctx it returns its error; with a Checkpoint in Train the same call then
// continues. It returns the errors of the parts otherwise.
func Fit(ctx context.Context, backend compute.Backend, action lattice.Action, ens *lattice.Ensemble, cfg FitConfig) (*Model, error) {
	m, err := measure(action, ens, cfg.ordered())
	if err != nil {
		return nil, err
	}
	if cfg.Warn != nil {
		for _, w := range m.Warnings {
			cfg.Warn(w)
		}
	}
	m.Seed = cfg.Seed
	if cfg.Train.SigmaMin > 0 {
		m.SigmaMin = cfg.Train.SigmaMin
	}
	if cfg.Train.SigmaMax > 0 {
		m.SigmaMax = cfg.Train.SigmaMax
	}
	untrained, err := cfg.untrained(backend, m.ModelConfig)
	if err != nil {
		return nil, err
	}
	train := cfg.Train
	if train.Targets == nil {
		train.Targets = m.Targets
	}
	if train.Action == nil {
		train.Action = action
	}
	if train.Seed == 0 {
		train.Seed = cfg.Seed
	}
	return Train(ctx, backend, untrained, ens, train)
}

// Train trains m on the configurations of ens and returns the model of the averaged
// weights: it is [NewTrainer] and [Trainer.Run], after [Trainer.Restore] where there is a
// Checkpoint to continue. It returns the error of a cancelled ctx, and those of the parts.
func Train(ctx context.Context, backend compute.Backend, m *Model, ens *lattice.Ensemble, cfg TrainConfig) (*Model, error) {
	t, err := NewTrainer(backend, m, ens, cfg)
	if err != nil {
		return nil, err
	}
	if err := t.resume(); err != nil {
		return nil, err
	}
	if err := t.Run(ctx); err != nil {
		return nil, err
	}
	return t.Model()
}

// ordered returns the Binder cumulant above which the Gaussian part is a mixture.
func (c *FitConfig) ordered() float64 {
	switch {
	case c.Start == nil:
		return orderedBinder
	case c.Start.Order() > 0:
		return 0
	}
	return math.Inf(1)
}

// untrained returns the model before training.
func (c *FitConfig) untrained(backend compute.Backend, cfg ModelConfig) (*Model, error) {
	if c.Start != nil {
		return c.Start.OnLattice(cfg)
	}
	return NewModel(backend, c.Network, cfg)
}
