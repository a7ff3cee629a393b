package lattice

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/latdiff/latdiff/internal/plane"
)

// Phi4 is the lattice φ⁴ action (4.2) in any dimension,
//
//	S = Σ_x [ -2κ Σ_μ φ(x)φ(x+μ̂) + (1-2λ)φ(x)² + λφ(x)⁴ ],
//
// with hopping parameter κ and quartic coupling λ. For λ = 0 it is the free field.
type Phi4 struct {
	lat           *Lattice
	kappa, lambda float64
	// mass is the coefficient of φ² that one site sees: 1-2λ, and -2κ for every extent
	// of one, whose link joins a site to itself.
	mass float64
	// well is the position of the minimum of mass·φ² + λφ⁴ where mass < 0.
	well float64
	// loops are the passes of molecular dynamics in two dimensions.
	loops *plane.Loops
}

var _ LocalAction = (*Phi4)(nil)

// NewPhi4 returns the action (4.2) on lat. It returns an error if κ or λ is not
// finite, if λ < 0, or if λ = 0 and |κ| ≥ 1/(2d): exp(-S) is then not normalisable.
func NewPhi4(lat *Lattice, kappa, lambda float64) (*Phi4, error) {
	switch {
	case lat == nil:
		return nil, fmt.Errorf("lattice: expected a lattice for φ⁴, got nil")
	case !finite(kappa):
		return nil, fmt.Errorf("lattice: expected a finite hopping parameter κ, got %v", kappa)
	case !finite(lambda) || lambda < 0:
		return nil, fmt.Errorf("lattice: expected a finite coupling λ ≥ 0, got %v", lambda)
	case lambda == 0 && math.Abs(kappa)*2*float64(lat.Dim()) >= 1:
		return nil, fmt.Errorf("lattice: expected |κ| < 1/(2d) = %v for the free field (λ = 0), got %v",
			1/(2*float64(lat.Dim())), kappa)
	}
	a := &Phi4{lat: lat, kappa: kappa, lambda: lambda, mass: 1 - 2*lambda - 2*kappa*float64(lat.selfLinks())}
	if a.mass < 0 {
		a.well = math.Sqrt(-a.mass / (2 * lambda))
	}
	if lat.Dim() == 2 {
		a.loops = plane.Fastest(lat.Extent(1))
	}
	return a, nil
}

// NewFreeField returns the action (4.2) with λ = 0 on lat, whose power spectrum
// is known exactly, see [Phi4.FreeSpectrum]. It returns an error if |κ| ≥ 1/(2d).
func NewFreeField(lat *Lattice, kappa float64) (*Phi4, error) { return NewPhi4(lat, kappa, 0) }

// Layout returns the layout of the fields, one component on the lattice of the action.
func (a *Phi4) Layout() Layout { return Scalar(a.lat) }

// Kappa returns the hopping parameter κ.
func (a *Phi4) Kappa() float64 { return a.kappa }

// Lambda returns the quartic coupling λ.
func (a *Phi4) Lambda() float64 { return a.lambda }

// Params returns κ and λ under the names "kappa" and "lambda", which [Ensemble.Phi4]
// reads; see [Params].
func (a *Phi4) Params() map[string]float64 {
	return map[string]float64{"kappa": a.kappa, "lambda": a.lambda}
}

// Value returns S(φ) of (4.2). It panics if phi does not have V elements.
func (a *Phi4) Value(phi []float64) float64 {
	hop, pot := a.sums(phi)
	return -2*a.kappa*hop + pot
}

// Potential returns the potential energy density (1/V) Σ_x [(1-2λ)φ² + λφ⁴] of one
// configuration, so that S/V = Potential - 2κ [Lattice.Hopping]. It panics if phi does
// not have V elements.
func (a *Phi4) Potential(phi []float64) float64 {
	_, pot := a.sums(phi)
	return pot / float64(a.lat.volume)
}

