package flow

import "context"

// integrateFixed carries the state z through the flow between two noise levels in Runge–Kutta steps
// of one size in the variable of the clock, and returns it.
func integrateFixed(ctx context.Context, eq timed, t tableau, z []float64, from, to float64, steps int, report func(int)) ([]float64, error) {
	s := newStepper(t, eq, len(z))
	next := make([]float64, len(z))
	start := eq.at(from)
	h := (eq.at(to) - start) / float64(steps)
	for i := range steps {
		u := start + h*float64(i)
		if err := eq.slope(ctx, s.slopes[0], z, u); err != nil {
			return nil, err
		}
		if err := s.step(ctx, next, z, u, h); err != nil {
			return nil, err
		}
		z, next = next, z
		report(eq.n)
	}
	return z, nil
}
