package hmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// divergence is the energy violation beyond which a trajectory counts as a failure
// of the integrator (the threshold of Stan). Only an increase counts: on large
// lattices far from equilibrium ΔH < -1000 occurs, and rejecting it would keep the
// chain from thermalising.
const divergence = 1000

// Config holds the settings of hybrid Monte Carlo. Its zero value is a trajectory
// of length 1 in leapfrog steps whose number adapts, with unit masses and without
// sign flips.
type Config struct {
	// Integrator is the splitting scheme; the zero value is Leapfrog.
	Integrator Integrator
	// Length is the trajectory length τ = ε·Steps in molecular-dynamics time, in
	// lattice units; 0 means 1.
	Length float64
	// Steps is the number of integrator steps per trajectory of that length, which
	// then stays as it is. 0 means a number that follows the acceptance while
	// adaptation is on ([mcmc.Chain.Thermalise] turns it on), and 10 until then.
	Steps int
	// Acceptance is the mean acceptance probability that the number of steps adapts
	// to; 0 means 0.8. It has no effect if Steps is set.
	Acceptance float64
	// Jitter j, 0 ≤ j < 1, draws each trajectory length uniformly from
	// Length·[1-j, 1+j), which avoids the resonances of nearly harmonic modes
	// (Mackenzie, Phys. Lett. B 226 (1989) 369). The draw does not depend on the
	// state, so the kernel stays exact. The number of steps follows the length such
	// that the step size never exceeds Length/Steps.
	Jitter float64
	// Flip replaces φ by -φ with probability 1/2 after each trajectory. This is
	// exact if and only if the action is even, S(-φ) = S(φ), as φ⁴ theory is; it
	// moves between the two signs of the magnetisation, which trajectories alone
	// cannot do in the broken phase.
	Flip bool
	// Mass is the mass matrix of the kinetic term ½ π M⁻¹ π; nil means unit masses.
	Mass *Mass
}

// HMC is the hybrid Monte Carlo kernel. It holds scratch memory for one trajectory
// and must not be used by two goroutines at once; a step allocates nothing. All
// randomness comes from the generator handed to Step, so a chain is a function of
// the seed and the starting field alone. The state that a chain saves with its own is
// the number of steps and how far its adaptation has come.
type HMC struct {
	action lattice.Action
	size   int
	cfg    Config
	state  dynamics
	normal normalSource
	// adapt is nil if the number of steps was given.
	adapt *adaptation
}

var (
	_ mcmc.Stateful = (*HMC)(nil)
	_ mcmc.Adaptive = (*HMC)(nil)
)

// New returns the kernel of the given action. It returns an error if there is no action,
// if the mass matrix is for another lattice, if a setting is out of range, or if the
// methods of a [FusedAction] contradict each other.
func New(action lattice.Action, cfg Config) (*HMC, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("hmc: %w", err)
	}
	layout := action.Layout()
	if cfg.Length == 0 {
		cfg.Length = 1
	}
	adaptive := cfg.Steps == 0
	if adaptive {
		cfg.Steps = 10
	}
	if cfg.Acceptance == 0 {
		cfg.Acceptance = defaultAcceptance
	}
	if cfg.Integrator.coefficients == nil {
		cfg.Integrator = Leapfrog
	}
	switch {
	case !(cfg.Length > 0) || math.IsInf(cfg.Length, 0):
		return nil, fmt.Errorf("hmc: expected a positive trajectory length, got %v", cfg.Length)
	case cfg.Steps < 1:
		return nil, fmt.Errorf("hmc: expected a positive number of steps, got %d", cfg.Steps)
	case !(cfg.Acceptance > 0 && cfg.Acceptance < 1):
		return nil, fmt.Errorf("hmc: expected an acceptance in (0, 1) to adapt to, got %v", cfg.Acceptance)
	case !(cfg.Jitter >= 0 && cfg.Jitter < 1):
		return nil, fmt.Errorf("hmc: expected a jitter in [0, 1), got %v", cfg.Jitter)
	case cfg.Mass != nil && !layout.Lattice.Equal(cfg.Mass.lat):
		return nil, fmt.Errorf("hmc: expected a mass matrix for the action's lattice %v, got one for %v",
			layout.Lattice, cfg.Mass.lat)
	}
	h := &HMC{action: action, size: layout.Size(), cfg: cfg}
	if adaptive {
		h.adapt = newAdaptation(h.StepSize(), cfg.Acceptance)
	}
	if cfg.Mass != nil {
		h.state = newAccelerated(action, cfg.Mass)
		return h, nil
	}
	if a, ok := action.(FusedAction); ok {
		f, err := newFused(a)
		if err != nil {
			return nil, err
		}
		h.state = f
		return h, nil
	}
	h.state = newGeneric(action)
	return h, nil
}

