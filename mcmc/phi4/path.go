package phi4

import (
	"fmt"

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
	site, err := OneSite(layout.Components, 0, lambda, 0)
	if err != nil {
		return mcmc.ThermodynamicPath{}, err
	}
	return mcmc.ThermodynamicPath{
		To:     kappa,
		LogZ:   float64(layout.Volume()) * site.LogZ,
		Action: at,
		Derivative: func(_ float64, phi []float64) float64 {
			return -2 * float64(layout.Volume()) * layout.Hopping(phi)
		},
	}, nil
}
