package mcmc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// ErrDiverged reports that the discretised Langevin equation ran away, which means
// that its time step is too large.
var ErrDiverged = errors.New("mcmc: expected a finite field after a Langevin step")

// Langevin is the discretised Langevin equation (2.15),
//
//	φ ← φ + K(φ) Δτ + √(2Δτ) η,  η ~ N(0, 1),  K = -∂S/∂φ,
//
// in the convention of field theory, ⟨ηη⟩ = 2, whose continuum limit samples
// exp(-S). It is approximate: the discretisation changes expectation values by
// O(Δτ); for S = Σ ω_k φ_k² it gives the variance 1/(2ω_k (1 - ω_kΔτ)) in place of
// 1/(2ω_k). [MALA] is its exact form.
type Langevin struct {
	action      lattice.Action
	dtau        float64
	drift, next []float64
}

var _ Kernel = (*Langevin)(nil)

// NewLangevin returns the Langevin kernel of action with the time step dtau = Δτ
// in lattice units. It returns an error if dtau is not positive and finite, and that of
// [lattice.CheckDrift]: without an accept step, what the kernel samples depends on the drift
// alone.
func NewLangevin(action lattice.Action, dtau float64) (*Langevin, error) {
	if !(dtau > 0) || math.IsInf(dtau, 0) {
		return nil, fmt.Errorf("mcmc: expected a positive finite Langevin step Δτ, got %v", dtau)
	}
	if err := lattice.CheckDrift(action); err != nil {
		return nil, fmt.Errorf("mcmc: Langevin equation: %w", err)
	}
	return &Langevin{action: action, dtau: dtau}, nil
}

// Step makes one step of the Langevin equation. There is no accept step. It
// returns [ErrDiverged] if the field would become non-finite.
func (k *Langevin) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if len(k.drift) != len(phi) {
		k.drift, k.next = make([]float64, len(phi)), make([]float64, len(phi))
	}
	k.action.Drift(k.drift, phi)
	amp := math.Sqrt(2 * k.dtau)
	for x, v := range phi {
		k.next[x] = v + k.dtau*k.drift[x] + amp*rng.NormFloat64()
	}
	if !allFinite(k.next) {
		return Info{Divergent: true}, ErrDiverged
	}
	copy(phi, k.next)
	return Info{Accepted: true, AcceptProb: 1}, nil
}

func allFinite(phi []float64) bool {
	// v - v is 0 for a finite number and NaN otherwise.
	s := 0.0
	for _, v := range phi {
		s += v - v
	}
	return s == 0
}

func finite(v float64) bool { return v-v == 0 }
