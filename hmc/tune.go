package hmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
)

// defaultAcceptance is what the step size is tuned to unless told otherwise.
const defaultAcceptance = 0.8

// maxSteps bounds the number of steps per trajectory that Tune tries.
const maxSteps = 10000

// Tune is for chains that are run by hand; [mcmc.Chain.Thermalise] adapts a kernel
// whose number of steps was not given. It chooses the number of steps per trajectory
// such that the mean acceptance probability reaches target (0 means 0.8), and freezes it:
// see [HMC.Config] and [HMC.StepSize] for the result. It advances phi by n trajectories, during which
// the step size follows the dual averaging of Hoffman and Gelman (J. Mach. Learn.
// Res. 15 (2014) 1593, algorithm 5, with their constants); a few hundred are enough
// from a thermalised field. Trajectories on the way are of whole steps; that of the
// result has the length that it had, and its number of steps is rounded up. While it adapts the transitions depend on the history of the
// chain, so the fields on the way belong to thermalisation, not to the ensemble.
//
// It returns an error, and keeps the previous number of steps, if n < 1, if target
// is not below 1, if a step fails, if ctx ends, or if more than 10000 steps would
// be needed.
func (h *HMC) Tune(ctx context.Context, rng *rand.Rand, phi []float64, n int, target float64) error {
	if target == 0 {
		target = defaultAcceptance
	}
	switch {
	case n < 1:
		return fmt.Errorf("hmc: expected a positive number of trajectories to tune with, got %d", n)
	case !(target > 0 && target < 1):
		return fmt.Errorf("hmc: expected a target acceptance in (0, 1), got %v", target)
	}
	a := newDualAveraging(h.StepSize(), target)
	for range n {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("hmc: tuning: %w", err)
		}
		length, steps := covering(h.cfg.Length, math.Exp(a.log))
		info, err := h.trajectory(rng, phi, length, steps)
		if err != nil {
			return err
		}
		a.update(info.AcceptProb)
	}
	steps := stepsFor(h.cfg.Length, math.Exp(a.mean))
	if steps == maxSteps {
		return fmt.Errorf("hmc: expected acceptance %v within %d steps per trajectory, got a step size of %.3g",
			target, maxSteps, math.Exp(a.mean))
	}
	h.cfg.Steps = steps
	return nil
}

// stepsFor returns the number of steps, 1 to maxSteps, that cover length with a
// step size of at most eps.
func stepsFor(length, eps float64) int {
	n := math.Ceil(length / eps)
	if n >= maxSteps {
		return maxSteps
	}
	return max(1, int(n))
}

// covering returns the shortest trajectory of whole steps of size eps that covers length,
// and their number. If the length stayed and the step shrank, the acceptance would jump with
// the number of steps, and a target within a jump would be met on either side of it. A
// step longer than the trajectory is as good as that.
func covering(length, eps float64) (float64, int) {
	if eps >= length {
		return length, 1
	}
	n := stepsFor(length, eps)
	return float64(n) * eps, n
}

// dualAveraging drives the logarithm of a step size towards a target acceptance.
type dualAveraging struct {
	target float64
	// anchor is what the logarithm shrinks to, ten times the initial step size.
	anchor float64
	// log is the logarithm to use next and mean its weighted average, which converges.
	log, mean float64
	// excess averages target - acceptance.
	excess float64
	m      float64
	// gamma shrinks the logarithm towards the anchor.
	gamma float64
}

func newDualAveraging(eps, target float64) *dualAveraging {
	return &dualAveraging{target: target, anchor: math.Log(10 * eps), log: math.Log(eps), gamma: 0.05}
}

// update takes the acceptance probability of the trajectory with step size
// exp(log).
func (a *dualAveraging) update(acceptance float64) {
	const delay, decay = 10, 0.75
	a.m++
	w := 1 / (a.m + delay)
	a.excess += w * (a.target - acceptance - a.excess)
	a.log = a.anchor - math.Sqrt(a.m)/a.gamma*a.excess
	w = math.Pow(a.m, -decay)
	a.mean += w * (a.log - a.mean)
}
