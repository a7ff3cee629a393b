package phi4

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// HoppingPath returns the path of [mcmc.ThermodynamicIntegration] along the hopping
// parameter from 0, where the sites are independent and log Z is V times the logarithm
// of an integral over one site, to κ, for the action of as many components as the layout
// has: ∂S/∂κ = -2 Σ_x Σ_µ φ(x)·φ(x+µ̂). It returns an error for a theory that does not
// exist.
func HoppingPath(layout lattice.Layout, kappa, lambda float64) (mcmc.ThermodynamicPath, error) {
	if err := layout.Check(); err != nil {
		return mcmc.ThermodynamicPath{}, fmt.Errorf("phi4: %w", err)
	}
	at := func(kappa float64) (lattice.Action, error) {
		if layout.Components == 1 {
			return lattice.NewPhi4(layout.Lattice, kappa, lambda)
		}
		return lattice.NewON(layout.Lattice, layout.Components, kappa, lambda)
	}
	if _, err := at(kappa); err != nil {
		return mcmc.ThermodynamicPath{}, fmt.Errorf("phi4: %w", err)
	}
	return mcmc.ThermodynamicPath{
		To:     kappa,
		LogZ:   float64(layout.Volume()) * siteLogZ(layout.Components, lambda),
		Action: at,
		Derivative: func(_ float64, phi []float64) float64 {
			return -2 * float64(layout.Volume()) * layout.Hopping(phi)
		},
	}, nil
}

// siteLogZ returns log ∫ dⁿφ exp(-(1-2λ)φ·φ - λ(φ·φ)²) to rounding, by Gauss–Legendre quadrature
// over the length of φ where the exponent is less than cut above its minimum.
func siteLogZ(n int, lambda float64) float64 {
	const cut = 45
	a := 1 - 2*lambda
	lo, hi, least := 0.0, 2*cut/(math.Abs(a)+math.Sqrt(a*a+4*lambda*cut)), 0.0
	if a < 0 {
		// λ(φ·φ-c)² above its minimum.
		c, width := -a/(2*lambda), math.Sqrt(cut/lambda)
		lo, hi, least = max(0, c-width), c+width, -a*a/(4*lambda)
	}
	radial := quad.Fixed(func(r float64) float64 {
		y := r * r
		return math.Pow(r, float64(n-1)) * math.Exp(-(a*y + lambda*y*y - least))
	}, math.Sqrt(lo), math.Sqrt(hi), 200, quad.Legendre{}, 0)
	// The area of the unit sphere in n dimensions, which is 2 for n = 1.
	half, _ := math.Lgamma(float64(n) / 2)
	return math.Log(2*radial) + float64(n)/2*math.Log(math.Pi) - half - least
}
