package lattice

import (
	"fmt"
	"math"
)

// Phi4 is the lattice φ⁴ action (4.2) in any dimension,
//
//	S = Σ_x [ -2κ Σ_μ φ(x)φ(x+μ̂) + (1-2λ)φ(x)² + λφ(x)⁴ ],
//
// with hopping parameter κ and quartic coupling λ. For λ = 0 it is the free field.
type Phi4 struct {
	lat           *Lattice
	kappa, lambda float64
}

var _ LocalAction = (*Phi4)(nil)

// NewPhi4 returns the action (4.2) on lat. It returns an error if κ or λ is not
// finite, if λ < 0, or if λ = 0 and |κ| ≥ 1/(2d): exp(-S) is then not normalisable.
func NewPhi4(lat *Lattice, kappa, lambda float64) (*Phi4, error) {
	switch {
	case lat == nil:
		return nil, fmt.Errorf("lattice: expected a lattice for φ⁴, got nil")
	case math.IsNaN(kappa) || math.IsInf(kappa, 0):
		return nil, fmt.Errorf("lattice: expected a finite hopping parameter κ, got %v", kappa)
	case math.IsNaN(lambda) || math.IsInf(lambda, 0) || lambda < 0:
		return nil, fmt.Errorf("lattice: expected a finite coupling λ ≥ 0, got %v", lambda)
	case lambda == 0 && math.Abs(kappa)*2*float64(lat.Dim()) >= 1:
		return nil, fmt.Errorf("lattice: expected |κ| < 1/(2d) = %v for the free field (λ = 0), got %v",
			1/(2*float64(lat.Dim())), kappa)
	}
	return &Phi4{lat: lat, kappa: kappa, lambda: lambda}, nil
}

// NewFreeField returns the action (4.2) with λ = 0 on lat, whose power spectrum
// is known exactly, see [Phi4.FreeSpectrum]. It returns an error if |κ| ≥ 1/(2d).
func NewFreeField(lat *Lattice, kappa float64) (*Phi4, error) { return NewPhi4(lat, kappa, 0) }

// Lattice returns the lattice of the action.
func (a *Phi4) Lattice() *Lattice { return a.lat }

// Kappa returns the hopping parameter κ.
func (a *Phi4) Kappa() float64 { return a.kappa }

// Lambda returns the quartic coupling λ.
func (a *Phi4) Lambda() float64 { return a.lambda }

// Value returns S(φ) of (4.2). It panics if phi does not have V elements.
func (a *Phi4) Value(phi []float64) float64 {
	a.check(phi)
	if a.lat.Dim() == 2 {
		return a.value2D(phi)
	}
	hop := 0.0
	for mu := range a.lat.Dim() {
		for x, y := range a.lat.Forward(mu) {
			hop += phi[x] * phi[y]
		}
	}
	return -2*a.kappa*hop + a.potential(phi)
}

// potential returns Σ_x (1-2λ)φ² + λφ⁴.
func (a *Phi4) potential(phi []float64) float64 {
	m, s := 1-2*a.lambda, 0.0
	for _, v := range phi {
		q := v * v
		s += q * (m + a.lambda*q)
	}
	return s
}

func (a *Phi4) value2D(phi []float64) float64 {
	rows, cols := a.lat.dims[0], a.lat.dims[1]
	hop := 0.0
	for i := range rows {
		row := phi[i*cols : (i+1)*cols]
		j := (i + 1) % rows
		next := phi[j*cols : (j+1)*cols][:len(row)]
		prev := row[cols-1]
		for x, v := range row {
			hop += v * (prev + next[x])
			prev = v
		}
	}
	return -2*a.kappa*hop + a.potential(phi)
}

// Drift writes K(x) = 2κ Σ_{±μ} φ(x±μ̂) - 2(1-2λ)φ(x) - 4λφ(x)³ into dst and
// returns it; see [Action]. It panics if phi does not have V elements.
func (a *Phi4) Drift(dst, phi []float64) []float64 {
	a.check(phi)
	dst = grow(dst, len(phi))
	if a.lat.Dim() == 2 {
		a.drift2D(dst, phi)
		return dst
	}
	for x, v := range phi {
		dst[x] = -v * (2*(1-2*a.lambda) + 4*a.lambda*v*v)
	}
	for mu := range a.lat.Dim() {
		bwd := a.lat.Backward(mu)
		for x, y := range a.lat.Forward(mu) {
			dst[x] += 2 * a.kappa * (phi[y] + phi[bwd[x]])
		}
	}
	return dst
}

func (a *Phi4) drift2D(dst, phi []float64) {
	rows, cols := a.lat.dims[0], a.lat.dims[1]
	k2, m, l4 := 2*a.kappa, 2*(1-2*a.lambda), 4*a.lambda
	for i := range rows {
		row := phi[i*cols : (i+1)*cols]
		up, down := (i+rows-1)%rows, (i+1)%rows
		prev := phi[up*cols : (up+1)*cols][:len(row)]
		next := phi[down*cols : (down+1)*cols][:len(row)]
		out := dst[i*cols : (i+1)*cols][:len(row)]
		left := row[cols-1]
		for x, v := range row {
			right := row[0]
			if x+1 < len(row) {
				right = row[x+1]
			}
			out[x] = k2*(left+right+prev[x]+next[x]) - v*(m+l4*v*v)
			left = v
		}
	}
}

// Difference returns S(φ with φ_x = v) - S(φ), at a cost independent of V.
func (a *Phi4) Difference(phi []float64, x int, v float64) float64 {
	u := phi[x]
	sum, self := 0.0, 0
	for mu := range a.lat.Dim() {
		if a.lat.dims[mu] == 1 {
			// The link of an extent of one joins the site to itself: -2κφ².
			self++
			continue
		}
		sum += phi[a.lat.fwd[mu*a.lat.volume+x]] + phi[a.lat.bwd[mu*a.lat.volume+x]]
	}
	m := 1 - 2*a.lambda - 2*a.kappa*float64(self)
	return -2*a.kappa*(v-u)*sum + m*(v*v-u*u) + a.lambda*(v*v*v*v-u*u*u*u)
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
