package main

import (
	"context"
	"math/rand/v2"

	"github.com/latdiff/latdiff/mcmc"
)

// compound makes several steps of a kernel, and then changes the sign of the field
// with probability 1/2. Its acceptance is that of the kernel alone.
type compound struct {
	kernel mcmc.Kernel
	repeat int
	flip   bool
	before []float64
}

var (
	_ mcmc.Stateful = (*compound)(nil)
	_ mcmc.Adaptive = (*compound)(nil)
)

// Step makes the steps and the change of sign.
func (k *compound) Step(ctx context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	var sum mcmc.Info
	k.before = append(k.before[:0], phi...)
	for range k.repeat {
		info, err := k.kernel.Step(ctx, rng, phi)
		if err != nil {
			copy(phi, k.before)
			return mcmc.Info{}, err
		}
		sum.Accepted = sum.Accepted || info.Accepted
		sum.AcceptProb += info.AcceptProb
		sum.DeltaH += info.DeltaH
		sum.Divergent = sum.Divergent || info.Divergent
	}
	sum.AcceptProb /= float64(k.repeat)
	if k.flip {
		if _, err := (mcmc.SignFlip{}).Step(ctx, rng, phi); err != nil {
			return mcmc.Info{}, err
		}
	}
	return sum, nil
}

// SetAdaptation passes on to the kernel.
func (k *compound) SetAdaptation(on bool) {
	if a, ok := k.kernel.(mcmc.Adaptive); ok {
		a.SetAdaptation(on)
	}
}

// MarshalBinary returns the state of the kernel, empty if it has none.
func (k *compound) MarshalBinary() ([]byte, error) {
	if s, ok := k.kernel.(mcmc.Stateful); ok {
		return s.MarshalBinary()
	}
	return nil, nil
}

// UnmarshalBinary restores the state of the kernel.
func (k *compound) UnmarshalBinary(data []byte) error {
	if s, ok := k.kernel.(mcmc.Stateful); ok {
		return s.UnmarshalBinary(data)
	}
	return nil
}
