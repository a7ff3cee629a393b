package main

import (
	"errors"
	"fmt"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// sampler makes the runs of an algorithm.
type sampler struct {
	newKernel func(chain int) (mcmc.Kernel, error)
	// hmc makes a run by the public road, with the settings of cfg; nil if newKernel does.
	hmc func(cfg mcmc.EnsembleConfig) (*mcmc.Generator, error)
	// correction is δS of the distribution exp(-S-δS) that an algorithm samples which is
	// not exact; nil if it is.
	correction func(phi []float64) float64
}

// generator returns the run that cfg describes.
func (s *sampler) generator(cfg mcmc.EnsembleConfig) (*mcmc.Generator, error) {
	if s.hmc != nil {
		return s.hmc(cfg)
	}
	return mcmc.NewGenerator(cfg, s.newKernel)
}

var integrators = map[string]hmc.Integrator{"leapfrog": hmc.Leapfrog, "omelyan": hmc.Omelyan, "omelyan4": hmc.Omelyan4}

// newSampler checks the settings of the algorithm.
func newSampler(o *options, action *lattice.Phi4) (*sampler, error) {
	switch o.Algorithm {
	case "hmc":
		return newHMC(o, action)
	case "paper":
		cfg := hmc.Config{Steps: 100}
		return &sampler{newKernel: func(int) (mcmc.Kernel, error) { return hmc.New(action, cfg) }}, nil
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

func newHMC(o *options, action *lattice.Phi4) (*sampler, error) {
	integrator, ok := integrators[o.Integrator]
	switch {
	case !ok:
		return nil, fmt.Errorf("expected -integrator leapfrog, omelyan or omelyan4, got %q", o.Integrator)
	case !(o.Length > 0):
		return nil, fmt.Errorf("expected a positive -length, got %v", o.Length)
	case !(o.Jitter >= 0 && o.Jitter < 1):
		return nil, fmt.Errorf("expected -jitter in [0, 1), got %v", o.Jitter)
	case o.Steps > 0 && o.Acceptance != 0:
		return nil, fmt.Errorf("expected -acceptance without a given number of -steps, got %v and %d", o.Acceptance, o.Steps)
	}
	road := hmc.EnsembleConfig{
		Integrator: integrator, Length: o.Length, Steps: o.Steps, Acceptance: o.Acceptance, Jitter: o.Jitter,
	}
	if o.Jitter == 0 {
		road.Jitter = -1
	}
	if !o.Flip {
		road.Moves = func(int) ([]mcmc.Kernel, error) { return nil, nil }
	}
	return &sampler{hmc: func(cfg mcmc.EnsembleConfig) (*mcmc.Generator, error) {
		r := road
		r.N, r.Seed, r.Chains, r.Start, r.Thermalisation = cfg.N, cfg.Seed, cfg.Chains, cfg.Start, cfg.Thermalisation
		r.Share, r.Shares = cfg.Share, cfg.Shares
		r.Thin, r.Decorrelation, r.MaxBytes = cfg.Thin, cfg.Decorrelation, cfg.MaxBytes
		r.Observables, r.Progress = cfg.Observables, cfg.Progress
		return hmc.NewGenerator(action, r)
	}}, nil
}

// integratorSteps returns the mean number of integrator steps of a trajectory over the
// chains, which tune it each for itself, and 0 for other algorithms.
func integratorSteps(g *mcmc.Generator, chains int) float64 {
	sum := 0.0
	for c := range chains {
		k, ok := g.Kernel(c).(interface{ Config() hmc.Config })
		if !ok {
			return 0
		}
		sum += float64(k.Config().Steps)
	}
	return sum / float64(chains)
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
