package lattice

import (
	"fmt"
	"math"
	"slices"
)

// Polynomial is the action of one component with a polynomial potential,
//
//	S = Σ_x [ -2κ Σ_μ φ(x)φ(x+μ̂) + Σ_n c_n φ(x)ⁿ ],
//
// in any dimension: (4.2) with a linear and a cubic term that break φ → -φ, φ⁶ theory,
// a potential with several wells. [Phi4] has faster code for (4.2).
type Polynomial struct {
	lat   *Lattice
	kappa float64
	// c has no zeros at its end; slope are the coefficients of the derivative.
	c, slope []float64
	// self is 2κ for every extent of one, whose link joins a site to itself.
	self    float64
	centres centres
}

var _ LocalAction = (*Polynomial)(nil)

// NewPolynomial returns the action on lat in which c[n] is the coefficient of φⁿ. It
// returns an error if a parameter is not finite or if exp(-S) is not normalisable: the
// highest power must be even with a positive coefficient, and if it is φ², c[2] must
// exceed 2d|κ|.
func NewPolynomial(lat *Lattice, kappa float64, c []float64) (*Polynomial, error) {
	if lat == nil {
		return nil, fmt.Errorf("lattice: expected a lattice for the polynomial action, got nil")
	}
	if !finite(kappa) {
		return nil, fmt.Errorf("lattice: expected a finite hopping parameter κ, got %v", kappa)
	}
	if _, bad := firstNonFinite(c); bad {
		return nil, fmt.Errorf("lattice: expected finite coefficients of the potential, got %v", c)
	}
	c = slices.Clone(c)
	for len(c) > 0 && c[len(c)-1] == 0 {
		c = c[:len(c)-1]
	}
	degree := len(c) - 1
	switch {
	case degree < 2 || degree%2 != 0 || c[degree] < 0:
		return nil, fmt.Errorf("lattice: expected a potential bounded from below, with an even highest power, got the coefficients %v", c)
	case degree == 2 && c[2] <= 2*float64(lat.Dim())*math.Abs(kappa):
		return nil, fmt.Errorf("lattice: expected a coefficient of φ² above 2d|κ| = %v without higher powers, got %v",
			2*float64(lat.Dim())*math.Abs(kappa), c[2])
	}
	a := &Polynomial{lat: lat, kappa: kappa, c: c, self: 2 * kappa * float64(lat.selfLinks())}
	for n, v := range c[1:] {
		a.slope = append(a.slope, float64(n+1)*v)
	}
	a.centres = newCentres(a.site)
	return a, nil
}

// Layout returns the layout of the fields, one component on the lattice of the action.
func (a *Polynomial) Layout() Layout { return Scalar(a.lat) }

// Kappa returns the hopping parameter κ.
func (a *Polynomial) Kappa() float64 { return a.kappa }

// Coefficients returns the coefficients of the powers of φ, from φ⁰ to the highest.
func (a *Polynomial) Coefficients() []float64 { return slices.Clone(a.c) }

// Params returns κ under the name "kappa" and the coefficient of φⁿ as "c0", "c1" and so
// on, without those that vanish; see [Params].
func (a *Polynomial) Params() map[string]float64 {
	p := map[string]float64{"kappa": a.kappa}
	for n, v := range a.c {
		if v != 0 {
			p[fmt.Sprintf("c%d", n)] = v
		}
	}
	return p
}

// Value returns S(φ). It panics if phi does not have V elements.
func (a *Polynomial) Value(phi []float64) float64 {
	pot := 0.0
	for _, v := range phi {
		pot += horner(a.c, v)
	}
	return pot - 2*a.kappa*float64(a.lat.volume)*a.lat.Hopping(phi)
}

// Drift writes K(x) = 2κ Σ_{±μ} φ(x±μ̂) - Σ_n n c_n φ(x)ⁿ⁻¹ into dst and returns it; see
// [Action]. It panics if phi does not have V elements.
func (a *Polynomial) Drift(dst, phi []float64) []float64 {
	if len(phi) != a.lat.volume {
		panic("lattice: field length does not match the lattice volume")
	}
	dst = grow(dst, len(phi))
	for x, v := range phi {
		dst[x] = -horner(a.slope, v)
	}
	a.lat.addNeighbours(dst, phi, 2*a.kappa)
	return dst
}

// site returns the part of S that one site has alone.
func (a *Polynomial) site(v float64) float64 { return horner(a.c, v) - a.self*v*v }

// Difference returns S(φ with φ_x = v) - S(φ), at a cost independent of V.
func (a *Polynomial) Difference(phi []float64, x int, v float64) float64 {
	u := phi[x]
	return a.site(v) - a.site(u) - 2*a.kappa*(v-u)*a.lat.neighbours(phi, x)
}

// Reflect returns the reflection w = 2c(h) - v of the value v of a site about the minimum c
// of its potential V(v) - hv, where h = 2κ Σ_{±μ} φ(x±μ̂) over the neighbours that are other
// sites, and the change of V(v) - hv. It is its own inverse.
func (a *Polynomial) Reflect(v, h float64) (w, delta float64) {
	w = 2*a.centres.at(h) - v
	return w, a.site(w) - a.site(v) - h*(w-v)
}

// horner returns Σ_n c_n vⁿ.
func horner(c []float64, v float64) float64 {
	p := 0.0
	for n := len(c) - 1; n >= 0; n-- {
		p = p*v + c[n]
	}
	return p
}
