package selftrain

import (
	"context"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// proposal is what draws the configurations of a rung: a Gaussian, or a model with a network.
type proposal struct {
	gaussian diffusion.ModelConfig
	model    *diffusion.Model // nil: the Gaussian
}

// score returns the model of the draws.
func (p proposal) score() (diffusion.ScoreModel, error) {
	if p.model != nil {
		return p.model, nil
	}
	return diffusion.NewGaussian(p.gaussian)
}

// config returns the Gaussian part.
func (p proposal) config() diffusion.ModelConfig {
	if p.model != nil {
		return p.model.Config()
	}
	return p.gaussian
}

// orderedBinder is the Binder cumulant above which the Gaussian part is a mixture of two, that
// of [diffusion.Measure].
const orderedBinder = 0.4

// fit trains a network for a theory on configurations, on from the weights of last, unless that is a
// Gaussian, or one whose Gaussian part is single where the configurations are ordered: these need other
// weights, and more steps.
func (l *ladder) fit(ctx context.Context, action lattice.Action, ens *lattice.Ensemble, last proposal, steps int, seed uint64) (*diffusion.Model, int, error) {
	cfg := diffusion.FitConfig{Network: l.Network, Start: last.model, Train: l.Train, Seed: seed}
	if last.model == nil || last.model.Order() == 0 && ens.Components == 1 && binder(ens) > orderedBinder {
		cfg.Start, steps = nil, max(steps, l.FirstSteps)
	}
	cfg.Train.Steps = steps
	m, err := diffusion.Fit(ctx, l.backend, action, ens, cfg)
	return m, steps, err
}

// binder returns 1 - ⟨M⁴⟩/(3⟨M²⟩²).
func binder(ens *lattice.Ensemble) float64 {
	m2, m4 := 0.0, 0.0
	for _, phi := range ens.All() {
		m := lattice.Magnetization(phi)
		m2, m4 = m2+m*m, m4+m*m*m*m
	}
	return 1 - m4*float64(ens.Len())/(3*m2*m2)
}
