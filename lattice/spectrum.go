package lattice

import "math"

// PowerSpectrum accumulates the mean of |φ_k|² over configurations. It holds scratch
// memory and must not be used by two goroutines at once; to share the work, give each
// its own and [PowerSpectrum.Merge] them in a fixed order.
type PowerSpectrum struct {
	fourier *Fourier
	sum     []float64
	buf     []float64
	n       int
}

// NewPowerSpectrum returns an accumulator for fields on lat.
func NewPowerSpectrum(lat *Lattice) *PowerSpectrum {
	return &PowerSpectrum{fourier: NewFourier(lat), sum: make([]float64, lat.volume), buf: make([]float64, lat.volume)}
}

// Add takes in one configuration. It panics if phi does not have V elements. A field
// that is not finite makes the mean NaN.
func (s *PowerSpectrum) Add(phi []float64) {
	for k, p := range s.fourier.Power(s.buf, phi) {
		s.sum[k] += p
	}
	s.n++
}

// Merge takes in the configurations that o has taken in. It panics if o is for fields
// on another lattice.
func (s *PowerSpectrum) Merge(o *PowerSpectrum) {
	if !s.fourier.lat.Equal(o.fourier.lat) {
		panic("lattice: merge of spectra on different lattices")
	}
	for k, p := range o.sum {
		s.sum[k] += p
	}
	s.n += o.n
}

// Len returns the number of configurations taken in.
func (s *PowerSpectrum) Len() int { return s.n }

// Mean writes the mean ⟨|φ_k|²⟩ into dst and returns it, NaN if there is no
// configuration; see [Fourier.Power]. A nil dst is allocated; otherwise its length
// must be V.
func (s *PowerSpectrum) Mean(dst []float64) []float64 {
	dst = grow(dst, len(s.sum))
	for k, p := range s.sum {
		dst[k] = p / float64(s.n)
	}
	return dst
}

// Symmetrized is Mean averaged over the point group, see [Lattice.Symmetrize]: the
// best estimate of the spectrum of a symmetric theory.
func (s *PowerSpectrum) Symmetrized(dst []float64) []float64 {
	dst = s.Mean(dst)
	return s.fourier.lat.Symmetrize(dst, dst)
}

// PowerSpectrum returns the mean of |φ_k|² over the ensemble as an accumulator.
func (e *Ensemble) PowerSpectrum() *PowerSpectrum {
	s := NewPowerSpectrum(e.Lattice)
	for _, phi := range e.All() {
		s.Add(phi)
	}
	return s
}

// CorrelationLength returns the second-moment correlation length ξ in direction mu
// from the propagator in momentum space, that is from a mean power spectrum,
//
//	ξ² = (G(0)/G(p) - 1) / (4 sin²(p/2)),   p = 2π/L_μ in direction μ.
//
// It is NaN if the right-hand side is negative or L_μ = 1. For the free field ξ is
// 1/m₀ exactly, on every lattice. power has V elements; as [Fourier.Power] is not
// connected, this is the definition for the symmetric phase, and in the broken phase
// V⟨|M|⟩² is to be subtracted from its element 0 first. [SecondMoment] takes the two
// numbers alone, as a jackknife needs them.
func (l *Lattice) CorrelationLength(power []float64, mu int) float64 {
	if len(power) != l.volume {
		panic("lattice: spectrum length does not match the lattice volume")
	}
	n := l.dims[mu]
	return SecondMoment(power[0], power[l.strides[mu]*(1%n)], n)
}

// SecondMoment returns ξ of [Lattice.CorrelationLength] from G(0) and G(2π/L), the
// latter in the direction of extent L. Per configuration, [Lattice.Mode] gives both.
func SecondMoment(g0, g1 float64, extent int) float64 {
	s := 2 * math.Sin(math.Pi/float64(extent))
	if extent < 2 {
		return math.NaN()
	}
	return math.Sqrt((g0/g1 - 1) / (s * s))
}
