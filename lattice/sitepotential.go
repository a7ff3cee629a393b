package lattice

import (
	"fmt"
	"math"
	"math/rand/v2"
)

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

// CheckSitePotential returns an error unless the drift at a site of random fields is that of
// the potential and a field of the other sites, K(x) = -V′(φ(x)) + h, with an h that does not
// depend on φ(x).
func CheckSitePotential(a SiteAction) error {
	c := a.SitePotential()
	if degree := len(c) - 1; degree < 2 || degree%2 != 0 || !(c[degree] > 0) || CheckField(c, len(c)) != nil {
		return fmt.Errorf("lattice: expected the coefficients of a site potential bounded from below, with an even highest power, got %v", c)
	}
	layout := a.Layout()
	if layout.Components != 1 {
		return fmt.Errorf("lattice: expected a site potential of a field of one component, got %d", layout.Components)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	phi, drift := make([]float64, layout.Size()), make([]float64, layout.Size())
	for x := range phi {
		phi[x] = rng.NormFloat64()
	}
	x := rng.IntN(len(phi))
	first := math.NaN()
	for _, v := range []float64{0, -1.5, -0.3, 0.7, 2} {
		phi[x] = v
		a.Drift(drift, phi)
		slope, size := 0.0, math.Abs(drift[x])
		for n := len(c) - 1; n >= 1; n-- {
			slope = slope*v + float64(n)*c[n]
			size += math.Abs(float64(n) * c[n] * math.Pow(v, float64(n-1)))
		}
		h := drift[x] + slope
		if math.IsNaN(first) {
			first = h
		}
		if !(math.Abs(h-first) <= 1e-8*(size+math.Abs(first))) {
			return fmt.Errorf("lattice: expected a drift that is -V′(φ) of the site potential %v and a field of the other sites, got fields of %.6g and %.6g at φ = 0 and %v, for %s", c, first, h, v, Describe(a))
		}
	}
	return nil
}
