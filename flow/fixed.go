package flow

import (
	"context"
	"math"
)

// integrateFixed carries the state z through the flow between two noise levels in steps of one size
// in log σ, and returns it.
func integrateFixed(ctx context.Context, eq *equation, t tableau, z []float64, from, to float64, steps int, report func(int)) ([]float64, error) {
	s := newStepper(t, eq, len(z))
	next := make([]float64, len(z))
	start := math.Log(from)
	h := (math.Log(to) - start) / float64(steps)
	for i := range steps {
		l := start + h*float64(i)
		if err := eq.slope(ctx, s.slopes[0], z, l); err != nil {
			return nil, err
		}
		if err := s.step(ctx, next, z, l, h); err != nil {
			return nil, err
		}
		z, next = next, z
		report(eq.n)
	}
	return z, nil
}