// Config returns the settings in use, with the defaults filled in and the number of
// steps that adaptation or Tune found.
func (h *HMC) Config() Config { return h.cfg }

// StepSize returns the step size ε = Length/Steps in molecular-dynamics time.
func (h *HMC) StepSize() float64 { return h.cfg.Length / float64(h.cfg.Steps) }

// Step advances phi by one trajectory, see [mcmc.Kernel]. Info.DeltaH is the energy
// violation ΔH = H(end) - H(start); a trajectory with ΔH > 1000 or a ΔH that is not
// finite is flagged as divergent and rejected. It returns an error, and leaves phi
// as it is, if phi does not have the size of the layout, holds a value that is not
// finite, or has an action or kinetic energy that is not finite.
func (h *HMC) Step(_ context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	if h.adapt == nil || !h.adapt.on {
		return h.trajectory(rng, phi, h.cfg.Length, h.cfg.Steps)
	}
	length, steps := h.adapt.next(h.cfg.Length)
	info, err := h.trajectory(rng, phi, length, steps)
	if err == nil {
		h.adapt.observe(info.AcceptProb)
	}
	return info, err
}

// trajectory makes one trajectory of the given length and number of steps, before
// jitter.
func (h *HMC) trajectory(rng *rand.Rand, phi []float64, length float64, steps int) (mcmc.Info, error) {
	if len(phi) != h.size {
		return mcmc.Info{}, fmt.Errorf("hmc: expected a field of %d numbers, got %d", h.size, len(phi))
	}
	h.state.load(phi)
	h.normal.seed(rng)
	h.state.refresh(&h.normal)
	h0 := h.state.hamiltonian()
	if !finite(h0) {
		if err := lattice.CheckField(phi, h.size); err != nil {
			return mcmc.Info{}, fmt.Errorf("hmc: starting field: %w", err)
		}
		return mcmc.Info{}, fmt.Errorf("hmc: expected a starting field of finite action, got H = %v", h0)
	}
	eps, n := length/float64(steps), steps
	if h.cfg.Jitter > 0 {
		stretch := 1 + h.cfg.Jitter*(2*rng.Float64()-1)
		n = max(1, int(math.Ceil(float64(steps)*stretch)))
		eps = length * stretch / float64(n)
	}
	h.cfg.Integrator.run(h.state, eps, n)
	delta := h.state.hamiltonian() - h0
	info := mcmc.Info{DeltaH: delta, Divergent: !finite(delta) || delta > divergence}
	if !info.Divergent {
		info.AcceptProb = min(1, math.Exp(-delta))
	}
	// The draw happens even where its outcome is certain: the stream of random
	// numbers then does not depend on rounding.
	info.Accepted = rng.Float64() < info.AcceptProb
	if info.Accepted {
		h.state.store(phi)
	}
	if h.cfg.Flip && rng.Uint64()>>63 == 1 {
		for x, v := range phi {
			phi[x] = -v
		}
	}
	return info, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
