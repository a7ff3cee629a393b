package mcmc

import (
	"context"
	"math/rand/v2"
)

// Kernel is one transition of a Markov chain. A kernel may hold scratch memory
// and must not be used by two goroutines at once.
type Kernel interface {
	// Step advances phi in place by one transition, with the random numbers of rng.
	// After an error phi holds the state before the step. A kernel whose transitions
	// take long, because they draw from a model for example, returns ctx.Err() when ctx
	// ends; others need not look at it.
	Step(ctx context.Context, rng *rand.Rand, phi []float64) (Info, error)
}

// Info reports on one transition.
type Info struct {
	// Accepted tells whether the proposal replaced the state; for kernels that
	// update many sites one by one, whether at least one changed.
	Accepted bool
	// AcceptProb is the acceptance probability min(1, exp(-DeltaH)) of the
	// proposal, or the fraction of accepted single-site proposals; 1 for a kernel
	// that never rejects.
	AcceptProb float64
	// DeltaH is the change of the exponent that the accept step judges: ΔH for
	// molecular dynamics, the change of S - S_eff for an independence proposal,
	// ΔS for local updates (summed over the accepted ones).
	DeltaH float64
	// Divergent is set when DeltaH is not finite or so large that the proposal
	// shows a failure of the integrator rather than a rare rejection.
	Divergent bool
}
