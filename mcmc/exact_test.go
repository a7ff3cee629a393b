package mcmc_test

import "math"

// oneSite holds the moments of a one-variable weight exp(-s(x)) by the trapezoid
// rule, which converges exponentially for such functions.
type oneSite struct{ m2, m4 float64 }

func quadrature(s func(x float64) float64) oneSite {
	var z, m2, m4 float64
	for i := -4000; i <= 4000; i++ {
		x := float64(i) * 12 / 4000
		w := math.Exp(-s(x))
		z += w
		m2 += w * x * x
		m4 += w * x * x * x * x
	}
	return oneSite{m2 / z, m4 / z}
}

// square holds expectation values of a theory on the 2x2 lattice. Its links form the ring
// 0-1-3-2-0 with every link twice, so that Z = Tr T⁴ with the transfer matrix
// T(a,b) = exp(-V(a)/2 + 4κab - V(b)/2) on a grid of field values.
type square struct{ mean, phi2, phi4, near, diagonal float64 }

func transfer2x2(kappa, lambda float64) square {
	return transferSquare(func(x float64) float64 { return x * x * (1 - 2*lambda + lambda*x*x) }, kappa, 7)
}

// transferSquare takes any potential, and field values up to reach.
func transferSquare(v func(x float64) float64, kappa, reach float64) square {
	const n = 121
	grid := make([]float64, n)
	for i := range grid {
		grid[i] = reach * (2*float64(i)/(n-1) - 1)
	}
	t1 := make([][]float64, n)
	for i, a := range grid {
		t1[i] = make([]float64, n)
		for j, b := range grid {
			t1[i][j] = math.Exp(-v(a)/2 + 4*kappa*a*b - v(b)/2)
		}
	}
	t2 := matMul(t1, t1)
	t3 := matMul(t2, t1)
	var q square
	z := 0.0
	for i, a := range grid {
		for j, b := range grid {
			opposite, adjacent := t2[i][j]*t2[i][j], t1[i][j]*t3[i][j]
			z += opposite
			q.mean += opposite * a
			q.phi2 += opposite * a * a
			q.phi4 += opposite * a * a * a * a
			q.diagonal += opposite * a * b
			q.near += adjacent * a * b
		}
	}
	return square{q.mean / z, q.phi2 / z, q.phi4 / z, q.near / z, q.diagonal / z}
}

func matMul(a, b [][]float64) [][]float64 {
	c := make([][]float64, len(a))
	for i := range a {
		c[i] = make([]float64, len(b[0]))
		for k, x := range a[i] {
			for j, y := range b[k] {
				c[i][j] += x * y
			}
		}
	}
	return c
}

// observables returns the expectation values as functions of a 2x2 field.
func (q square) observables() []observable {
	return []observable{
		{"φ²", func(p []float64) float64 { return (p[0]*p[0] + p[1]*p[1] + p[2]*p[2] + p[3]*p[3]) / 4 }, q.phi2},
		{"φ⁴", func(p []float64) float64 {
			return (p[0]*p[0]*p[0]*p[0] + p[1]*p[1]*p[1]*p[1] + p[2]*p[2]*p[2]*p[2] + p[3]*p[3]*p[3]*p[3]) / 4
		}, q.phi4},
		{"φ(x)φ(x+μ)", func(p []float64) float64 { return (p[0] + p[3]) * (p[1] + p[2]) / 4 }, q.near},
		{"diagonal φφ", func(p []float64) float64 { return (p[0]*p[3] + p[1]*p[2]) / 2 }, q.diagonal},
		{"M", func(p []float64) float64 { return (p[0] + p[1] + p[2] + p[3]) / 4 }, q.mean},
	}
}
