package flow

import (
	"context"
	"fmt"
	"math"
)

// attemptsPerStep times Config.Steps bounds the attempted steps of an adaptive
// integration, and smallestStep, as a fraction of the way, their size.
const (
	attemptsPerStep = 100
	smallestStep    = 1e-9
)

// control is the proportional–integral step-size control of E. Hairer, S. P. Nørsett and
// G. Wanner, Solving Ordinary Differential Equations I (Springer, 1993), sections II.4 and
// IV.2, for a scheme of order 5: with errors e in units of the tolerance, a step is
// followed by one that is larger by
//
//	0.9 e_n^{-α} e_{n-1}^{β},  β = 0.04, α = 1/5 - ¾β,
//
// within the bounds 1/5 and 10, and a rejected one by one that is smaller by 0.9 e^{-1/5}.
type control struct {
	previous float64 // error of the last accepted step
	rejected bool    // the last attempt
}

const (
	safety               = 0.9
	integral             = 0.04
	proportional         = 1./5 - 0.75*integral
	maxShrink, maxGrowth = 1. / 5, 10.
	// An error that happens to vanish says little on the next step.
	leastError = 1e-4
)

// next returns the factor by which the next step is larger than one with error e, and
// whether that one is accepted. An error that is not a number rejects.
func (c *control) next(e float64) (factor float64, accept bool) {
	if !(e <= 1) {
		c.rejected = true
		if math.IsNaN(e) || math.IsInf(e, 0) {
			return maxShrink, false
		}
		return math.Max(maxShrink, safety*math.Pow(e, -1./5)), false
	}
	e = math.Max(e, leastError)
	if c.previous == 0 {
		c.previous = leastError
	}
	factor = safety * math.Pow(e, -proportional) * math.Pow(c.previous, integral)
	factor = math.Min(maxGrowth, math.Max(maxShrink, factor))
	if c.rejected {
		factor = math.Min(1, factor)
	}
	c.previous, c.rejected = e, false
	return factor, true
}

// integrateAdaptive carries the state z through the flow between two noise levels with common steps of
// all configurations, and returns it with the numbers of steps. The tolerances are those of the configuration divided by tighten.
func integrateAdaptive(ctx context.Context, eq timed, t tableau, z []float64, from, to, tighten float64, report func(int)) ([]float64, Effort, error) {
	cfg := eq.f.cfg
	var c control
	var effort Effort
	s := newStepper(t, eq, len(z))
	next, errs := make([]float64, len(z)), make([]float64, len(z))
	start := eq.at(from)
	way := eq.at(to) - start
	if err := eq.slope(ctx, s.slopes[0], z, start); err != nil {
		return nil, effort, err
	}
	done, h, reported := 0.0, 1/float64(cfg.Steps), 0 // in units of the way
	for done < 1 {
		if h < smallestStep || effort.Accepted+effort.Rejected == attemptsPerStep*cfg.Steps {
			return nil, effort, fmt.Errorf("flow: the adaptive steps do not converge at σ = %v, after %d accepted and %d rejected ones",
				eq.sigma(start+done*way), effort.Accepted, effort.Rejected)
		}
		// A tiny last step is avoided by stretching the one before it.
		last := done+1.01*h >= 1
		if last {
			h = 1 - done
		}
		u := start + done*way
		if err := s.step(ctx, next, z, u, h*way); err != nil {
			return nil, effort, err
		}
		tail := len(s.slopes) - 1
		if err := eq.slope(ctx, s.slopes[tail], next, u+h*way); err != nil {
			return nil, effort, err
		}
		combine(errs, nil, h*way, s.e, s.slopes)
		factor, accept := c.next(eq.size(errs, z, next, tighten))
		if !accept {
			effort.Rejected++
			h *= factor
			continue
		}
		effort.Accepted++
		if done += h; last {
			done = 1
		}
		h *= factor
		z, next = next, z
		s.slopes[0], s.slopes[tail] = s.slopes[tail], s.slopes[0]
		if now := int(done * float64(cfg.Steps)); now > reported {
			report((now - reported) * eq.n)
			reported = now
		}
	}
	return z, effort, nil
}

// size returns the largest error of a configuration in units of the tolerance; see
// [Config].
func (e *equation) size(errs, before, after []float64, tighten float64) float64 {
	cfg, v := e.f.cfg, e.f.layout.Size()
	worst := 0.0
	for i := range e.n {
		sum := 0.0
		for x := i * v; x < (i+1)*v; x++ {
			r := errs[x] / (cfg.AbsTol + cfg.RelTol*math.Max(math.Abs(before[x]), math.Abs(after[x])))
			sum += r * r
		}
		change, _ := e.f.summary(errs[e.fields():], i)
		worst = math.Max(worst, math.Max(math.Sqrt(sum/float64(v)), math.Abs(change)/(cfg.AbsTol+cfg.RelTol)))
	}
	return worst * tighten
}
