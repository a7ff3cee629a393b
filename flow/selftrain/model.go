package selftrain

import (
	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
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

// flow returns the flow of a proposal, with the graphs of the last one where they are the same.
func (l *ladder) flow(p proposal) (*flow.ProbabilityFlow, error) {
	if l.last != nil && p.model != nil && l.last.SetModel(p.model) == nil {
		return l.last, nil
	}
	score, err := p.score()
	if err != nil {
		return nil, err
	}
	cfg := l.Flow
	if p.model == nil && p.gaussian.Order == 0 {
		// A linear score is solved exactly.
		cfg.Integrator, cfg.Steps = flow.Euler, 2
	}
	f, err := flow.New(l.backend, score, cfg)
	if p.model != nil {
		l.last = f
	}
	return f, err
}
