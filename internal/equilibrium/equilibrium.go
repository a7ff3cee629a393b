// Package equilibrium starts Markov chains of φ⁴ theory in equilibrium, so that what is
// measured on a slow algorithm is its autocorrelation and not its thermalisation.
package equilibrium

import (
	"context"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// Steps of the cycle that equilibrates, more than a hundred of its autocorrelation
// times at the points of the paper, and steps that tune the kernel thereafter.
const (
	cycleSteps  = 500
	tuningSteps = 1000
)

// Kernel is a kernel whose chains begin with a configuration from an equilibrated
// chain of [mcmc.Recommended]; see [mcmc.StartKernel].
type Kernel struct {
	mcmc.Kernel
	cycle *mcmc.Cycle
}

var _ mcmc.Starter = (*Kernel)(nil)

// New wraps the kernel. It returns an error if action is nil.
func New(kernel mcmc.Kernel, action *lattice.Phi4) (*Kernel, error) {
	cycle, err := mcmc.Recommended(action)
	if err != nil {
		return nil, err
	}
	return &Kernel{kernel, cycle}, nil
}

// Start fills phi with a configuration drawn from e^{-S}. An adaptive kernel is tuned on
// the way, and frozen.
func (k *Kernel) Start(ctx context.Context, rng *rand.Rand, phi []float64) error {
	mcmc.HotStart(rng, phi)
	if err := repeat(ctx, rng, k.cycle, phi, cycleSteps); err != nil {
		return err
	}
	a, ok := k.Kernel.(mcmc.Adaptive)
	if !ok {
		return nil
	}
	a.SetAdaptation(true)
	err := repeat(ctx, rng, a, phi, tuningSteps)
	a.SetAdaptation(false)
	return err
}

func repeat(ctx context.Context, rng *rand.Rand, k mcmc.Kernel, phi []float64, n int) error {
	for range n {
		if _, err := k.Step(ctx, rng, phi); err != nil {
			return err
		}
	}
	return nil
}
