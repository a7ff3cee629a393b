package hmc

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"

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
	// inverse and root hold 1/M_k and √M_k for the half of the momenta that a real
	// transform keeps: all components but the last, and 0 ≤ n ≤ L/2 of the last.
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
	last := lat.Dim() - 1
	n := lat.Extent(last)
	coord := make([]int, lat.Dim())
	for k, v := range spectrum {
		if !(v > 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("hmc: expected positive eigenvalues of the mass matrix, got %v at %d", v, k)
		}
		lat.Coord(coord, k)
		half := coord[last] <= n/2
		for mu := range coord {
			coord[mu] = -coord[mu]
		}
		if w := spectrum[lat.Index(coord...)]; math.Abs(v-w) > 1e-9*v {
			return nil, fmt.Errorf("hmc: expected equal masses at k and -k, got %v and %v at %d", v, w, k)
		}
		if half {
			m.inverse = append(m.inverse, 1/v)
			m.root = append(m.root, math.Sqrt(v))
		}
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
	fft      *realFFT
}

func newAccelerated(action lattice.Action, mass *Mass) *accelerated {
	return &accelerated{
		generic:  *newGeneric(action),
		mass:     mass,
		velocity: make([]float64, action.Layout().Size()),
		layout:   action.Layout(),
		fft:      newRealFFT(mass.lat),
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
		a.fft.filter(a.layout.Component(dst, c), a.layout.Component(src, c), weight)
	}
}

// realFFT multiplies real fields by functions of the momentum.
type realFFT struct {
	// half holds the transform: the momenta 0 ≤ n ≤ L/2 of the last dimension, all
	// of the others.
	half []complex128
	dims []int
	real *fourier.FFT
	axis []*fourier.CmplxFFT
	// line holds one line of an outer dimension.
	line []complex128
	norm float64
}

func newRealFFT(lat *lattice.Lattice) *realFFT {
	dims := lat.Dims()
	last := len(dims) - 1
	f := &realFFT{real: fourier.NewFFT(dims[last]), norm: 1 / float64(lat.Volume())}
	dims[last] = dims[last]/2 + 1
	volume, longest := 1, 1
	for mu, n := range dims {
		volume *= n
		if mu < last {
			f.axis = append(f.axis, fourier.NewCmplxFFT(n))
			longest = max(longest, n)
		}
	}
	f.dims, f.half, f.line = dims, make([]complex128, volume), make([]complex128, longest)
	return f
}

// filter writes the field with the Fourier components weight_k·src_k into dst. dst
// and src may be the same.
func (f *realFFT) filter(dst, src, weight []float64) {
	n, h := f.real.Len(), f.dims[len(f.dims)-1]
	for i := 0; i*n < len(src); i++ {
		f.real.Coefficients(f.half[i*h:(i+1)*h], src[i*n:(i+1)*n])
	}
	f.outer((*fourier.CmplxFFT).Coefficients)
	for k, w := range weight {
		f.half[k] *= complex(w*f.norm, 0)
	}
	f.outer((*fourier.CmplxFFT).Sequence)
	for i := 0; i*n < len(dst); i++ {
		f.real.Sequence(dst[i*n:(i+1)*n], f.half[i*h:(i+1)*h])
	}
}

// outer transforms all dimensions but the last.
func (f *realFFT) outer(transform func(*fourier.CmplxFFT, []complex128, []complex128) []complex128) {
	stride := f.dims[len(f.dims)-1]
	for mu := len(f.axis) - 1; mu >= 0; mu-- {
		n := f.dims[mu]
		line := f.line[:n]
		for block := 0; block < len(f.half); block += n * stride {
			for first := block; first < block+stride; first++ {
				for j := range line {
					line[j] = f.half[first+j*stride]
				}
				transform(f.axis[mu], line, line)
				for j, v := range line {
					f.half[first+j*stride] = v
				}
			}
		}
		stride *= n
	}
}
