package main

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/unet"
)

// Names of the models.
const (
	gaussian = "gaussian" // the Gaussian part alone
	plain    = "plain"    // a network for the whole drift
	wrapped  = "wrapped"  // a network for what the Gaussian part leaves
	target   = "target"   // the same, by target score matching
)

// contestant is a model and what its plots need.
type contestant struct {
	name  string
	score diffusion.ScoreModel
	exec  *model.Exec
	seed  uint64
	// reverse are samples of the reverse equation as in the paper.
	reverse []float64
}

// train makes the models of a potential, the Gaussian part alone first.
func (t *toy) train(ctx context.Context, p *potential) error {
	measured, err := p.measure()
	if err != nil {
		return err
	}
	g, err := diffusion.NewGaussian(measured.ModelConfig)
	if err != nil {
		return err
	}
	if err := t.enter(p, gaussian, g); err != nil {
		return err
	}
	for j, name := range t.models {
		m, err := t.learn(ctx, p, measured, j)
		if err != nil {
			return err
		}
		if err := t.enter(p, name, m); err != nil {
			return err
		}
	}
	return nil
}

// measure returns what the data say about a model of them.
func (p *potential) measure() (*diffusion.Measurement, error) {
	m, err := diffusion.Measure(p.exact.Action(), p.data)
	if err == nil {
		m.SigmaMin, m.SigmaMax = sigmaMin, sigmaMax
	}
	return m, err
}

// learn trains network j of a potential.
func (t *toy) learn(ctx context.Context, p *potential, measured *diffusion.Measurement, j int) (*diffusion.Model, error) {
	name, seed := t.models[j], p.modelSeed(1+j)+seedTraining
	train := t.training(seed)
	network, config := unet.SiteConfig{Width: t.width()}, measured.ModelConfig
	switch {
	case name == plain:
		// The published networks see the noisy field as it is.
		network.Parity = diffusion.NoParity
		config = diffusion.ModelConfig{Layout: p.data.Layout, Theory: measured.Theory, Unscaled: true}
	case name == target:
		train.Objective, train.Targets = diffusion.Target, measured.Targets
	}
	config.Seed = seed
	net, err := unet.NewSite(network)
	if err != nil {
		return nil, err
	}
	m, err := diffusion.NewModel(t.backend, net, config)
	if err != nil {
		return nil, err
	}
	return t.fit(ctx, p, name, m, train)
}

// modelSeed returns the first seed of model k, of which the Gaussian is the first.
func (p *potential) modelSeed(k int) uint64 { return p.seed + seedModels + modelSeeds*uint64(k) }

// enter adds a model to those of the potential.
func (t *toy) enter(p *potential, name string, m diffusion.ScoreModel) error {
	c := &contestant{name: name, score: m, seed: p.modelSeed(len(p.models))}
	var err error
	c.exec, err = model.NewExec(t.backend, m.Store(), func(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
		return m.Score(scope, phi, sigma)
	})
	if err != nil {
		return fmt.Errorf("building the score: %w", err)
	}
	p.models = append(p.models, c)
	return nil
}

// width returns the width of the networks, 0 for the default.
func (t *toy) width() int {
	if t.o.Preset == paper {
		return 0
	}
	return 32
}

// training returns the settings of the preset for both objectives.
func (t *toy) training(seed uint64) diffusion.TrainConfig {
	cfg := diffusion.TrainConfig{Objective: diffusion.Denoising, LearningRate: 5e-3, SigmaMin: sigmaMin, SigmaMax: sigmaMax}
	if t.o.Preset == paper {
		cfg = diffusion.PaperTraining(t.o.Configurations)
	}
	cfg.Steps, cfg.Batch, cfg.Seed = t.o.Steps, t.o.Batch, seed
	return cfg
}

// fit trains a model, or continues where an earlier run stopped.
func (t *toy) fit(ctx context.Context, p *potential, name string, m *diffusion.Model, cfg diffusion.TrainConfig) (*diffusion.Model, error) {
	file := modelFile(p, name)
	if done, err := t.folder.Has(file); err != nil {
		return nil, err
	} else if done {
		m, err := diffusion.LoadModel(t.folder.Path(file))
		if err != nil {
			return nil, err
		}
		return m, m.CheckAction(p.exact.Action())
	}
	cfg.Checkpoint = t.folder.Path("train_" + file)
	var fitted *diffusion.Model
	err := t.folder.Task(ctx, "training "+name+p.short, func(task *progress.Task) (err error) {
		cfg.Progress = func(s diffusion.TrainProgress) {
			task.Note("loss %.4f", s.SmoothedLoss)
			task.Set(s.Step, s.Steps)
			if t.trained != nil {
				t.trained(s)
			}
		}
		if fitted, err = diffusion.Train(ctx, t.backend, m, p.data, cfg); err != nil {
			return err
		}
		return t.folder.Save(file, fitted.Save)
	})
	return fitted, err
}

// evaluate returns the drift that a model has at phi, with noise of level sigma.
func (c *contestant) evaluate(phi []float64, sigma float64) ([]float64, error) {
	levels := make([]float64, len(phi))
	for i := range levels {
		levels[i] = sigma
	}
	out, err := c.exec.Call1(tensors.FromFlatDataAndDimensions(phi, len(phi), 1, 1), levels)
	if err != nil {
		return nil, fmt.Errorf("evaluating the score: %w", err)
	}
	score, err := tensors.CopyFlatData[float64](out)
	if err != nil {
		return nil, fmt.Errorf("reading the score: %w", err)
	}
	return score, nil
}
