package mcmc

import (
	"context"
	"errors"
	"math/rand/v2"
)

// Proposer draws configurations from a distribution q whose density it knows, for
// instance a diffusion model sampled by its probability-flow ODE. One with a method
//
//	Layout() lattice.Layout
//
// is refused for actions of other layouts.
type Proposer interface {
	// Propose writes a configuration drawn from q, independent of everything drawn
	// before, into dst and returns log q of it up to a constant. A value that is
	// not finite marks a failed draw, which the sampler rejects and counts; an
	// error ends the chain.
	Propose(ctx context.Context, rng *rand.Rand, dst []float64) (logq float64, err error)
}

// LogProber evaluates the density of a [Proposer] at any configuration.
type LogProber interface {
	// LogProb returns log q(phi) up to the constant that Propose leaves out too.
	LogProb(ctx context.Context, phi []float64) (logq float64, err error)
}

// Errors of the independence sampler.
var (
	// ErrNoDensity reports a field that the proposer neither drew nor can evaluate.
	ErrNoDensity = errors.New("mcmc: expected a proposer with LogProb for a field that it did not draw")
	// ErrPoolExhausted reports that every pair of a pool has been proposed.
	ErrPoolExhausted = errors.New("mcmc: expected further proposals, got an exhausted pool")
)
