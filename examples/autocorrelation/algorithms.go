package main

import (
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// Names of the algorithms, which are the ensembles in results.json.
const (
	frozen    = "metropolis_global"
	global    = "metropolis_global_tuned"
	local     = "metropolis"
	hybrid    = "hmc"
	long      = "hmc_long"
	cluster   = "cluster"
	published = "dmmc_published"
	diffusive = "dmmc"
	gaussian  = "gaussian"
)

// classical is an algorithm without a model.
type classical struct {
	name string
	// divide shortens the chains of algorithms that decorrelate in a few steps.
	divide int
	kernel func(action *lattice.Phi4) (mcmc.Kernel, error)
	// tuned leaves the parameters of an adaptive kernel to their tuning.
	tuned bool
}

var classicals = []classical{
	{frozen, 16, shift, false},
	{global, 1, shift, true},
	{local, 1, func(action *lattice.Phi4) (mcmc.Kernel, error) {
		return mcmc.NewMetropolis(action, mcmc.MetropolisConfig{})
	}, true},
	{hybrid, 1, func(action *lattice.Phi4) (mcmc.Kernel, error) {
		return hmc.New(action, hmc.Config{Steps: 100})
	}, false},
	{long, 16, func(action *lattice.Phi4) (mcmc.Kernel, error) {
		return hmc.New(action, hmc.Config{Integrator: hmc.Omelyan, Length: 10, Steps: 20, Jitter: 0.5})
	}, false},
	{cluster, 16, func(action *lattice.Phi4) (mcmc.Kernel, error) { return mcmc.Recommended(action) }, true},
}

// shift is the "MC" of the paper.
func shift(action *lattice.Phi4) (mcmc.Kernel, error) {
	return mcmc.NewGlobalShift(action, mcmc.GlobalShiftConfig{})
}

// fixed hides the tuning of an adaptive kernel.
type fixed struct{ mcmc.Kernel }

// make returns the kernel of one chain.
func (c *classical) make(action *lattice.Phi4) (mcmc.Kernel, error) {
	k, err := c.kernel(action)
	if err != nil || c.tuned {
		return k, err
	}
	return fixed{k}, nil
}
