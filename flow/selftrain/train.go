package selftrain

import (
	"context"
	"slices"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// trainer trains the network from rung to rung, with the moments of its optimizer and graphs that
// are compiled once.
type trainer struct {
	*diffusion.Trainer
	// Seed is that of the training, and Configurations the number of those of the last rung.
	Seed           uint64
	Configurations int
}

// fit trains the network for a theory on configurations, on from the last good rung: with fresh
// weights, or those of a model to start with, after a Gaussian, and where the configurations have
// become ordered or no longer are, as these networks have other inputs. It returns the model and the number of training steps.
func (l *ladder) fit(ctx context.Context, action lattice.Action, ens *lattice.Ensemble, steps int, seed uint64) (*diffusion.Model, int, error) {
	m, err := diffusion.Measure(action, ens)
	if err != nil {
		return nil, 0, err
	}
	last := l.good.model
	fits := func(o *diffusion.Model) bool {
		return o != nil && (o.Order() > 0) == (m.Order > 0) && (o.Config().Site == nil) == (m.Site == nil)
	}
	begin := last
	if i := slices.IndexFunc(l.Start, fits); !fits(last) && i >= 0 {
		begin = l.Start[i]
	}
	switch {
	case !fits(begin):
		steps = max(steps, l.FirstSteps)
		m.Seed = seed
		model, err := diffusion.NewModel(l.backend, l.Network, m.ModelConfig)
		if err != nil {
			return nil, 0, err
		}
		if err := l.newTrainer(model, ens, m.Targets, steps, seed); err != nil {
			return nil, 0, err
		}
	case begin == last && l.trainer != nil && l.trainer.SetData(diffusion.Data{Ensemble: ens, Model: m.ModelConfig, Targets: m.Targets, Action: action, Steps: steps}) == nil:
		l.trainer.Configurations = ens.Len()
	default:
		// From a model that was given, from the last good rung if the last attempt failed, or
		// from one whose graphs hold the potential of a site of another parameter.
		m.Seed = begin.Config().Seed
		model, err := begin.OnLattice(m.ModelConfig)
		if err != nil {
			return nil, 0, err
		}
		if err := l.newTrainer(model, ens, m.Targets, steps, seed); err != nil {
			return nil, 0, err
		}
	}
	if err := l.trainer.Run(ctx); err != nil {
		return nil, 0, err
	}
	model, err := l.trainer.Model()
	return model, steps, err
}

// newTrainer sets the trainer to one of a model.
func (l *ladder) newTrainer(m *diffusion.Model, ens *lattice.Ensemble, targets []float64, steps int, seed uint64) error {
	cfg := l.Train
	cfg.Targets, cfg.Steps, cfg.Seed = targets, steps, seed
	t, err := diffusion.NewTrainer(l.backend, m, ens, cfg)
	l.trainer = &trainer{t, seed, ens.Len()}
	return err
}

// revive sets the trainer to the state that a file holds, which was left with as many
// configurations and after as many steps.
func (l *ladder) revive(p *position, file string, configurations, steps int, seed uint64) error {
	action, err := l.family.at(p.t)
	if err != nil {
		return err
	}
	// The next rung brings configurations of its own: here only their number matters.
	ens := lattice.NewEnsemble(p.draws.Ensemble.Layout, configurations)
	for i := range configurations {
		ens.Append(p.draws.Ensemble.Config(i % p.draws.Ensemble.Len()))
	}
	targets, err := diffusion.ResidualField(action, p.model.Config(), ens.Data)
	if err != nil {
		return err
	}
	m, err := p.model.Clone()
	if err != nil {
		return err
	}
	if err := l.newTrainer(m, ens, targets, steps, seed); err != nil {
		return err
	}
	return l.trainer.Restore(file)
}
