package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Cycle applies its kernels one after the other in each step. It leaves exp(-S)
// invariant if each kernel does, although in general it is not reversible.
//
// Its Info is Accepted if any kernel accepted, the mean AcceptProb, the sum of
// the DeltaH, and Divergent if any kernel diverged; [Cycle.Infos] has the parts.
type Cycle struct {
	kernels []Kernel
	infos   []Info
	// before is the field to go back to if a later kernel fails.
	before []float64
}

var (
	_ Stateful = (*Cycle)(nil)
	_ Adaptive = (*Cycle)(nil)
)

// NewCycle returns the cycle of the kernels in the given order. It returns an
// error if there is none or if one is nil.
func NewCycle(kernels ...Kernel) (*Cycle, error) {
	if err := checkKernels(kernels); err != nil {
		return nil, err
	}
	return &Cycle{kernels: slices.Clone(kernels), infos: make([]Info, len(kernels))}, nil
}

// Step applies every kernel once.
func (k *Cycle) Step(ctx context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	var sum Info
	k.before = append(k.before[:0], phi...)
	for i, s := range k.kernels {
		info, err := s.Step(ctx, rng, phi)
		if err != nil {
			copy(phi, k.before)
			return Info{}, fmt.Errorf("mcmc: kernel %d of the cycle: %w", i, err)
		}
		k.infos[i] = info
		sum.Accepted = sum.Accepted || info.Accepted
		sum.AcceptProb += info.AcceptProb
		sum.DeltaH += info.DeltaH
		sum.Divergent = sum.Divergent || info.Divergent
	}
	sum.AcceptProb /= float64(len(k.kernels))
	return sum, nil
}

// Infos returns the reports of the kernels on the last step, valid until the next.
func (k *Cycle) Infos() []Info { return k.infos }

// SetAdaptation passes on to the adaptive kernels.
func (k *Cycle) SetAdaptation(on bool) { setAdaptation(k.kernels, on) }

// MarshalBinary returns the states of the stateful kernels.
func (k *Cycle) MarshalBinary() ([]byte, error) { return marshalKernels(k.kernels) }

// UnmarshalBinary restores the states of the stateful kernels.
func (k *Cycle) UnmarshalBinary(data []byte) error { return unmarshalKernels(k.kernels, data) }

// Mixture applies in each step one of its kernels, chosen at random with fixed
// probabilities. It leaves exp(-S) invariant if each kernel does, and is
// reversible if each is. Its Info is that of the chosen kernel.
type Mixture struct {
	kernels []Kernel
	cum     []float64
	last    int
}

var (
	_ Stateful = (*Mixture)(nil)
	_ Adaptive = (*Mixture)(nil)
)

// NewMixture returns the mixture that chooses kernels[i] with a probability
// proportional to weights[i]; nil weights are equal weights. It returns an error
// if there is no kernel, if one is nil, or if the weights are not as many finite
// numbers ≥ 0 with a positive sum.
func NewMixture(weights []float64, kernels ...Kernel) (*Mixture, error) {
	if err := checkKernels(kernels); err != nil {
		return nil, err
	}
	if weights == nil {
		weights = slices.Repeat([]float64{1}, len(kernels))
	}
	if len(weights) != len(kernels) {
		return nil, fmt.Errorf("mcmc: expected %d weights for the mixture, got %d", len(kernels), len(weights))
	}
	cum, sum := make([]float64, len(weights)), 0.0
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("mcmc: expected finite weights ≥ 0 for the mixture, got %v", w)
		}
		sum += w
		cum[i] = sum
	}
	if sum == 0 || math.IsInf(sum, 0) {
		return nil, fmt.Errorf("mcmc: expected a positive finite sum of the mixture weights, got %v", sum)
	}
	return &Mixture{kernels: slices.Clone(kernels), cum: cum}, nil
}

// Step applies one kernel.
func (k *Mixture) Step(ctx context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	u := rng.Float64() * k.cum[len(k.cum)-1]
	// The first kernel whose cumulative weight exceeds u; one of weight zero never does.
	i := 0
	for i < len(k.cum)-1 && u >= k.cum[i] {
		i++
	}
	k.last = i
	info, err := k.kernels[i].Step(ctx, rng, phi)
	if err != nil {
		return Info{}, fmt.Errorf("mcmc: kernel %d of the mixture: %w", i, err)
	}
	return info, nil
}

// Last returns the index of the kernel that the last step applied.
func (k *Mixture) Last() int { return k.last }

// SetAdaptation passes on to the adaptive kernels.
func (k *Mixture) SetAdaptation(on bool) { setAdaptation(k.kernels, on) }

// MarshalBinary returns the states of the stateful kernels.
func (k *Mixture) MarshalBinary() ([]byte, error) { return marshalKernels(k.kernels) }

// UnmarshalBinary restores the states of the stateful kernels.
func (k *Mixture) UnmarshalBinary(data []byte) error { return unmarshalKernels(k.kernels, data) }

func checkKernels(kernels []Kernel) error {
	if len(kernels) == 0 {
		return fmt.Errorf("mcmc: expected at least one kernel to combine, got none")
	}
	if i := slices.Index(kernels, nil); i >= 0 {
		return fmt.Errorf("mcmc: expected kernels to combine, got nil at position %d", i)
	}
	return nil
}

func setAdaptation(kernels []Kernel, on bool) {
	for _, k := range kernels {
		if a, ok := k.(Adaptive); ok {
			a.SetAdaptation(on)
		}
	}
}

func marshalKernels(kernels []Kernel) ([]byte, error) {
	var b []byte
	for i, k := range kernels {
		s, ok := k.(Stateful)
		if !ok {
			continue
		}
		state, err := s.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("mcmc: state of kernel %d: %w", i, err)
		}
		b = putBytes(b, state)
	}
	return b, nil
}

func unmarshalKernels(kernels []Kernel, data []byte) error {
	d := decoder{b: data}
	for i, k := range kernels {
		s, ok := k.(Stateful)
		if !ok {
			continue
		}
		state := d.bytes()
		if d.err != nil {
			break
		}
		if err := s.UnmarshalBinary(state); err != nil {
			return fmt.Errorf("mcmc: state of kernel %d: %w", i, err)
		}
	}
	return d.finish()
}
