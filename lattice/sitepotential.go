package lattice

// SiteAction is an action of one component that tells the potential of a site,
//
//	S = Σ_x Σ_n c_n φ(x)ⁿ + terms that are linear in the field of every site,
//
// such as -2κφ(x)φ(x+µ̂). Models solve one site exactly with it, see package diffusion.
type SiteAction interface {
	Action
	// SitePotential returns the coefficients c_n, from φ⁰ to the highest power, which is
	// even with a positive coefficient.
	SitePotential() []float64
}

var (
	_ SiteAction = (*Phi4)(nil)
	_ SiteAction = (*Polynomial)(nil)
)

// SitePotential returns the coefficients of (1-2λ)φ² + λφ⁴ and of what extents of one site,
// where φ(x+µ̂) = φ(x), add to it.
func (a *Phi4) SitePotential() []float64 {
	c := []float64{0, 0, 1 - 2*a.lambda - 2*a.kappa*float64(a.lat.selfLinks()), 0, a.lambda}
	if a.lambda == 0 {
		c = c[:3]
	}
	return c
}

// SitePotential returns the coefficients of the potential and of what extents of one site,
// where φ(x+µ̂) = φ(x), add to it.
func (a *Polynomial) SitePotential() []float64 {
	c := a.Coefficients()
	c[2] -= a.self
	return c
}
