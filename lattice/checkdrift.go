package lattice

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
)

// CheckDrift returns an error unless the drift of an action is minus the gradient of its
// value: along random directions from random fields, it compares K·v with a central
// difference of S, to a relative 10⁻⁴ of the size of K. An action with a wrong sign or factor
// in one of them would thermalise to another theory, or never. It returns an error too for
// an action that is not finite on fields of order one.
func CheckDrift(action Action) error {
	if err := CheckAction(action); err != nil {
		return err
	}
	n := action.Layout().Size()
	rng := rand.New(rand.NewPCG(2, 0x6472696674))
	phi, direction, moved := make([]float64, n), make([]float64, n), make([]float64, n)
	for _, scale := range []float64{0.3, 1} {
		for i := range phi {
			phi[i] = scale * rng.NormFloat64()
		}
		drift := action.Drift(nil, phi)
		size := floats.Norm(drift, 2)
		// Along the drift itself, where a wrong factor shows, and across it.
		for i := range direction {
			direction[i] = rng.NormFloat64()
		}
		floats.Scale(1/floats.Norm(direction, 2), direction)
		if size > 0 {
			floats.AddScaled(direction, 1/size, drift)
		}
		slope := floats.Dot(drift, direction)
		const step = 1e-4
		value := func(sign float64) float64 {
			for i, v := range phi {
				moved[i] = v + sign*step*direction[i]
			}
			return action.Value(moved)
		}
		up, down := value(1), value(-1)
		difference := -(up - down) / (2 * step)
		if !finite(slope) || !finite(difference) {
			return fmt.Errorf("lattice: expected an action that is finite on fields of order one, got S = %v and K·v = %v for %s", up, slope, Describe(action))
		}
		// Rounding of S enters divided by the step.
		bound := 1e-4*size + 1e-11*math.Abs(up)/step
		if math.Abs(slope-difference) > bound {
			return fmt.Errorf("lattice: expected the drift K = -∂S/∂φ of %s, got K·v = %v where differences of S give %v", Describe(action), slope, difference)
		}
	}
	return nil
}
