package fokkerplanck

import (
	"fmt"
	"math"
)

// Integrator advances densities in time steps of one length. It holds scratch memory
// and must not be used by two goroutines at once.
type Integrator struct {
	e *Equation
	// shift is c Δτ of the matrix I - c Δτ A that both stages invert; upper and pivot are
	// its factors.
	shift        float64
	upper, pivot []float64
	rhs, stage   []float64
}

// Integrator returns the TR-BDF2 method (R. E. Bank et al., IEEE Trans. Electron
// Devices 32 (1985) 1992) with the step dtau: the trapezoidal rule (Crank–Nicolson) up
// to the fraction γ = 2 - √2 of the step, then backward differentiation. It is of second
// order, stable for every dtau, keeps the probability, and unlike Crank–Nicolson alone
// damps what the step does not resolve, so that a density may start as a single cell. It
// returns an error unless dtau is positive and finite.
func (e *Equation) Integrator(dtau float64) (*Integrator, error) {
	if !(dtau > 0) || math.IsInf(dtau, 0) {
		return nil, fmt.Errorf("fokkerplanck: expected a positive finite time step, got %v", dtau)
	}
	n := len(e.phi)
	it := &Integrator{
		e: e, shift: (1 - 1/math.Sqrt2) * dtau,
		upper: make([]float64, n), pivot: make([]float64, n), rhs: make([]float64, n), stage: make([]float64, n),
	}
	// The columns of the matrix sum to 1 and its off-diagonal entries are negative:
	// elimination needs no exchange of rows.
	for i := range n {
		it.pivot[i] = 1 + it.shift*e.out[i]
		if i > 0 {
			it.pivot[i] += it.shift * e.right[i-1] * it.upper[i-1]
		}
		if i < n-1 {
			it.upper[i] = -it.shift * e.left[i] / it.pivot[i]
		}
	}
	return it, nil
}

// Step advances the density p in place. It panics if p does not have one element per
// cell.
func (it *Integrator) Step(p []float64) {
	e := it.e
	if len(p) != len(e.phi) {
		panic(panicLength)
	}
	for i := range p {
		flow := -e.out[i] * p[i]
		if i > 0 {
			flow += e.right[i-1] * p[i-1]
		}
		if i < len(p)-1 {
			flow += e.left[i] * p[i+1]
		}
		it.rhs[i] = p[i] + it.shift*flow
	}
	it.solve(it.stage)
	// γ(2-γ) = 2(√2-1) and (1-γ)² = (√2-1)².
	const a = 1 / (2 * (math.Sqrt2 - 1))
	for i, v := range it.stage {
		it.rhs[i] = a*v + (1-a)*p[i]
	}
	it.solve(p)
}

// solve writes the solution for the right-hand side rhs into x.
func (it *Integrator) solve(x []float64) {
	prev := 0.0
	for i, v := range it.rhs {
		if i > 0 {
			v += it.shift * it.e.right[i-1] * prev
		}
		prev = v / it.pivot[i]
		x[i] = prev
	}
	for i := len(x) - 2; i >= 0; i-- {
		x[i] -= it.upper[i] * x[i+1]
	}
}
