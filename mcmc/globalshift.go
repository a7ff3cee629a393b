package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/latdiff/latdiff/lattice"
)

// GlobalShiftConfig configures [NewGlobalShift]. The zero value is the "MC"
// baseline of section 4.4 of arXiv:2309.17082.
type GlobalShiftConfig struct {
	// Width is the standard deviation of the shift, the start value if it is tuned;
	// 0 means 1.
	Width float64
	// Common shifts all sites by the same number, a move of the zero mode; the
	// default is an independent number for every site.
	Common bool
	// Acceptance is what the width is tuned to; 0 means 0.234, the optimum of many
	// degrees of freedom (G. O. Roberts, A. Gelman and W. R. Gilks, Ann. Appl.
	// Probab. 7 (1997) 110).
	Acceptance float64
}

// GlobalShift is Metropolis with a global proposal: Gaussian noise is added to all
// sites at once and the whole field is accepted or rejected. It is exact. With the
// width 1 of the published comparison its acceptance is practically 0 on any but
// the smallest lattices; it is here as that reference, local [Metropolis] is the
// algorithm to use. With Common it moves the mean field, which complements local
// updates.
type GlobalShift struct {
	tuner
	action      lattice.Action
	common      bool
	state, next []float64
	value       float64
}

var (
	_ Stateful = (*GlobalShift)(nil)
	_ Adaptive = (*GlobalShift)(nil)
)

// NewGlobalShift returns the kernel of action. It returns an error if there is no action
// or a setting out of range.
func NewGlobalShift(action lattice.Action, cfg GlobalShiftConfig) (*GlobalShift, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("mcmc: global shift: %w", err)
	}
	size := action.Layout().Size()
	width, err := newTuner("width of the global shift", cfg.Width, 1, cfg.Acceptance, 0.234)
	if err != nil {
		return nil, err
	}
	k := &GlobalShift{
		tuner: width, action: action, common: cfg.Common,
		state: make([]float64, size), next: make([]float64, size),
	}
	// No field equals a NaN, so that the first step evaluates the action.
	k.state[0] = math.NaN()
	return k, nil
}

// Width returns the standard deviation of the proposals.
func (k *GlobalShift) Width() float64 { return k.tuner.value }

// Step makes one proposal. It returns an error if phi does not have the size of the
// layout or has no finite action.
func (k *GlobalShift) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != len(k.state) {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", len(k.state), len(phi))
	}
	if !slices.Equal(k.state, phi) {
		copy(k.state, phi)
		if k.value = k.action.Value(phi); !finite(k.value) {
			k.state[0] = math.NaN()
			return Info{}, fmt.Errorf("mcmc: expected a field of finite action, got S = %v", k.value)
		}
	}
	shift := k.tuner.value * rng.NormFloat64()
	for x, v := range phi {
		if x > 0 && !k.common {
			shift = k.tuner.value * rng.NormFloat64()
		}
		k.next[x] = v + shift
	}
	value := k.action.Value(k.next)
	info := judge(rng, value-k.value)
	// A large ΔS is the rule for a wide shift, not the failure of an integrator.
	info.Divergent = !finite(info.DeltaH)
	if info.Accepted {
		copy(phi, k.next)
		copy(k.state, k.next)
		k.value = value
	}
	k.observe(info.AcceptProb)
	return info, nil
}
