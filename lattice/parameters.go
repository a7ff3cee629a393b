package lattice

import (
	"fmt"
	"math"
)

// NewPhi4Bare returns the action (4.2) on lat with the hopping parameters that
// belong, by (4.3) at lattice spacing a = 1, to the bare mass squared m₀² (any sign)
// and the bare coupling λ₀ of
//
//	S = Σ_x [ ½ Σ_μ (φ₀(x+μ̂)-φ₀(x))² + ½m₀² φ₀(x)² + λ₀/4! φ₀(x)⁴ ],
//
// where φ₀ = √(2κ) φ. Both forms of the action have the same value, with no
// constant between them. It returns an error if a parameter is not finite, if
// λ₀ < 0, or if λ₀ = 0 and m₀² ≤ 0.
func NewPhi4Bare(lat *Lattice, m02, lambda0 float64) (*Phi4, error) {
	kappa, err := hoppingParameter(lat, m02, lambda0/6)
	if err != nil {
		return nil, fmt.Errorf("lattice: m₀² = %v, λ₀ = %v: %w", m02, lambda0, err)
	}
	return NewPhi4(lat, kappa, kappa*kappa*lambda0/6)
}

// NewPhi4Coupling returns the action (4.2) on lat with the hopping parameters that
// belong to the mass squared m² (any sign) and the coupling g of
//
//	S = Σ_x [ Σ_μ (φ'(x+μ̂)-φ'(x))² + m² φ'(x)² + g φ'(x)⁴ ],
//
// where φ' = √κ φ, the form common in work on normalising flows. Both forms of the
// action have the same value. It returns an error if a parameter is not finite, if
// g < 0, or if g = 0 and m² ≤ 0.
func NewPhi4Coupling(lat *Lattice, m2, g float64) (*Phi4, error) {
	kappa, err := hoppingParameter(lat, m2, g)
	if err != nil {
		return nil, fmt.Errorf("lattice: m² = %v, g = %v: %w", m2, g, err)
	}
	return NewPhi4(lat, kappa, kappa*kappa*g)
}

// hoppingParameter solves m² = (1-2λ)/κ - 2d with λ = gκ², the positive root of
// 2gκ² + (m²+2d)κ - 1 = 0.
func hoppingParameter(lat *Lattice, m2, g float64) (float64, error) {
	switch {
	case lat == nil:
		return 0, fmt.Errorf("expected a lattice, got nil")
	case !finite(m2) || !finite(g):
		return 0, fmt.Errorf("expected finite parameters")
	case g < 0 || g == 0 && m2 <= 0:
		return 0, fmt.Errorf("expected a potential bounded from below")
	}
	b := m2 + 2*float64(lat.Dim())
	root := math.Hypot(b, math.Sqrt(8*g))
	if b < 0 {
		return (root - b) / (4 * g), nil
	}
	return 2 / (b + root), nil
}

// Bare returns the bare mass squared m₀² = (1-2λ)/κ - 2d and the bare coupling
// λ₀ = 6λ/κ² of (4.3) at a = 1, and the scale √(2κ) of the field φ₀ = √(2κ) φ: the
// way back from [NewPhi4Bare]. It returns an error unless κ > 0.
func (a *Phi4) Bare() (m02, lambda0, scale float64, err error) {
	m2, g, s, err := a.Coupling()
	return m2, 6 * g, math.Sqrt2 * s, err
}

// Coupling returns the mass squared m² = (1-2λ)/κ - 2d, the coupling g = λ/κ², and
// the scale √κ of the field φ' = √κ φ: the way back from [NewPhi4Coupling]. It
// returns an error unless κ > 0.
func (a *Phi4) Coupling() (m2, g, scale float64, err error) {
	if a.kappa <= 0 {
		return 0, 0, 0, fmt.Errorf("lattice: expected κ > 0 for a mass and a coupling, got %v", a.kappa)
	}
	return (1-2*a.lambda)/a.kappa - 2*float64(a.lat.Dim()), a.lambda / (a.kappa * a.kappa), math.Sqrt(a.kappa), nil
}
