package hmc

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// Mass is a translation-invariant mass matrix M of the kinetic term ½ π M⁻¹ π,
// diagonal in momentum space. With M close to the curvature of the action all modes
// oscillate with a similar frequency, and one trajectory refreshes the slow
// long-wavelength modes as well as the fast ones (Fourier acceleration: Batrouni
// et al., Phys. Rev. D 32 (1985) 2736). Any positive M is exact; it costs two
// Fourier transforms per field update. A Mass is immutable and safe for
// concurrent use.
type Mass struct {
	lat *lattice.Lattice
	// inverse and root hold 1/M_k and √M_k, laid out like a field.
	inverse, root []float64
}

// NewMass returns the mass matrix with the eigenvalues M_k given by spectrum, which
// is laid out like a field: k = 2πn/L. It returns an error unless there is one
// eigenvalue per site, all are finite and positive, and M_k = M_{-k} to a relative
// accuracy of 1e-9.
func NewMass(lat *lattice.Lattice, spectrum []float64) (*Mass, error) {
	if lat == nil {
		return nil, fmt.Errorf("hmc: expected a lattice for the mass matrix, got nil")
	}
	if len(spectrum) != lat.Volume() {
		return nil, fmt.Errorf("hmc: expected %d eigenvalues of the mass matrix, got %d", lat.Volume(), len(spectrum))
	}
	m := &Mass{lat: lat}
	coord := make([]int, lat.Dim())
	for k, v := range spectrum {
		if !(v > 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("hmc: expected positive eigenvalues of the mass matrix, got %v at %d", v, k)
		}
		lat.Coord(coord, k)
		for mu := range coord {
			coord[mu] = -coord[mu]
		}
		if w := spectrum[lat.Index(coord...)]; math.Abs(v-w) > 1e-9*v {
			return nil, fmt.Errorf("hmc: expected equal masses at k and -k, got %v and %v at %d", v, w, k)
		}
		m.inverse = append(m.inverse, 1/v)
		m.root = append(m.root, math.Sqrt(v))
	}
	return m, nil
}

// NewFreeMass returns the mass matrix M_k = 2(1 - 2κ Σ_μ cos k_μ) + m² of a free
// field with hopping parameter κ and an additional mass term. With m² = 0 it is the
// curvature of the action of [lattice.NewFreeField]: under it every mode of that
// field has frequency 1, and a trajectory of length π/2 makes the field independent
// of where it started. For an interacting field κ and m² are chosen such that 1/M_k
// resembles its power spectrum ⟨|φ_k|²⟩. It returns an error unless all M_k are
// positive.
func NewFreeMass(lat *lattice.Lattice, kappa, mass2 float64) (*Mass, error) {
	if lat == nil {
		return nil, fmt.Errorf("hmc: expected a lattice for the mass matrix, got nil")
	}
	spectrum := make([]float64, lat.Volume())
	coord := make([]int, lat.Dim())
	for k := range spectrum {
		lat.Coord(coord, k)
		c := 0.0
		for mu, n := range coord {
			c += math.Cos(2 * math.Pi * float64(n) / float64(lat.Extent(mu)))
		}
		spectrum[k] = 2*(1-2*kappa*c) + mass2
	}
	return NewMass(lat, spectrum)
}

// accelerated moves any action with a mass matrix.
type accelerated struct {
	generic
	mass *Mass
	// velocity is M⁻¹π.
	velocity []float64
	layout   lattice.Layout
	fourier  *lattice.Fourier
}

func newAccelerated(action lattice.Action, mass *Mass) *accelerated {
	return &accelerated{
		generic:  *newGeneric(action),
		mass:     mass,
		velocity: make([]float64, action.Layout().Size()),
		layout:   action.Layout(),
		fourier:  lattice.NewFourier(mass.lat),
	}
}

// refresh draws π = M^½ η with white noise η.
func (a *accelerated) refresh(src *normalSource) {
	src.fill(a.velocity)
	a.filter(a.pi, a.velocity, a.mass.root)
}

func (a *accelerated) kickDrift(c, b float64) {
	a.kick(c)
	a.filter(a.velocity, a.pi, a.mass.inverse)
	for x, v := range a.velocity {
		a.phi[x] += b * v
	}
}

func (a *accelerated) hamiltonian() float64 {
	a.filter(a.velocity, a.pi, a.mass.inverse)
	s := 0.0
	for x, v := range a.velocity {
		s += v * a.pi[x]
	}
	return s/2 + a.action.Value(a.phi)
}

// filter multiplies the modes of every component of src by weight, into dst.
func (a *accelerated) filter(dst, src, weight []float64) {
	for c := range a.layout.Components {
		a.fourier.Filter(a.layout.Component(dst, c), a.layout.Component(src, c), weight)
	}
}
