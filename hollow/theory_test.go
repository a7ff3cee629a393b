package hollow_test

import (
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// polynomial is φ⁴ theory with N components, other hopping parameters and masses for every
// direction and component, and terms that are not even,
//
//	S = Σ_x [ -2 Σ_µ κ_µ φ(x)·φ(x+µ̂) + (1-2λ) φ·φ + λ (φ·φ)² + Σ_a (m_a φ_a² + h φ_a + g φ_a³) ].
type polynomial struct {
	layout       lattice.Layout
	kappa        []float64 // by direction
	mass         []float64 // by component, or nil
	lambda, h, g float64
}

var _ lattice.LocalAction = (*polynomial)(nil)

func (p *polynomial) Layout() lattice.Layout { return p.layout }

func (p *polynomial) Params() map[string]float64 {
	return map[string]float64{"kappa": p.kappa[0], "lambda": p.lambda, "h": p.h, "g": p.g}
}

// potential is the part of S at one site; square is φ·φ without component a.
func (p *polynomial) potential(square, u float64, a int) float64 {
	m := 0.0
	if p.mass != nil {
		m = p.mass[a]
	}
	s := square + u*u
	return (1-2*p.lambda)*s + p.lambda*s*s + m*u*u + p.h*u + p.g*u*u*u
}

// others returns φ·φ at a site without component a.
func (p *polynomial) others(phi []float64, x, a int) (square float64) {
	for c := range p.layout.Components {
		if u := p.layout.Component(phi, c)[x]; c != a {
			square += u * u
		}
	}
	return square
}

func (p *polynomial) Value(phi []float64) float64 {
	s := 0.0
	for x := range p.layout.Volume() {
		square := p.others(phi, x, -1)
		s += (1-2*p.lambda)*square + p.lambda*square*square
		for a := range p.layout.Components {
			one := p.layout.Component(phi, a)
			u := one[x]
			for mu, kappa := range p.kappa {
				s -= 2 * kappa * u * one[p.layout.Forward(mu)[x]]
			}
			if p.mass != nil {
				s += p.mass[a] * u * u
			}
			s += p.h*u + p.g*u*u*u
		}
	}
	return s
}

func (p *polynomial) Drift(dst, phi []float64) []float64 {
	if dst == nil {
		dst = make([]float64, len(phi))
	}
	for x := range p.layout.Volume() {
		square := p.others(phi, x, -1)
		for a := range p.layout.Components {
			one := p.layout.Component(phi, a)
			u := one[x]
			k := -2*(1-2*p.lambda)*u - 4*p.lambda*u*square - p.h - 3*p.g*u*u
			for mu, kappa := range p.kappa {
				k += 2 * kappa * (one[p.layout.Forward(mu)[x]] + one[p.layout.Backward(mu)[x]])
			}
			if p.mass != nil {
				k -= 2 * p.mass[a] * u
			}
			p.layout.Component(dst, a)[x] = k
		}
	}
	return dst
}

func (p *polynomial) Difference(phi []float64, i int, v float64) float64 {
	a, x := i/p.layout.Volume(), i%p.layout.Volume()
	one, square := p.layout.Component(phi, a), p.others(phi, x, a)
	d := p.potential(square, v, a) - p.potential(square, one[x], a)
	for mu, kappa := range p.kappa {
		if f, b := p.layout.Forward(mu)[x], p.layout.Backward(mu)[x]; int(f) != x {
			d -= 2 * kappa * (v - one[x]) * (one[f] + one[b])
		} else {
			d -= 2 * kappa * (v*v - math.Pow(one[x], 2))
		}
	}
	return d
}
