package lattice

import "math"

// LiftedAction is an action of one angle per site that has been lifted to the real line: the
// angle may be any number, and the weight of all numbers that are the same angle modulo 2π
// adds up to that of the angle. The sum of a field is 2π times an integer q, the winding
// number, so that fields fall into sectors, and the partition function is
//
//	Z = Σ_q ∫ dθ(1) … dθ(V-1) e^{-S(θ)},  Σ_x θ(x) = 2πq,
//
// in which the last θ follows from the others. Value and Drift are those of any V numbers,
// ∂S/∂θ(x) for every x without regard to the sum.
//
// The lift of the plaquettes of two-dimensional U(1) gauge theory is one; see package gauge.
type LiftedAction interface {
	Action
	// Lift returns the potential of one angle, the part of S that is a sum over sites. The
	// caller may modify it.
	Lift() Lift
}

// Lift is the potential of one lifted angle θ,
//
//	V(θ) = θ²/2v + Σ_{n≥1} c_n cos nθ,
//
// up to a constant. The periodic part is smooth, so that the c_n fall exponentially.
type Lift struct {
	// Variance is v, in radians².
	Variance float64 `json:"variance"`
	// Cosines are c₁, c₂, …
	Cosines []float64 `json:"cosines"`
}

// Value returns V(θ).
func (l Lift) Value(theta float64) float64 {
	return theta*theta/(2*l.Variance) + l.Periodic(theta)
}

// Periodic returns Σ_n c_n cos nθ.
func (l Lift) Periodic(theta float64) float64 {
	// The recurrence of C. W. Clenshaw, Math. Tables Aids Comput. 9 (1955) 118.
	cos := math.Cos(theta)
	var a, b float64
	for n := len(l.Cosines) - 1; n >= 0; n-- {
		a, b = 2*cos*a-b+l.Cosines[n], a
	}
	return cos*a - b
}

// Slope returns dV/dθ.
func (l Lift) Slope(theta float64) float64 {
	sin, cos := math.Sincos(theta)
	var a, b float64
	for n := len(l.Cosines); n > 0; n-- {
		a, b = 2*cos*a-b+float64(n)*l.Cosines[n-1], a
	}
	return theta/l.Variance - sin*a
}

// Winding returns Σ_x θ(x)/2π of a lifted field, an integer up to rounding.
func Winding(theta []float64) float64 {
	sum := 0.0
	for _, v := range theta {
		sum += v
	}
	return sum / (2 * math.Pi)
}
