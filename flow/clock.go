package flow

import (
	"context"
	"math"

	"github.com/latdiff/latdiff/diffusion"
)

// clockShift is the shift of the clock in units of √(min C_k).
const clockShift = 0.25

// clock is the variable of the steps,
//
//	u = log(σ + a),  a = ¼ √(min C_k),
//
// log σ with its lower end drawn together: below the width of the narrowest mode the slope
// dφ/dℓ = -σ²s falls like σ², so that equal steps of log σ would spend a quarter of the
// evaluations where nothing moves. In u the slope is -σ(σ + a)s, a polynomial where s is
// constant, which is what steps of high order solve exactly. Without a spectrum a is zero.
type clock struct{ shift float64 }

func newClock(m diffusion.ScoreModel) clock {
	l, ok := diffusion.Linear(m)
	if !ok {
		return clock{}
	}
	least := math.Inf(1)
	for _, c := range l.Spectrum() {
		least = math.Min(least, c)
	}
	return clock{clockShift * math.Sqrt(least)}
}

// at returns u at a noise level, and sigma is its inverse.
func (c clock) at(sigma float64) float64 { return math.Log(sigma + c.shift) }
func (c clock) sigma(u float64) float64  { return math.Exp(u) - c.shift }

// rate returns dℓ/du = (σ + a)/σ.
func (c clock) rate(sigma float64) float64 { return (sigma + c.shift) / sigma }

// timed is the flow in the variable of a clock.
type timed struct {
	*equation
	clock
}

// slope sets dst to dz/du.
func (t timed) slope(ctx context.Context, dst, z []float64, u float64) error {
	sigma := t.sigma(u)
	if err := t.equation.slope(ctx, dst, z, math.Log(sigma)); err != nil {
		return err
	}
	rate := t.rate(sigma)
	for i := range dst {
		dst[i] *= rate
	}
	return nil
}
