package lattice

import "fmt"

// ON is the φ⁴ action of a field with N components, symmetric under O(N), in any
// dimension,
//
//	S = Σ_x [ -2κ Σ_μ φ(x)·φ(x+μ̂) + (1-2λ) φ(x)·φ(x) + λ (φ(x)·φ(x))² ].
//
// For N = 1 it is (4.2), for which [Phi4] has faster code. For λ = 0 it is N free
// fields; for λ → ∞ the length of φ is fixed to 1, the O(N) spin model at β = 2κ.
type ON struct {
	layout        Layout
	kappa, lambda float64
	// mass is the coefficient of φ·φ that one site sees, see Phi4.
	mass float64
}

var _ LocalAction = (*ON)(nil)

// NewON returns the action of n components on lat. It returns an error unless there are
// between 1 and [MaxComponents] of them, and for κ and λ that [NewPhi4] refuses.
func NewON(lat *Lattice, n int, kappa, lambda float64) (*ON, error) {
	one, err := NewPhi4(lat, kappa, lambda)
	if err != nil {
		return nil, err
	}
	l := Vector(lat, n)
	if err := l.Check(); err != nil {
		return nil, fmt.Errorf("lattice: O(N) action: %w", err)
	}
	return &ON{layout: l, kappa: kappa, lambda: lambda, mass: one.mass}, nil
}

// Layout returns the layout of the fields, N components on the lattice of the action.
func (a *ON) Layout() Layout { return a.layout }

// Kappa returns the hopping parameter κ.
func (a *ON) Kappa() float64 { return a.kappa }

// Lambda returns the quartic coupling λ.
func (a *ON) Lambda() float64 { return a.lambda }

// Params returns κ and λ under the names "kappa" and "lambda"; see [Params].
func (a *ON) Params() map[string]float64 {
	return map[string]float64{"kappa": a.kappa, "lambda": a.lambda}
}

// Value returns S(φ). It panics if phi does not have the size of the layout.
func (a *ON) Value(phi []float64) float64 {
	a.check(phi)
	hop := float64(a.layout.volume) * a.layout.Hopping(phi)
	pot := 0.0
	for x := range a.layout.volume {
		q := a.square(phi, x)
		pot += q * (1 - 2*a.lambda + a.lambda*q)
	}
	return pot - 2*a.kappa*hop
}

// square returns φ(x)·φ(x).
func (a *ON) square(phi []float64, x int) float64 {
	q := 0.0
	for i := x; i < len(phi); i += a.layout.volume {
		q += phi[i] * phi[i]
	}
	return q
}

// Drift writes K(x) = 2κ Σ_{±μ} φ(x±μ̂) - 2(1-2λ)φ(x) - 4λ(φ(x)·φ(x))φ(x) into dst and
// returns it; see [Action]. It panics if phi does not have the size of the layout.
func (a *ON) Drift(dst, phi []float64) []float64 {
	a.check(phi)
	dst = grow(dst, len(phi))
	for x := range a.layout.volume {
		m := 2*(1-2*a.lambda) + 4*a.lambda*a.square(phi, x)
		for i := x; i < len(phi); i += a.layout.volume {
			dst[i] = -m * phi[i]
		}
	}
	for c := range a.layout.Components {
		a.layout.addNeighbours(a.layout.Component(dst, c), a.layout.Component(phi, c), 2*a.kappa)
	}
	return dst
}

// Difference returns S(φ with φ_i = v) - S(φ), at a cost independent of V.
func (a *ON) Difference(phi []float64, i int, v float64) float64 {
	c, x := i/a.layout.volume, i%a.layout.volume
	u := phi[i]
	sum := a.layout.neighbours(a.layout.Component(phi, c), x)
	q := a.square(phi, x)
	return (v - u) * ((v+u)*(a.mass+a.lambda*(2*q+v*v-u*u)) - 2*a.kappa*sum)
}

// UpdateRow makes local Metropolis updates of the numbers first, first+stride, … of the
// row along the last dimension that ends before number end, see [Phi4.UpdateRow]. What
// one number sees of the action is v²(1-2λ + 2λr + λv²) - v·2κ Σ_{±μ} φ_c(x±μ̂), where r
// is the square of the other components.
func (a *ON) UpdateRow(phi []float64, first, end, stride int, width float64, hits int, draws [][2]float64) (accepted int, delta float64) {
	c := first / a.layout.volume
	component := a.layout.Component(phi, c)
	for i := first; i < end; i += stride {
		x := i - c*a.layout.volume
		h := 2 * a.kappa * a.layout.neighbours(component, x)
		v := phi[i]
		w, n, d := updateNumber(v, h, a.mass+2*a.lambda*(a.square(phi, x)-v*v), a.lambda, width, draws[:hits])
		phi[i] = w
		draws = draws[hits:]
		accepted += n
		delta += d
	}
	return accepted, delta
}

func (a *ON) check(phi []float64) {
	if len(phi) != a.layout.Size() {
		panic("lattice: field length does not match the layout")
	}
}
