package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Words of -moves and -update.
const (
	independent = "independent"
	updateHMC   = "hmc"
)

const (
	// movingChains is the number of chains side by side, whose fields go through the flow
	// together.
	movingChains = 64
	// movingSettle is the number of their steps in which β and kernels adapt, and that they
	// need from draws of the model to equilibrium.
	movingSettle = 64
)

// Numbers in the files of these chains, and β in results.json.
const (
	stepSize = "beta"
	accepted = "acceptance"
)

// parseMoves returns the kinds of chains in the list that need runs of their own.
func parseMoves(list string) ([]string, error) {
	var moves []string
	for _, word := range strings.Split(list, ",") {
		switch {
		case word == independent:
		case (word == latentSpace || word == composite) && !slices.Contains(moves, word):
			moves = append(moves, word)
		default:
			return nil, fmt.Errorf("expected -moves %s, %s, %s or a list of them, got %q", independent, latentSpace, composite, list)
		}
	}
	return moves, nil
}

// moving returns the number of the chains and the steps of each.
func (d *dmmc) moving() (chains, each int) {
	chains = min(movingChains, d.o.moveSteps/leastChain)
	return chains, d.o.moveSteps / chains
}

// move runs the chains of -moves.
func (d *dmmc) move(ctx context.Context, m diffusion.ScoreModel) error {
	chains, each := d.moving()
	for _, name := range d.kinds {
		file := name + ".npz"
		all, err := d.Ensemble(ctx, file, titles[name], chains*each, func(t *progress.Task) (*lattice.Ensemble, error) {
			cfg := d.o.Flow()
			cfg.Batch = chains
			f, err := flow.New(d.Backend(), m, cfg)
			if err != nil {
				return nil, err
			}
			run := d.runLatent
			if name == composite {
				run = d.runComposite
			}
			p := pace{start: time.Now(), set: t.Set}
			all, err := run(ctx, f, p.progress, d.Folder().State(file))
			if err != nil {
				return nil, err
			}
			if seconds, ok := p.seconds(); ok {
				err = d.times.set(name, seconds/float64(chains))
			}
			return all, err
		})
		if err != nil {
			return err
		}
		var series []measure.Series
		for c := range chains {
			series = append(series, measure.FromEnsemble(d.Action(), all.Slice(c*each, (c+1)*each)))
		}
		d.chains[name] = series
		if err := d.Results().Of(name).Add(measure.Chain(series...)); err != nil {
			return err
		}
		d.Results().Add(name, measure.Acceptance, stats.Estimate{Value: all.Params[accepted], Error: math.NaN()})
		if beta, ok := all.Params[stepSize]; ok {
			d.Results().Add(name, stepSize, stats.Estimate{Value: beta, Error: math.NaN()})
		}
		d.left(file)
	}
	return nil
}

// pace is the time of a step of a run that an earlier process may have begun.
type pace struct {
	start       time.Time
	first, last int // steps done when this process had made one, and in the end
	set         func(done, total int)
}

func (p *pace) progress(done, total int) {
	if p.first == 0 {
		p.first = done
	}
	p.last = done
	p.set(done, total)
}

// seconds returns the time of a step, if this process has made any.
func (p *pace) seconds() (float64, bool) {
	return time.Since(p.start).Seconds() / float64(p.last-p.first+1), p.first > 0
}

// runLatent runs chains that move in the latent space of the flow.
func (d *dmmc) runLatent(ctx context.Context, f *flow.ProbabilityFlow, progress func(done, total int), state string) (*lattice.Ensemble, error) {
	chains, each := d.moving()
	r, err := mcmc.Latent(ctx, d.Action(), f, mcmc.LatentConfig{
		Chains: chains, Steps: each, Thermalisation: movingSettle, Seed: d.seed(seedLatent), Progress: progress, Checkpoint: state,
	})
	if err != nil {
		return nil, err
	}
	r.Ensemble.Params = d.Action().Params()
	r.Ensemble.Params[accepted], r.Ensemble.Params[stepSize] = r.Acceptance, r.Beta
	return r.Ensemble, nil
}

// runComposite runs chains of which every step is a proposal of the model and a few updates
// without it.
func (d *dmmc) runComposite(ctx context.Context, f *flow.ProbabilityFlow, progress func(done, total int), state string) (*lattice.Ensemble, error) {
	chains, each := d.moving()
	action := d.Action()
	r, err := mcmc.Composite(ctx, action, f, mcmc.CompositeConfig{
		Chains: chains, Steps: each, Thermalisation: movingSettle, Updates: d.o.updates, Seed: d.seed(seedComposite), Progress: progress, Checkpoint: state,
		NewKernel: func(int) (mcmc.Kernel, error) {
			if d.o.update == updateHMC {
				return hmc.New(action, hmc.Config{Steps: 10, Flip: true})
			}
			return mcmc.Recommended(action)
		},
	})
	if err != nil {
		return nil, err
	}
	r.Ensemble.Params = action.Params()
	r.Ensemble.Params[accepted] = r.Acceptance
	return r.Ensemble, nil
}