// sums returns Σ_x Σ_μ φ(x)φ(x+μ̂) and Σ_x (1-2λ)φ² + λφ⁴. It walks along the last
// dimension, whose neighbours are adjacent; in the others, a row's neighbours are rows.
func (a *Phi4) sums(phi []float64) (hop, pot float64) {
	a.check(phi)
	m, last := 1-2*a.lambda, a.lat.Dim()-1
	n := a.lat.dims[last]
	for base := 0; base < len(phi); base += n {
		row := phi[base : base+n]
		h, p, prev := 0.0, 0.0, row[n-1]
		for _, v := range row {
			q := v * v
			p += q * (m + a.lambda*q)
			h += v * prev
			prev = v
		}
		for mu := range last {
			next, _ := a.rows(phi, mu, base, n)
			h += floats.Dot(row, next)
		}
		hop += h
		pot += p
	}
	return hop, pot
}

// Drift writes K(x) = 2κ Σ_{±μ} φ(x±μ̂) - 2(1-2λ)φ(x) - 4λφ(x)³ into dst and
// returns it; see [Action]. It panics if phi does not have V elements.
func (a *Phi4) Drift(dst, phi []float64) []float64 {
	a.check(phi)
	dst = grow(dst, len(phi))
	k2, m, l4 := 2*a.kappa, 2*(1-2*a.lambda), 4*a.lambda
	last := a.lat.Dim() - 1
	n := a.lat.dims[last]
	for base := 0; base < len(phi); base += n {
		row := phi[base : base+n]
		out := dst[base : base+n][:len(row)]
		left := row[n-1]
		if last == 0 {
			for x, v := range row {
				right := row[0]
				if x+1 < len(row) {
					right = row[x+1]
				}
				out[x] = k2*(left+right) - v*(m+l4*v*v)
				left = v
			}
			continue
		}
		next, prev := a.rows(phi, 0, base, n)
		for x, v := range row {
			right := row[0]
			if x+1 < len(row) {
				right = row[x+1]
			}
			out[x] = k2*(left+right+next[x]+prev[x]) - v*(m+l4*v*v)
			left = v
		}
		for mu := 1; mu < last; mu++ {
			next, prev := a.rows(phi, mu, base, n)
			for x := range out {
				out[x] += k2 * (next[x] + prev[x])
			}
		}
	}
	return dst
}

// rows returns the neighbours in directions +μ and -μ, not the last, of the row of
// length n that starts at site base.
func (a *Phi4) rows(phi []float64, mu, base, n int) (next, prev []float64) {
	next = phi[a.lat.fwd[mu*len(phi)+base]:][:n]
	prev = phi[a.lat.bwd[mu*len(phi)+base]:][:n]
	return next, prev
}

// Difference returns S(φ with φ_x = v) - S(φ), at a cost independent of V.
func (a *Phi4) Difference(phi []float64, x int, v float64) float64 {
	u := phi[x]
	return -2*a.kappa*(v-u)*a.lat.neighbours(phi, x) + a.mass*(v*v-u*u) + a.lambda*(v*v*v*v-u*u*u*u)
}

// FreeSpectrum writes the power spectrum ⟨|φ_k|²⟩ = 1/(2(1 - 2κ Σ_μ cos k_μ)) of
// the free field (λ = 0) with this κ into dst and returns it; φ_k is the unitary
// discrete Fourier transform, k = 2πn/L, laid out like a field. It returns an
// error if |κ| ≥ 1/(2d). A nil dst is allocated.
func (a *Phi4) FreeSpectrum(dst []float64) ([]float64, error) {
	if math.Abs(a.kappa)*2*float64(a.lat.Dim()) >= 1 {
		return nil, fmt.Errorf("lattice: expected |κ| < 1/(2d) for the spectrum of the free field, got %v", a.kappa)
	}
	dst = grow(dst, a.lat.volume)
	coord := make([]int, a.lat.Dim())
	for k := range dst {
		a.lat.Coord(coord, k)
		c := 0.0
		for mu, n := range coord {
			c += math.Cos(2 * math.Pi * float64(n) / float64(a.lat.dims[mu]))
		}
		dst[k] = 1 / (2 * (1 - 2*a.kappa*c))
	}
	return dst, nil
}

func (a *Phi4) check(phi []float64) {
	if len(phi) != a.lat.volume {
		panic("lattice: field length does not match the lattice volume")
	}
}
