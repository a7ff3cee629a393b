package hmc

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	// firstWindow is the number of trajectories after which dual averaging starts
	// afresh for the first time. Every further window is as long as all before it.
	firstWindow = 25
	// settled is the number of trajectories from which on the average of a window
	// counts; before, it is that of the window before.
	settled = 25
	// adaptSteps bounds the steps of a trajectory while the step size adapts: the
	// trajectory becomes shorter instead, so that a step size which has to fall by
	// orders of magnitude costs no more than one that fits.
	adaptSteps = 200
)

// adaptation finds the step size while a chain thermalises. It restarts dual averaging
// in windows of doubling length: what a hot start needs on the wall of a quartic
// potential is far below what equilibrium allows, and a single average would remember it.
type adaptation struct {
	on bool
	// n counts the trajectories of all windows.
	n int
	dualAveraging
	// before is the logarithm of the step size that the last complete window found, and
	// that of the start until there is one.
	before float64
}

func newAdaptation(eps, target float64) *adaptation {
	return &adaptation{dualAveraging: *newDualAveraging(eps, target), before: math.Log(eps)}
}

// next returns the length and the number of steps of the next trajectory.
func (a *adaptation) next(length float64) (float64, int) {
	eps := math.Exp(a.log)
	if short := adaptSteps * eps; short < length {
		return short, adaptSteps
	}
	return covering(length, eps)
}

func (a *adaptation) observe(acceptance float64) {
	a.update(acceptance)
	a.n++
	// The windows end after firstWindow·2^k trajectories.
	if k := a.n / firstWindow; a.n%firstWindow == 0 && k&(k-1) == 0 {
		// The next one starts close to its goal. It shrinks to that and not to ten times as
		// much, and by four times as much: where the integrator becomes unstable, beyond a
		// threshold, wide swings of the step size would pull its average down.
		a.before = a.mean
		a.dualAveraging = dualAveraging{target: a.target, anchor: a.mean, log: a.mean, gamma: 0.2}
	}
}

// result returns the step size that was found.
func (a *adaptation) result() float64 {
	if a.m < settled {
		return math.Exp(a.before)
	}
	return math.Exp(a.mean)
}

// SetAdaptation starts or freezes the choice of the number of steps, unless it was given;
// see [mcmc.Adaptive]. The step size follows the dual averaging of Hoffman and Gelman,
// started afresh in windows of doubling length, and is frozen at the average of the last.
// Adaptation that is switched on again goes on where it stopped.
func (h *HMC) SetAdaptation(on bool) {
	if h.adapt == nil {
		return
	}
	if h.adapt.on && !on {
		h.cfg.Steps = stepsFor(h.cfg.Length, h.adapt.result())
	}
	h.adapt.on = on
}

// stateSize is the number of bytes of the state of a kernel.
const stateSize = 10 * 8

// MarshalBinary returns the number of steps and the state of its adaptation.
func (h *HMC) MarshalBinary() ([]byte, error) {
	a := adaptation{}
	if h.adapt != nil {
		a = *h.adapt
	}
	on := uint64(0)
	if a.on {
		on = 1
	}
	b := make([]byte, 0, stateSize)
	for _, v := range []uint64{
		uint64(h.cfg.Steps), on, uint64(a.n), math.Float64bits(a.anchor), math.Float64bits(a.log),
		math.Float64bits(a.mean), math.Float64bits(a.excess), math.Float64bits(a.m), math.Float64bits(a.gamma),
		math.Float64bits(a.before),
	} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b, nil
}

// UnmarshalBinary restores the state written by MarshalBinary. It returns an error if the
// state is damaged, or if the number of steps was given to New and differs.
func (h *HMC) UnmarshalBinary(data []byte) error {
	if len(data) != stateSize {
		return fmt.Errorf("hmc: expected %d bytes of saved state, got %d", stateSize, len(data))
	}
	var v [stateSize / 8]uint64
	for i := range v {
		v[i] = binary.LittleEndian.Uint64(data[8*i:])
	}
	steps := v[0]
	switch {
	case steps < 1 || steps > math.MaxInt32:
		return fmt.Errorf("hmc: expected a saved number of steps from 1, got %d", steps)
	case h.adapt == nil:
		if int(steps) != h.cfg.Steps {
			return fmt.Errorf("hmc: expected the state of a kernel with %d steps, got %d", h.cfg.Steps, steps)
		}
		return nil
	}
	a := adaptation{on: v[1] != 0, n: int(v[2])}
	a.target = h.adapt.target
	for i, p := range []*float64{&a.anchor, &a.log, &a.mean, &a.excess, &a.m, &a.gamma, &a.before} {
		if *p = math.Float64frombits(v[3+i]); !finite(*p) {
			return fmt.Errorf("hmc: expected a finite saved state, got %v", *p)
		}
	}
	if v[2] > math.MaxInt32 {
		return fmt.Errorf("hmc: expected a saved number of trajectories, got %d", v[2])
	}
	h.cfg.Steps = int(steps)
	*h.adapt = a
	return nil
}
