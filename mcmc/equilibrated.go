package mcmc

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// EquilibratedConfig configures [NewEquilibrated]. The zero value suits an equilibrating
// kernel that decorrelates in a few steps.
type EquilibratedConfig struct {
	// Steps is the number of steps of the equilibrating kernel from a hot start. Default
	// 500, more than a hundred autocorrelation times of the recommended kernel of φ⁴ at
	// the points of the paper.
	Steps int
	// Tuning is the number of steps that an [Adaptive] kernel is tuned for thereafter.
	// Default 1000; negative: none.
	Tuning int
}

// Equilibrated is a kernel whose chains begin in equilibrium, where another kernel has
// brought them: what is measured on a slow algorithm is then its autocorrelation and not
// its thermalisation. Let it run with [StartKernel] and without thermalisation.
type Equilibrated struct {
	kernel, equilibrating Kernel
	cfg                   EquilibratedConfig
}

var (
	_ Starter  = (*Equilibrated)(nil)
	_ Stateful = (*Equilibrated)(nil)
	_ Adaptive = (*Equilibrated)(nil)
)

// NewEquilibrated returns kernel with starts by equilibrating, which must have the same
// distribution. It returns an error if one of them is nil or Steps is negative.
func NewEquilibrated(kernel, equilibrating Kernel, cfg EquilibratedConfig) (*Equilibrated, error) {
	if kernel == nil || equilibrating == nil {
		return nil, fmt.Errorf("mcmc: expected a kernel and one that equilibrates, got nil")
	}
	if cfg.Steps < 0 {
		return nil, fmt.Errorf("mcmc: expected a number of steps ≥ 0 to equilibrate, got %d", cfg.Steps)
	}
	if cfg.Steps == 0 {
		cfg.Steps = 500
	}
	if cfg.Tuning == 0 {
		cfg.Tuning = 1000
	}
	return &Equilibrated{kernel, equilibrating, cfg}, nil
}

// Start fills phi with a configuration in equilibrium. An adaptive kernel is tuned on the
// way, and frozen.
func (k *Equilibrated) Start(ctx context.Context, rng *rand.Rand, phi []float64) error {
	HotStart(rng, phi)
	if err := repeat(ctx, rng, k.equilibrating, phi, k.cfg.Steps); err != nil {
		return err
	}
	if _, ok := k.kernel.(Adaptive); !ok {
		return nil
	}
	k.SetAdaptation(true)
	err := repeat(ctx, rng, k.kernel, phi, k.cfg.Tuning)
	k.SetAdaptation(false)
	return err
}

func repeat(ctx context.Context, rng *rand.Rand, k Kernel, phi []float64, n int) error {
	for range n {
		if _, err := k.Step(ctx, rng, phi); err != nil {
			return err
		}
	}
	return nil
}

// Step is that of the kernel.
func (k *Equilibrated) Step(ctx context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	return k.kernel.Step(ctx, rng, phi)
}

// SetAdaptation is that of the kernel, if it is adaptive.
func (k *Equilibrated) SetAdaptation(on bool) { setAdaptation([]Kernel{k.kernel}, on) }

// MarshalBinary returns the state of the kernel.
func (k *Equilibrated) MarshalBinary() ([]byte, error) { return marshalKernels([]Kernel{k.kernel}) }

// UnmarshalBinary restores the state written by MarshalBinary.
func (k *Equilibrated) UnmarshalBinary(data []byte) error {
	return unmarshalKernels([]Kernel{k.kernel}, data)
}
