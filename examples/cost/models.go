package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/pretrained"
	"github.com/latdiff/latdiff/lattice"
)

// candidate is a trained model.
type candidate struct {
	name  string
	model *diffusion.Model
}

// candidates returns the models of the user and then those that ship.
func candidates(o options) ([]candidate, error) {
	var out []candidate
	if o.models != "" {
		for file := range strings.SplitSeq(o.models, ",") {
			m, err := diffusion.LoadModel(file)
			if err != nil {
				return nil, err
			}
			if _, ok := m.Network().(diffusion.ExactNetwork); !ok {
				return nil, fmt.Errorf("expected models with an exact divergence, got a network %s in %s", m.Network().Kind(), file)
			}
			out = append(out, candidate{filepath.Base(file), m})
		}
	}
	for _, card := range pretrained.Cards() {
		m, err := card.Load()
		if err != nil {
			return nil, err
		}
		out = append(out, candidate{card.Name, m})
	}
	return out, nil
}

// model returns the model for an action on the lattice of a site, and where it comes from; nil
// if there is none. Weights from another lattice get the spectrum that is measured on this one.
func (c *cost) model(ctx context.Context, s *site, action *lattice.Phi4) (*diffusion.Model, string, error) {
	params := action.Params()
	var near *candidate
	distance := func(x candidate) float64 {
		return math.Abs(math.Log(float64(x.model.Layout().Volume()) / float64(s.volume())))
	}
	for i, x := range c.models {
		theory := x.model.Config().Theory.Params
		if theory["kappa"] != params["kappa"] || theory["lambda"] != params["lambda"] || x.model.Layout().Dim() != action.Layout().Dim() {
			continue
		}
		if x.model.CheckAction(action) == nil {
			return x.model, x.name, nil
		}
		if near == nil || distance(x) < distance(*near) {
			near = &c.models[i]
		}
	}
	if near == nil {
		return nil, "", nil
	}
	ens, err := c.ensemble(ctx, s, action)
	if err != nil {
		return nil, "", err
	}
	measured, err := diffusion.Measure(action, ens)
	if err != nil {
		return nil, "", err
	}
	// The kind of the Gaussian part belongs to the weights.
	if (measured.Order > 0) != (near.model.Config().Order > 0) {
		return nil, "", nil
	}
	m, err := near.model.OnLattice(measured.ModelConfig)
	return m, "weights of " + near.model.Layout().Lattice.String(), err
}

// withModel measures a sampler that needs the flow of a model.
func withModel(f func(ctx context.Context, j *job, p *flow.ProbabilityFlow) (outcome, error)) func(context.Context, *cost, *job) (outcome, error) {
	return func(ctx context.Context, c *cost, j *job) (outcome, error) {
		m, name, err := c.model(ctx, j.site, j.action)
		if err != nil {
			return outcome{}, err
		}
		if m == nil {
			return missing("no model for κ = %v, λ = %v and its order on this lattice", c.o.Kappa, c.o.Lambda), nil
		}
		p, err := flow.New(c.backend, m, flow.Config{})
		if err != nil {
			return outcome{}, err
		}
		o, err := f(ctx, j, p)
		if o.Variant == "" {
			o.Variant = name
		}
		return o, err
	}
}

// withoutNetwork measures the proposals of a Gaussian, or of two.
func withoutNetwork(ctx context.Context, c *cost, j *job) (outcome, error) {
	m, err := gaussianModel(j.action, j.ens)
	if err != nil {
		return outcome{}, err
	}
	p, err := flow.New(c.backend, m, flow.Config{})
	if err != nil {
		return outcome{}, err
	}
	return proposals(ctx, j, p)
}

func gaussianModel(action lattice.Action, ens *lattice.Ensemble) (*diffusion.Gaussian, error) {
	measured, err := diffusion.Measure(action, ens)
	if err != nil {
		return nil, err
	}
	return diffusion.NewGaussian(measured.ModelConfig)
}
