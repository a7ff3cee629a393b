package main

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

const (
	// batch is the number of proposals that are drawn at once, largeBatch, two batches of a flow, that of
	// lattices of largeVolume sites and more, where they take seconds.
	batch, largeBatch, largeVolume = 256, 128, 1 << 14
	// few and share say when weights are too few or too uneven for a cost: an effective
	// number of configurations, and the share of the largest weight; so does the k̂ of their tail
	// above the threshold of stats.ParetoKThreshold.
	few, share = 50, 0.05
	// mostProposals bounds the memory for |M| and log w.
	mostProposals = 1 << 22
)

// drawn is what the proposals so far have given.
type drawn struct{ Abs, LogW []float64 }

// proposals measures the independence sampler with the draws of a flow.
func proposals(ctx context.Context, j *job, p *flow.ProbabilityFlow) (outcome, error) {
	o := newOutcome()
	if _, err := p.Sample(ctx, 2, j.seed<<8); err != nil {
		return o, err
	}
	m, err := resume[drawn](j)
	if err != nil {
		return o, err
	}
	n := batch
	if j.volume() >= largeVolume {
		n = largeBatch
	}
	for j.left() > 0 && len(m.state.LogW) < mostProposals {
		start := time.Now()
		s, err := p.Sample(ctx, n, j.seed<<16+uint64(len(m.state.LogW)/n+1))
		if err != nil {
			return o, err
		}
		w, err := s.LogWeights(j.action)
		if err != nil {
			return o, err
		}
		m.state.LogW = append(m.state.LogW, w...)
		m.state.Abs = append(m.state.Abs, s.Ensemble.Measure(nil, lattice.AbsMagnetization)...)
		j.spend(time.Since(start))
		if err := m.saveDue(func(*drawn) error { return nil }); err != nil {
			return o, err
		}
	}
	abs, logw, seconds := m.state.Abs, m.state.LogW, j.used.Seconds()
	o.Steps, o.Seconds = len(logw), seconds/float64(len(logw))
	chain, err := mcmc.DMMC(rand.New(rand.NewPCG(j.seed, 1)), logw)
	if err != nil {
		return o, err
	}
	series := make([]float64, len(chain.Index))
	for t, k := range chain.Index {
		series[t] = abs[k]
	}
	if err := o.autocorrelation([][]float64{series}); err != nil {
		return o, err
	}
	w := chain.Weights
	o.Acceptance, o.ESS, o.LogZ, o.LogZSeconds = chain.Acceptance, w.ESS, w.LogZ, seconds
	o.SD = stats.Estimate{Value: w.SD, Error: w.SD / math.Sqrt(2*float64(len(logw)-1))}
	effective := w.ESS.Value * float64(len(logw))
	o.Share, o.ParetoK = w.MaxShare, w.ParetoK
	o.Reliable = o.Reliable && w.MaxShare < share && effective > few && !(w.ParetoK > stats.ParetoKThreshold(len(logw)))
	if c := seconds / effective; !o.Reliable && c > o.Cost.Value {
		// A chain that has not met the large weights does not know how long it would stay there.
		o.Cost = stats.Estimate{Value: c, Error: math.NaN()}
	}
	return o, nil
}

const (
	// pilotSteps are made to learn how long a step takes, and leastSteps at least thereafter.
	pilotSteps, leastSteps = 4, 16
	// largeChain is the number of float64 of the configurations of a measurement at most.
	largeChain = 1 << 27
)

// sideBySide measures many chains that go through a flow together. measure makes a number of
// steps of each, after as many of thermalisation, and keeps its state in a file where that has a name.
func sideBySide(j *job, measure func(chains, steps, thermalisation int, seed uint64, checkpoint string) (sideResult, error)) (outcome, error) {
	// A step of fewer chains takes less time, and small batches of large fields are as fast.
	chains := 64
	switch {
	case j.volume() >= largeVolume:
		chains = 16
	case j.volume() >= 1<<12:
		chains = 32
	}
	o := newOutcome()
	pilot := func(steps int) (float64, error) {
		start := time.Now()
		_, err := measure(chains, steps, steps, j.seed, "")
		d := time.Since(start)
		j.spend(d)
		return d.Seconds() / float64(2*steps), err
	}
	// The first run compiles.
	if _, err := pilot(1); err != nil {
		return o, err
	}
	parts := func(total int) (thermalisation, steps int) {
		thermalisation = max(leastSteps, min(64, total/4))
		return thermalisation, max(leastSteps, min(total-thermalisation, largeChain/(chains*j.volume())))
	}
	state := j.state + "-chains"
	r, total, seconds, err := withPilot(j, []string{state}, func() (int, error) {
		each, err := pilot(pilotSteps / 2)
		return max(1, int(j.left().Seconds()/each)), err
	}, func(total int) (sideResult, error) {
		thermalisation, steps := parts(total)
		return measure(chains, steps, thermalisation, j.seed+1, state)
	})
	if err != nil {
		return o, err
	}
	thermalisation, steps := parts(total)
	o.Steps, o.Seconds = steps*chains, seconds/float64((steps+thermalisation)*chains)
	o.Acceptance, o.Beta = r.acceptance, r.beta
	return o, o.autocorrelation(r.abs)
}

// sideResult are chains side by side.
type sideResult struct {
	abs              [][]float64
	acceptance, beta float64
}

// latentChains measures chains in the latent space of a flow.
func latentChains(ctx context.Context, j *job, p *flow.ProbabilityFlow) (outcome, error) {
	return sideBySide(j, func(chains, steps, thermalisation int, seed uint64, checkpoint string) (sideResult, error) {
		r, err := mcmc.Latent(ctx, j.action, p, mcmc.LatentConfig{
			Chains: chains, Steps: steps, Thermalisation: thermalisation, Seed: seed, Checkpoint: checkpoint,
		})
		if err != nil {
			return sideResult{}, err
		}
		return sideResult{r.Series(lattice.AbsMagnetization), r.Acceptance, r.Beta}, nil
	})
}

// updates is the number of cycles of the cluster kernel in a step of hybrid chains.
const updates = 4

// hybridChains measures chains with a proposal of a flow and cluster updates in each step.
func hybridChains(ctx context.Context, j *job, p *flow.ProbabilityFlow) (outcome, error) {
	return sideBySide(j, func(chains, steps, thermalisation int, seed uint64, checkpoint string) (sideResult, error) {
		r, err := mcmc.Composite(ctx, j.action, p, mcmc.CompositeConfig{
			Chains: chains, Steps: steps, Thermalisation: thermalisation, Updates: updates, Seed: seed, Checkpoint: checkpoint,
		})
		if err != nil {
			return sideResult{}, err
		}
		return sideResult{r.Series(lattice.AbsMagnetization), r.Acceptance, math.NaN()}, nil
	})
}
