package mcmc

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// HotStart fills phi with independent standard Gaussian numbers, a disordered
// configuration.
func HotStart(rng *rand.Rand, phi []float64) {
	for x := range phi {
		phi[x] = rng.NormFloat64()
	}
}

// ColdStart fills phi with the constant v, an ordered configuration.
func ColdStart(phi []float64, v float64) {
	for x := range phi {
		phi[x] = v
	}
}

// leastCold is the smallest cold start that LeastConstant returns. It is not 0, which
// stands for the default of [EnsembleConfig].
const leastCold = 1e-3

// LeastConstant returns the constant v whose field has the smallest action among constant
// fields, to four digits and at least 1e-3 in size: where a cold start has no energy to
// lose that would turn into heat. Of equal ones it is that of smallest size, and then the
// positive one. It returns an error if there is no action, if S is finite for none, or if S
// falls without end along a direction of large fields.
func LeastConstant(action lattice.Action) (float64, error) {
	if err := lattice.CheckAction(action); err != nil {
		return 0, fmt.Errorf("mcmc: cold start: %w", err)
	}
	if err := checkBounded(action); err != nil {
		return 0, err
	}
	phi := make([]float64, action.Layout().Size())
	value := func(v float64) float64 {
		ColdStart(phi, v)
		if s := action.Value(phi); !math.IsNaN(s) {
			return s
		}
		return math.Inf(1)
	}
	// A grid of factors √2 brackets the minimum, which the golden section then narrows.
	best, least := leastCold, value(leastCold)
	try := func(v float64) {
		// A gain by rounding is none.
		if s := value(v); s < least-1e-12*math.Abs(least) {
			best, least = v, s
		}
	}
	try(-leastCold)
	const grid, far = math.Sqrt2, 1e3
	for v := leastCold * grid; v < far; v *= grid {
		try(v)
		try(-v)
	}
	if math.IsInf(least, 0) {
		return 0, fmt.Errorf("mcmc: expected an action with a finite value for a constant field, got %v", least)
	}
	if math.Abs(best) == leastCold {
		return best, nil
	}
	const golden = 0.6180339887498949
	lo, hi := math.Abs(best)/grid, math.Abs(best)*grid
	sign := math.Copysign(1, best)
	for hi-lo > 1e-4*hi {
		a, b := hi-golden*(hi-lo), lo+golden*(hi-lo)
		if value(sign*a) < value(sign*b) {
			hi = b
		} else {
			lo = a
		}
	}
	return sign * (lo + hi) / 2, nil
}

// reduce halves phi until its action is finite, which makes a start out of one that is
// beyond a wall or the range of numbers. It reports false if that does not help.
func reduce(action lattice.Action, phi []float64) bool {
	for range 60 {
		if finite(action.Value(phi)) {
			return true
		}
		for x := range phi {
			phi[x] /= 2
		}
	}
	return false
}
