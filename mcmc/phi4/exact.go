package phi4

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// Exact holds exact expectation values of a φ⁴ theory on a lattice of V sites. A value
// that the method behind it does not provide is NaN.
type Exact struct {
	// Volume is the number of sites V, 0 in infinite volume.
	Volume int
	// LogZ is log Z, Z = ∫ Π_x dφ(x) exp(-S), NaN in infinite volume.
	LogZ float64
	// FreeEnergy is the density -log Z/V.
	FreeEnergy float64
	// Phi2 and Phi4 are ⟨φ·φ⟩ and ⟨(φ·φ)²⟩ of a site.
	Phi2, Phi4 float64
	// Hopping is ⟨Σ_µ φ(x)·φ(x+µ̂)⟩, in which log Z changes by ∂ log Z/∂κ = 2V Hopping.
	Hopping float64
	// HoppingVariance is Var(Σ_x Σ_µ φ(x)·φ(x+µ̂))/V, a quarter of ∂² log Z/∂κ² / V.
	HoppingVariance float64
	// ActionDensity is ⟨S⟩/V.
	ActionDensity float64
	// Chi is the susceptibility V⟨M·M⟩ = Σ_x ⟨φ(0)·φ(x)⟩ with M = (1/V) Σ_x φ(x).
	Chi float64
	// AbsM is ⟨|M|⟩.
	AbsM float64
}

// unknown returns values for v sites of which nothing is known.
func unknown(v int) Exact {
	nan := math.NaN()
	return Exact{Volume: v, LogZ: nan, FreeEnergy: nan, Phi2: nan, Phi4: nan, Hopping: nan,
		HoppingVariance: nan, ActionDensity: nan, Chi: nan, AbsM: nan}
}

// setLogZ sets log Z and its density.
func (e *Exact) setLogZ(logZ float64) {
	e.LogZ, e.FreeEnergy = logZ, -logZ/float64(e.Volume)
}

// setPotential sets ⟨φ⁴⟩ and ⟨S⟩/V from ⟨φ²⟩, the hopping and q = ⟨(φ²-1)²⟩. At large λ
// the terms of (1-2λ)φ² + λφ⁴ = φ² + λ(φ²-1)² - λ cancel, those on the right do not.
func (e *Exact) setPotential(kappa, lambda, q float64) {
	e.Phi4 = q + 2*e.Phi2 - 1
	e.ActionDensity = -2*kappa*e.Hopping + e.Phi2 + lambda*q - lambda
}

// values returns all that has to converge.
func (e *Exact) values() []float64 {
	return []float64{e.FreeEnergy, e.Phi2, e.Phi4, e.Hopping, e.ActionDensity, e.Chi, e.AbsM}
}

// Solve returns the exact values of the theory with fields of the given layout, by the
// first of these methods that applies:
//
//   - λ = +Inf: [Ising], for one component in up to two dimensions
//   - λ = 0: [FreeField]
//   - κ = 0, or a lattice of one site: [OneSite]
//   - at most one extent above 1: [NewChain]
//   - 2x2, beside extents of 1: [Plaquette]
//
// It returns an error where none applies, and those of the method that does.
func Solve(layout lattice.Layout, kappa, lambda float64) (Exact, error) {
	if err := layout.Check(); err != nil {
		return unknown(0), fmt.Errorf("phi4: %w", err)
	}
	lat, n := layout.Lattice, layout.Components
	if math.IsInf(lambda, 1) {
		if n != 1 {
			return unknown(lat.Volume()), fmt.Errorf("phi4: expected one component at λ = ∞, got %d", n)
		}
		return Ising(lat, kappa)
	}
	if err := check(n, kappa, lambda); err != nil {
		return unknown(lat.Volume()), err
	}
	var extents []int
	loops := 0
	for _, l := range lat.Dims() {
		if l == 1 {
			loops++
		} else {
			extents = append(extents, l)
		}
	}
	switch {
	case lambda == 0:
		return FreeField(layout, kappa)
	case kappa == 0 || len(extents) == 0:
		site, err := OneSite(n, kappa, lambda, loops)
		if err != nil || lat.Volume() == 1 {
			return site, err
		}
		site.Volume = lat.Volume()
		site.setLogZ(float64(site.Volume) * site.LogZ)
		// ⟨(φ·φ′)²⟩ = ⟨φ·φ⟩²/N for two sites.
		site.HoppingVariance += independentLinks(extents) * site.Phi2 * site.Phi2 / float64(n)
		site.AbsM = math.NaN()
		return site, nil
	case len(extents) == 1:
		c, err := newChain(n, kappa, lambda, ring{extents[0], 1, loops})
		if err != nil {
			return unknown(lat.Volume()), err
		}
		return c.Exact(), nil
	case len(extents) == 2 && extents[0] == 2 && extents[1] == 2:
		return plaquette(n, kappa, lambda, loops)
	}
	return unknown(lat.Volume()), fmt.Errorf("phi4: expected λ = 0, λ = ∞ in two dimensions, κ = 0, one dimension or 2x2 for exact values, got κ = %v, λ = %v on %v", kappa, lambda, layout)
}

// check returns an error for a theory that does not exist on any lattice.
func check(n int, kappa, lambda float64) error {
	switch {
	case n < 1:
		return fmt.Errorf("phi4: expected at least one component, got %d", n)
	case math.IsNaN(kappa) || math.IsInf(kappa, 0):
		return fmt.Errorf("phi4: expected a finite hopping parameter κ, got %v", kappa)
	case !(lambda >= 0) || math.IsInf(lambda, 1):
		return fmt.Errorf("phi4: expected a finite coupling λ ≥ 0, got %v", lambda)
	}
	return nil
}

// independentLinks returns the sum of the squares of the number of links between two sites
// over all pairs of different sites, per site.
func independentLinks(dims []int) float64 {
	s := 0.0
	for _, l := range dims {
		switch {
		case l == 2:
			// Two links for half as many pairs.
			s += 2
		case l > 2:
			s++
		}
	}
	return s
}

// converged reports whether two sets of values agree within tol, relative to their size
// or to 1. Values that neither knows agree.
func converged(a, b []float64, tol float64) bool {
	for i, x := range a {
		if math.IsNaN(x) && math.IsNaN(b[i]) {
			continue
		}
		if !(math.Abs(x-b[i]) <= tol*math.Max(1, math.Abs(b[i]))) {
			return false
		}
	}
	return true
}
