package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// LocalFlip draws the sign of each number of the field in turn from its distribution given
// all others: φ_i → -φ_i with the probability 1/(1+exp(ΔS)), the heat bath of two states.
// It crosses at once the barrier between the two wells of a site, which small steps and
// trajectories cannot do where the quartic coupling is strong. It leaves exp(-S) invariant
// for any action, even or not, but never changes |φ_i|: combine it with a kernel that does,
// see [Cycle].
type LocalFlip struct {
	action lattice.LocalAction
	layout lattice.Layout
	order  []int32
}

var _ Kernel = (*LocalFlip)(nil)

// NewLocalFlip returns the kernel of action. It returns an error if there is no action, or
// if its Difference contradicts its Value.
func NewLocalFlip(action lattice.LocalAction) (*LocalFlip, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("mcmc: local flip: %w", err)
	}
	if err := checkDifference(action); err != nil {
		return nil, err
	}
	layout := action.Layout()
	return &LocalFlip{action: action, layout: layout, order: siteOrder(layout.Lattice)}, nil
}

// Step visits every number of the field once, in checkerboard order where the lattice has
// one. It returns an error if phi does not have the size of the layout. AcceptProb is the
// fraction of numbers that change their sign.
func (k *LocalFlip) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != k.layout.Size() {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", k.layout.Size(), len(phi))
	}
	accepted, delta := 0, 0.0
	for _, x := range k.order {
		for i := int(x); i < len(phi); i += len(k.order) {
			// A NaN compares false and is rejected.
			if d := k.action.Difference(phi, i, -phi[i]); rng.Float64()*(1+math.Exp(d)) < 1 {
				phi[i] = -phi[i]
				accepted++
				delta += d
			}
		}
	}
	return Info{Accepted: accepted > 0, AcceptProb: float64(accepted) / float64(len(phi)), DeltaH: delta}, nil
}
