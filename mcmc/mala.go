package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/latdiff/latdiff/lattice"
)

// MALAConfig configures [NewMALA]. The zero value is usable with adaptation.
type MALAConfig struct {
	// Step is the time step Δτ of (2.15), the start value if it is tuned; 0 means
	// 0.1 n^{-1/3}, the scaling of the optimal step with the number n of variables.
	Step float64
	// Acceptance is what the step is tuned to; 0 means 0.574, the optimum of many
	// degrees of freedom (G. O. Roberts and J. S. Rosenthal, J. R. Statist. Soc. B
	// 60 (1998) 255).
	Acceptance float64
}

// MALA is the Metropolis-adjusted Langevin algorithm (J. Besag, J. R. Statist.
// Soc. B 56 (1994) 591; hybrid Monte Carlo of a single leapfrog step): the
// Langevin step (2.15) is a proposal, accepted with the probability
//
//	min(1, exp(-ΔH)),  ΔH = S(φ') - S(φ) + ½(|η'|² - |η|²),
//
// η' being the noise that would lead back. It is exact for every step size.
type MALA struct {
	tuner
	action lattice.Action

	// value and drift belong to state, the field that the last step left.
	state, drift, next, nextDrift []float64
	value                         float64
}

var (
	_ Stateful = (*MALA)(nil)
	_ Adaptive = (*MALA)(nil)
)

// NewMALA returns the kernel of action. It returns an error if there is no action or a
// setting out of range.
func NewMALA(action lattice.Action, cfg MALAConfig) (*MALA, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("mcmc: MALA: %w", err)
	}
	size := action.Layout().Size()
	step, err := newTuner("MALA step Δτ", cfg.Step, 0.1/math.Cbrt(float64(size)), cfg.Acceptance, 0.574)
	if err != nil {
		return nil, err
	}
	k := &MALA{tuner: step, action: action}
	for _, p := range []*[]float64{&k.state, &k.drift, &k.next, &k.nextDrift} {
		*p = make([]float64, size)
	}
	// No field equals a NaN, so that the first step evaluates the action.
	k.state[0] = math.NaN()
	return k, nil
}

// StepSize returns the time step Δτ.
func (k *MALA) StepSize() float64 { return k.tuner.value }

// Step makes one proposal. It returns an error if phi does not have the size of the
// layout or has no finite action.
func (k *MALA) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != len(k.state) {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", len(k.state), len(phi))
	}
	if !slices.Equal(k.state, phi) {
		copy(k.state, phi)
		k.value = k.action.Value(phi)
		k.action.Drift(k.drift, phi)
		if !finite(k.value) {
			k.state[0] = math.NaN()
			return Info{}, fmt.Errorf("mcmc: expected a field of finite action, got S = %v", k.value)
		}
	}
	eps := k.tuner.value
	amp := math.Sqrt(2 * eps)
	kinetic := 0.0
	for x, v := range phi {
		eta := rng.NormFloat64()
		k.next[x] = v + eps*k.drift[x] + amp*eta
		kinetic -= eta * eta
	}
	value := k.action.Value(k.next)
	k.action.Drift(k.nextDrift, k.next)
	for x, v := range phi {
		eta := (v - k.next[x] - eps*k.nextDrift[x]) / amp
		kinetic += eta * eta
	}
	info := judge(rng, value-k.value+kinetic/2)
	if info.Accepted {
		copy(phi, k.next)
		copy(k.state, k.next)
		k.drift, k.nextDrift = k.nextDrift, k.drift
		k.value = value
	}
	k.observe(info.AcceptProb)
	return info, nil
}

// judge is the accept step with the probability min(1, exp(-delta)). A delta that
// is not finite is rejected. One random number is drawn whatever delta is, so
// that the stream does not depend on rounding.
func judge(rng *rand.Rand, delta float64) Info {
	e := rng.ExpFloat64()
	if !finite(delta) {
		return Info{DeltaH: math.Inf(1), Divergent: true}
	}
	return Info{
		Accepted:   delta < e,
		AcceptProb: min(1, math.Exp(-delta)),
		DeltaH:     delta,
		Divergent:  delta > divergence,
	}
}

// divergence is the ΔH beyond which a proposal is taken as a failure of the
// integrator, the threshold that Stan uses.
const divergence = 1000
