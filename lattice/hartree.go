package lattice

import (
	"fmt"
	"math"
)

// HartreeSpectrum returns the power spectrum C_k = ⟨|φ_k|²⟩ (unitary Fourier transform, laid
// out like a field) of the Gaussian that solves the Hartree equation of an even action of one
// component, which tells the potential V of a site,
//
//	C_k = 1/(⟨V″⟩_v + A_k),  v = (1/V) Σ_k C_k,
//
// with ⟨V″⟩_v the mean curvature of the potential under a normal distribution of variance v, and
// A_k the Fourier transform of the quadratic couplings between different sites, which the drift
// tells. For φ⁴ theory, C_k = 1/(2(1-2λ) + 12λv - 4κ Σ_µ cos k_µ). It is the Gaussian nearest to
// exp(-S), by the Kullback–Leibler divergence from it; for a free field it is exact. Unlike the
// spectrum of the free field it exists for every hopping parameter.
//
// It returns an error for an action whose potential has odd powers or does not fit its drift
// ([CheckSitePotential]), and where the equation has no solution.
func HartreeSpectrum(a SiteAction) ([]float64, error) {
	if err := CheckAction(a); err != nil {
		return nil, err
	}
	if err := CheckSitePotential(a); err != nil {
		return nil, err
	}
	potential := a.SitePotential()
	for n, c := range potential {
		if n%2 == 1 && c != 0 {
			return nil, fmt.Errorf("lattice: expected an even site potential for the Hartree equation, got %v", potential)
		}
	}
	couplings := siteCouplings(a)
	least := math.Inf(1)
	for _, c := range couplings {
		least = min(least, c)
	}
	// excess is Σ C_k/V - v, which falls from +∞ or from where the smallest denominator
	// vanishes.
	excess := func(v float64) float64 {
		mass := meanCurvature(potential, v)
		if !(mass+least > 0) {
			return math.Inf(1)
		}
		sum := 0.0
		for _, c := range couplings {
			sum += 1 / (mass + c)
		}
		return sum/float64(len(couplings)) - v
	}
	const far = 1e12
	lo, hi := 0.0, 1.0
	for excess(hi) > 0 {
		if lo, hi = hi, 2*hi; hi > far {
			return nil, fmt.Errorf("lattice: expected a solution of the Hartree equation, got none for %s", Describe(a))
		}
	}
	for range 200 {
		if mid := (lo + hi) / 2; excess(mid) > 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	spectrum, mass := couplings, meanCurvature(potential, hi)
	for k, c := range couplings {
		spectrum[k] = 1 / (mass + c)
	}
	return spectrum, nil
}

// meanCurvature returns ⟨V″(φ)⟩ = Σ_n c_n n(n-1)(n-3)!! v^{(n-2)/2} for a normal φ of
// variance v and an even V.
func meanCurvature(potential []float64, v float64) (sum float64) {
	moment := 1.0
	for n := 2; n < len(potential); n += 2 {
		sum += potential[n] * float64(n*(n-1)) * moment
		moment *= float64(n-1) * v
	}
	return sum
}

// siteCouplings returns A_k, the transform of ∂²S/∂φ(0)∂φ(x) at x ≠ 0.
func siteCouplings(a Action) []float64 {
	layout := a.Layout()
	phi, drift, zero := make([]float64, layout.Size()), make([]float64, layout.Size()), make([]float64, layout.Size())
	a.Drift(zero, phi)
	phi[0] = 1
	a.Drift(drift, phi)
	for x := range drift {
		drift[x] = zero[x] - drift[x]
	}
	drift[0] = 0
	modes := make([]complex128, layout.Volume())
	NewFourier(layout.Lattice).Transform(modes, drift)
	for k, m := range modes {
		drift[k] = real(m) * math.Sqrt(float64(layout.Volume()))
	}
	layout.SymmetrizeReflections(drift, drift)
	return drift
}
