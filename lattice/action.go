package lattice

import "fmt"

// Action is a real Euclidean action S(φ); the weight of a field is exp(-S(φ)).
//
// Implementations must be safe for concurrent use and must not retain phi.
type Action interface {
	// Value returns S(φ). phi has one element per degree of freedom.
	Value(phi []float64) float64
	// Drift writes the stochastic-quantization drift K = -∂S/∂φ (2.5), which is
	// also the force of hybrid Monte Carlo, into dst and returns it. A nil dst is
	// allocated; otherwise dst must have the length of phi and must not overlap it.
	Drift(dst, phi []float64) []float64
}

// LocalAction is an [Action] whose change under the update of one site is cheap:
// what local Metropolis needs.
type LocalAction interface {
	Action
	// Difference returns S(φ with φ_x = v) - S(φ).
	Difference(phi []float64, x int, v float64) float64
}

// CheckField returns an error unless phi has n elements, all of them finite.
func CheckField(phi []float64, n int) error {
	if len(phi) != n {
		return fmt.Errorf("lattice: expected a field of %d sites, got %d", n, len(phi))
	}
	for x, v := range phi {
		if !finite(v) {
			return fmt.Errorf("lattice: expected a finite field, got %v at site %d", v, x)
		}
	}
	return nil
}

func grow(dst []float64, n int) []float64 {
	if dst == nil {
		return make([]float64, n)
	}
	if len(dst) != n {
		panic("lattice: destination length does not match the field")
	}
	return dst
}
