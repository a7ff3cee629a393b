package main

import (
	"sync"

	"github.com/latdiff/latdiff/lattice"
)

// langevinCorrection returns the function
//
//	δS = (Δτ/4) Σ_x [2 ∂²S/∂φ(x)² - K(φ)(x)²].
//
// The Langevin equation with the time step Δτ samples exp(-S-δS) up to O(Δτ²)
// (Batrouni et al., Phys. Rev. D 32 (1985) 2736), so that its expectation values are
// those of exp(-S) shifted by -Cov(O, δS). For S = Σ ω_k φ_k² it reproduces the first
// order of the variance 1/(2ω_k(1-ω_kΔτ)).
func langevinCorrection(action *lattice.Phi4, dtau float64) func(phi []float64) float64 {
	lambda := action.Lambda()
	drifts := sync.Pool{New: func() any {
		x := make([]float64, action.Layout().Volume())
		return &x
	}}
	return func(phi []float64) float64 {
		drift := drifts.Get().(*[]float64)
		defer drifts.Put(drift)
		action.Drift(*drift, phi)
		sum := 0.0
		for x, k := range *drift {
			sum += 4*(1-2*lambda) + 24*lambda*phi[x]*phi[x] - k*k
		}
		return dtau / 4 * sum
	}
}
