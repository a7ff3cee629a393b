package main

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow/plaquette"
	"github.com/latdiff/latdiff/hollow/plaquette/pretrained"
)

const modelFile = "model.npz"

// checkModel returns what -model stands for, and an error for a file that cannot be used.
func (g *gaugeRun) checkModel(name string) (string, error) {
	switch name {
	case pretrainedModel:
		if _, ok := pretrained.Find(g.lift); !ok || g.o.retrain {
			return bothModel, nil
		}
	case solutionModel, networkModel, bothModel:
	default:
		if _, err := g.moved(diffusion.LoadModel(name)); err != nil {
			return "", err
		}
	}
	return name, nil
}

// moved returns a model on the lattice of the run.
func (g *gaugeRun) moved(m *diffusion.Model, err error) (*diffusion.Model, error) {
	if err != nil {
		return nil, err
	}
	cfg, err := m.Config().Moved(g.lift)
	if err != nil {
		return nil, err
	}
	return m.OnLattice(cfg)
}

// model returns the model, which the folder keeps.
func (g *gaugeRun) model(ctx context.Context) (*diffusion.Model, error) {
	kind, err := g.checkModel(g.o.model)
	if err != nil {
		return nil, err
	}
	if done, err := g.folder.Has(modelFile); err != nil {
		return nil, err
	} else if done {
		return diffusion.LoadModel(g.folder.Path(modelFile))
	}
	m, err := g.given(kind)
	if err == nil && m == nil {
		m, err = g.train(ctx, kind)
	}
	if err != nil {
		return nil, err
	}
	return m, g.folder.Save(modelFile, m.Save)
}

// given returns the model of a kind that needs no training, nil for the others.
func (g *gaugeRun) given(kind string) (*diffusion.Model, error) {
	switch kind {
	case pretrainedModel:
		return pretrained.Load(g.lift)
	case solutionModel, networkModel, bothModel:
		return nil, nil
	}
	return g.moved(diffusion.LoadModel(kind))
}

// train trains a model on independent configurations.
func (g *gaugeRun) train(ctx context.Context, kind string) (*diffusion.Model, error) {
	ens, err := g.draw(g.o.configurations, trainingPart)
	if err != nil {
		return nil, err
	}
	measured, err := diffusion.Measure(g.lift, ens)
	if err != nil {
		return nil, err
	}
	if kind == networkModel {
		measured.Space = diffusion.LiftedAngles{}
	}
	measured.Seed = g.seed(modelPart)
	network, err := plaquette.New(plaquette.Config{})
	if err != nil {
		return nil, err
	}
	m, err := diffusion.NewModel(g.backend, network, measured.ModelConfig)
	if err != nil || kind == solutionModel {
		return m, err
	}
	_, err = g.display.Timed(ctx, fmt.Sprintf("training on %d configurations", ens.Len()), func(set func(done, total int)) error {
		m, err = diffusion.Train(ctx, g.backend, m, ens, diffusion.TrainConfig{
			Targets: measured.Targets, Steps: g.o.steps, Seed: g.seed(modelPart), Checkpoint: g.folder.Path("training.npz"),
			Progress: func(p diffusion.TrainProgress) { set(p.Step, p.Steps) },
		})
		return err
	})
	return m, err
}
