package flow

import "fmt"

// Integrator is an explicit Runge–Kutta scheme.
type Integrator int

const (
	// RK4 is the classical scheme of fourth order.
	RK4 Integrator = iota
	// Heun is the trapezoidal scheme of second order.
	Heun
	// Euler is the scheme of first order.
	Euler
)

// tableau is a Butcher tableau whose stage i depends on stage i-1 only: stage i is
// evaluated at fraction c[i] of the step, after a step c[i] along the slope of the
// stage before.
type tableau struct {
	order int
	c, b  []float64
}

var tableaux = map[Integrator]tableau{
	RK4:   {4, []float64{0, 0.5, 0.5, 1}, []float64{1. / 6, 1. / 3, 1. / 3, 1. / 6}},
	Heun:  {2, []float64{0, 1}, []float64{0.5, 0.5}},
	Euler: {1, []float64{0}, []float64{1}},
}

// Order returns the order of convergence of the scheme.
func (i Integrator) Order() int { return tableaux[i].order }

// String returns the name of the scheme.
func (i Integrator) String() string {
	switch i {
	case RK4:
		return "rk4"
	case Heun:
		return "heun"
	case Euler:
		return "euler"
	}
	return fmt.Sprintf("Integrator(%d)", int(i))
}
