package flow

import (
	"context"
	"fmt"
)

// Integrator is a scheme for ordinary differential equations.
type Integrator int

const (
	// Adams is a predictor–corrector scheme of fourth order, with one evaluation a step and two
	// more to start: Adams–Bashforth with four slopes predicts the state, and the slope there
	// joins in integrating all the way up to it, with six slopes around every interval where so
	// many are known (E. Hairer, S. P. Nørsett and G. Wanner, Solving Ordinary Differential
	// Equations I, Springer, 1993, section III.1). Where the slope contracts within a step, as
	// for fields between two wells that are far apart, it needs smaller steps than RK4.
	Adams Integrator = iota
	// RK4 is the classical Runge–Kutta scheme of fourth order, with four evaluations a step.
	RK4
	// Heun is the trapezoidal scheme of second order.
	Heun
	// Euler is the scheme of first order.
	Euler
	// DormandPrince is the scheme of fifth order with an embedded one of fourth, of
	// which the difference sets the step (J. R. Dormand and P. J. Prince, J. Comput.
	// Appl. Math. 6 (1980) 19). The chunk of Batch configurations that evolves together
	// has common steps, set by the configuration with the largest error, so that results
	// do not depend on the number of cores.
	DormandPrince
)

// tableau is the Butcher tableau of a Runge–Kutta scheme: stage i is evaluated at the fraction c[i] of the step,
// after a step along Σ_j a[i][j] k_j, and the whole step goes along Σ_i b[i] k_i.
type tableau struct {
	order int
	c     []float64
	a     [][]float64
	b     []float64
	// e holds the weights of the error estimate of an adaptive scheme, one more than
	// b: the last is that of the slope at the end of the step.
	e []float64
}

var tableaux = map[Integrator]tableau{
	RK4:   {order: 4, c: []float64{0, 0.5, 0.5, 1}, a: [][]float64{{}, {0.5}, {0, 0.5}, {0, 0, 1}}, b: []float64{1. / 6, 1. / 3, 1. / 3, 1. / 6}},
	Heun:  {order: 2, c: []float64{0, 1}, a: [][]float64{{}, {1}}, b: []float64{0.5, 0.5}},
	Euler: {order: 1, c: []float64{0}, a: [][]float64{{}}, b: []float64{1}},
	DormandPrince: {
		order: 5,
		c:     []float64{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1},
		a: [][]float64{
			{},
			{1. / 5},
			{3. / 40, 9. / 40},
			{44. / 45, -56. / 15, 32. / 9},
			{19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
			{9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
		},
		b: []float64{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
		e: []float64{71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40},
	},
}

// known reports whether there is the scheme.
func (i Integrator) known() bool {
	_, ok := tableaux[i]
	return ok || i == Adams
}

// Order returns the order of convergence of the scheme.
func (i Integrator) Order() int {
	if i == Adams {
		return predictorNodes
	}
	return tableaux[i].order
}

// DefaultSteps is the default of Steps in [Config] for [Adams] where the linear part of the
// model is solved exactly.
const DefaultSteps = 18

// steps returns the default of Steps in [Config].
func (i Integrator) steps(linear bool) int {
	switch {
	case i != Adams:
		return 12
	case linear:
		return DefaultSteps
	}
	return 48
}

// String returns the name of the scheme.
func (i Integrator) String() string {
	switch i {
	case Adams:
		return "adams"
	case RK4:
		return "rk4"
	case Heun:
		return "heun"
	case Euler:
		return "euler"
	case DormandPrince:
		return "dormand-prince"
	}
	return fmt.Sprintf("Integrator(%d)", int(i))
}

// stepper does steps of one scheme, with its own scratch space.
type stepper struct {
	tableau
	eq     timed
	slopes [][]float64 // k_i and, for an adaptive scheme, the slope at the end
	stage  []float64
}

func newStepper(t tableau, eq timed, size int) *stepper {
	s := &stepper{tableau: t, eq: eq, stage: make([]float64, size)}
	for range max(len(t.b), len(t.e)) {
		s.slopes = append(s.slopes, make([]float64, size))
	}
	return s
}

// step sets next to z after a step h from u. The slope at u must be in slopes[0].
func (s *stepper) step(ctx context.Context, next, z []float64, u, h float64) error {
	for i := 1; i < len(s.c); i++ {
		combine(s.stage, z, h, s.a[i], s.slopes)
		if err := s.eq.slope(ctx, s.slopes[i], s.stage, u+s.c[i]*h); err != nil {
			return err
		}
	}
	combine(next, z, h, s.b, s.slopes)
	return nil
}

// combine sets dst to z + h Σ_i w_i k_i; z may be dst, or nil for zero.
func combine(dst, z []float64, h float64, w []float64, slopes [][]float64) {
	if z == nil {
		clear(dst)
	} else {
		copy(dst, z)
	}
	for i, weight := range w {
		if weight == 0 {
			continue
		}
		a := h * weight
		for j, k := range slopes[i] {
			dst[j] += a * k
		}
	}
}
