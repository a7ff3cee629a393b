package mcmc

import "context"
import "math/rand/v2"

// SignFlip replaces φ by -φ with probability 1/2. It leaves exp(-S) invariant if
// and only if S(-φ) = S(φ), as for φ⁴. By itself it moves between two states only;
// in the broken phase it makes a chain of small steps reach both signs of the
// magnetisation, see [Cycle]. The zero value is ready for use.
type SignFlip struct{}

var _ Kernel = SignFlip{}

// Step flips the sign or not; Info.Accepted tells which.
func (SignFlip) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if rng.Uint64()>>63 == 0 {
		return Info{AcceptProb: 1}, nil
	}
	for x, v := range phi {
		phi[x] = -v
	}
	return Info{Accepted: true, AcceptProb: 1}, nil
}
