package lattice

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// CheckDrift returns an error unless the drift of an action is minus the gradient of its
// value: along random directions from random fields, it compares K·v with a central
// difference of S, to a relative 10⁻⁴ of the size of K. An action with a wrong sign or factor
// in one of them would thermalise to another theory, or never. It returns an error too for
// an action that is not finite on fields of order one, and for a Drift that does not do
// what [Action] says of dst: allocate a nil one, overwrite and return any other, and leave
// the field alone.
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
		drift, err := callDrift(action, nil, phi)
		if err != nil {
			return err
		}
		size := floats.Norm(drift, 2)
		if err := checkOverwritten(action, phi, drift, size); err != nil {
			return err
		}
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

// callDrift returns what Drift writes into dst. A panic, a changed field and a slice that
// is not a field, or not dst if there is one, are errors.
func callDrift(action Action, dst, phi []float64) (drift []float64, err error) {
	name := "dst"
	if dst == nil {
		name = "nil"
	}
	defer func() {
		if r := recover(); r != nil {
			drift, err = nil, fmt.Errorf("lattice: expected Drift(%s, φ) of %s to return the drift, got a panic: %v", name, Describe(action), r)
		}
	}()
	before := slices.Clone(phi)
	drift = action.Drift(dst, phi)
	switch {
	case len(drift) != len(phi):
		return nil, fmt.Errorf("lattice: expected Drift(%s, φ) of %s to return %d numbers, got %d", name, Describe(action), len(phi), len(drift))
	case dst != nil && &drift[0] != &dst[0]:
		return nil, fmt.Errorf("lattice: expected Drift(dst, φ) of %s to return dst, got another slice", Describe(action))
	case &drift[0] == &phi[0] || !slices.Equal(phi, before):
		return nil, fmt.Errorf("lattice: expected Drift(%s, φ) of %s to leave φ as it is, got a changed field", name, Describe(action))
	}
	return drift, nil
}

// checkOverwritten compares drift, which was allocated, with what Drift writes over other
// numbers.
func checkOverwritten(action Action, phi, drift []float64, size float64) error {
	dst := make([]float64, len(phi))
	for i := range dst {
		dst[i] = (1 + size) * float64(1+i%3)
	}
	again, err := callDrift(action, dst, phi)
	if err != nil {
		return err
	}
	for i, v := range again {
		// Not the last bits, which depend on the order of a sum.
		if math.Abs(v-drift[i]) > 1e-9*(1+size) {
			return fmt.Errorf("lattice: expected Drift of %s to overwrite dst, got K = %v at number %d where a nil dst gets %v", Describe(action), v, i, drift[i])
		}
	}
	return nil
}
