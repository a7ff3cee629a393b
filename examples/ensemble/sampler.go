package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// sampler makes the kernels of an algorithm.
type sampler struct {
	newKernel func(chain int) (mcmc.Kernel, error)
	// trajectory is the number of integrator steps of a trajectory, 0 if there is none.
	trajectory int
	// correction is δS of the distribution exp(-S-δS) that an algorithm samples which is
	// not exact; nil if it is.
	correction func(phi []float64) float64
}

var integrators = map[string]hmc.Integrator{"leapfrog": hmc.Leapfrog, "omelyan": hmc.Omelyan, "omelyan4": hmc.Omelyan4}

// newSampler checks the settings of the algorithm and tunes hybrid Monte Carlo, once
// for all chains.
func newSampler(ctx context.Context, o *options, action *lattice.Phi4, seed uint64) (*sampler, error) {
	switch o.Algorithm {
	case "hmc":
		return newHMC(ctx, o, action, seed)
	case "paper":
		cfg := hmc.Config{Steps: 100}
		return &sampler{trajectory: cfg.Steps, newKernel: func(int) (mcmc.Kernel, error) { return hmc.New(action, cfg) }}, nil
	case "metropolis":
		if o.Hits < 1 {
			return nil, fmt.Errorf("expected -hits of at least 1, got %d", o.Hits)
		}
		return &sampler{newKernel: func(int) (mcmc.Kernel, error) {
			k, err := mcmc.NewMetropolis(action, mcmc.MetropolisConfig{Hits: o.Hits, Acceptance: o.Acceptance})
			return &compound{kernel: k, repeat: 1, flip: o.Flip}, err
		}}, nil
	case "langevin":
		return newLangevin(o, action)
	}
	return &sampler{newKernel: func(int) (mcmc.Kernel, error) {
		k, err := mcmc.Recommended(action)
		return &compound{kernel: k, repeat: 1, flip: o.Flip}, err
	}}, nil
}

// ordered returns the constant field of smallest action, φ² = (2dκ-1+2λ)/(2λ), or 1 if
// that is φ = 0. A cold start elsewhere would turn the difference in action into kinetic
// energy, more than an integrator tuned for equilibrium can follow.
func ordered(action *lattice.Phi4) float64 {
	lambda := action.Lambda()
	if m := 2*float64(action.Layout().Dim())*action.Kappa() - 1 + 2*lambda; m > 0 {
		return math.Sqrt(m / (2 * lambda))
	}
	return 1
}

// Trajectories that tune the step size: the first ones also thermalise the modes of
// short wavelength, which decide the acceptance.
const tuneStart, tuneTrajectories = 200, 300

func newHMC(ctx context.Context, o *options, action *lattice.Phi4, seed uint64) (*sampler, error) {
	integrator, ok := integrators[o.Integrator]
	switch {
	case !ok:
		return nil, fmt.Errorf("expected -integrator leapfrog, omelyan or omelyan4, got %q", o.Integrator)
	case !(o.Length > 0):
		return nil, fmt.Errorf("expected a positive -length, got %v", o.Length)
	case o.Steps > 0 && o.Acceptance != 0:
		return nil, fmt.Errorf("expected -acceptance without a given number of -steps, got %v and %d", o.Acceptance, o.Steps)
	}
	volume := action.Layout().Volume()
	cfg := hmc.Config{Integrator: integrator, Length: o.Length, Steps: o.Steps, Flip: o.Flip}
	k, err := hmc.New(action, cfg)
	if err != nil {
		return nil, err
	}
	if o.Steps == 0 {
		phi := make([]float64, volume)
		mcmc.ColdStart(phi, ordered(action))
		rng := rand.New(rand.NewPCG(seed, 0))
		for _, n := range []int{tuneStart, tuneTrajectories} {
			if err := k.Tune(ctx, rng, phi, n, o.Acceptance); err != nil {
				return nil, err
			}
		}
		cfg.Steps = k.Config().Steps
	}
	return &sampler{trajectory: cfg.Steps, newKernel: func(int) (mcmc.Kernel, error) { return hmc.New(action, cfg) }}, nil
}

// Defaults of the Langevin algorithm.
const langevinStep, langevinUpdates = 0.01, 10

func newLangevin(o *options, action *lattice.Phi4) (*sampler, error) {
	if o.Steps < 0 {
		return nil, fmt.Errorf("expected -steps ≥ 0, got %d", o.Steps)
	}
	updates := o.Steps
	if updates == 0 {
		updates = langevinUpdates
	}
	if o.MALA {
		return &sampler{newKernel: func(int) (mcmc.Kernel, error) {
			k, err := mcmc.NewMALA(action, mcmc.MALAConfig{Step: o.StepSize, Acceptance: o.Acceptance})
			return &compound{kernel: k, repeat: updates, flip: o.Flip}, err
		}}, nil
	}
	dtau := o.StepSize
	if dtau == 0 {
		dtau = langevinStep
	}
	return &sampler{
		correction: langevinCorrection(action, dtau),
		newKernel: func(int) (mcmc.Kernel, error) {
			k, err := mcmc.NewLangevin(action, dtau)
			return &compound{kernel: k, repeat: updates, flip: o.Flip}, err
		},
	}, nil
}

// explain adds what a user can do about an error of a run.
func (s *sampler) explain(err error) error {
	if errors.Is(err, mcmc.ErrDiverged) {
		return fmt.Errorf("%w; choose a smaller -dtau", err)
	}
	return err
}
