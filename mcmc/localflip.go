package mcmc

import (
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// LocalFlip proposes φ_i → -φ_i for every number of the field in turn, with probability
// 1/2 and a Metropolis step: single sites then move between the wells of a potential
// that small steps do not cross. It leaves exp(-S) invariant whatever the symmetries of S, but moves between
// values ±φ_i only: combine it with [Metropolis], see [Cycle].
type LocalFlip struct {
	action lattice.LocalAction
	size   int
}

var _ Kernel = (*LocalFlip)(nil)

// NewLocalFlip returns the kernel of action. It returns an error if there is no action.
func NewLocalFlip(action lattice.LocalAction) (*LocalFlip, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("mcmc: local flip: %w", err)
	}
	return &LocalFlip{action: action, size: action.Layout().Size()}, nil
}

// Step visits every number once. It returns an error if phi does not have the
// size of the layout.
func (k *LocalFlip) Step(rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != k.size {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", k.size, len(phi))
	}
	proposed, accepted, delta := 0, 0, 0.0
	for i, v := range phi {
		if rng.Uint64()>>63 == 0 {
			// A flip that is always accepted would make the chain periodic.
			continue
		}
		proposed++
		// A NaN compares false and is rejected.
		if d := k.action.Difference(phi, i, -v); d < rng.ExpFloat64() {
			phi[i] = -v
			accepted++
			delta += d
		}
	}
	return Info{Accepted: accepted > 0, AcceptProb: float64(accepted) / float64(max(proposed, 1)), DeltaH: delta}, nil
}
