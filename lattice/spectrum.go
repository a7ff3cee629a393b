package lattice

import "math"

// PowerSpectrum accumulates the mean of |φ_k|² of every component over configurations.
// It holds scratch memory and must not be used by two goroutines at once; to share the
// work, give each its own and [PowerSpectrum.Merge] them in a fixed order.
type PowerSpectrum struct {
	layout  Layout
	fourier *Fourier
	sum     []float64 // of |φ_k|², in the layout of a field
	zero    []float64 // of φ_0 = Σ_x φ(x)/√V, per component
	buf     []float64
	n       int
}

// NewPowerSpectrum returns an accumulator for fields of the layout.
func NewPowerSpectrum(layout Layout) *PowerSpectrum {
	return &PowerSpectrum{
		layout: layout, fourier: NewFourier(layout.Lattice), sum: make([]float64, layout.Size()),
		zero: make([]float64, layout.Components), buf: make([]float64, layout.volume),
	}
}

// Add takes in one configuration. It panics if phi does not have the size of the layout.
// A field that is not finite makes the mean NaN.
func (s *PowerSpectrum) Add(phi []float64) {
	if len(phi) != len(s.sum) {
		panic("lattice: field length does not match the layout")
	}
	root := math.Sqrt(float64(s.layout.volume))
	for c := range s.zero {
		field, sum := s.layout.Component(phi, c), s.layout.Component(s.sum, c)
		s.zero[c] += root * Magnetization(field)
		for k, p := range s.fourier.Power(s.buf, field) {
			sum[k] += p
		}
	}
	s.n++
}

// Merge takes in the configurations that o has taken in. It panics if o is for fields
// of another layout.
func (s *PowerSpectrum) Merge(o *PowerSpectrum) {
	if !s.layout.Equal(o.layout) {
		panic("lattice: merge of spectra of different layouts")
	}
	for k, p := range o.sum {
		s.sum[k] += p
	}
	for c, z := range o.zero {
		s.zero[c] += z
	}
	s.n += o.n
}

// Len returns the number of configurations taken in.
func (s *PowerSpectrum) Len() int { return s.n }

// Mean writes the mean ⟨|φ_k|²⟩ into dst and returns it, NaN if there is no
// configuration; see [Fourier.Power]. A nil dst is allocated; otherwise its length
// must be the size of the layout.
func (s *PowerSpectrum) Mean(dst []float64) []float64 {
	dst = grow(dst, len(s.sum))
	for k, p := range s.sum {
		dst[k] = p / float64(s.n)
	}
	return dst
}

// FieldMean returns ⟨φ⟩ of every component, averaged over sites.
func (s *PowerSpectrum) FieldMean() []float64 {
	mean := make([]float64, len(s.zero))
	for c, z := range s.zero {
		mean[c] = z / float64(s.n) / math.Sqrt(float64(s.layout.volume))
	}
	return mean
}

// Connected is Mean without the square of ⟨φ⟩, the spectrum of φ - ⟨φ⟩: its zero mode is
// V(⟨M²⟩ - ⟨M⟩²).
func (s *PowerSpectrum) Connected(dst []float64) []float64 {
	dst = s.Mean(dst)
	for c, m := range s.FieldMean() {
		s.layout.Component(dst, c)[0] -= float64(s.layout.volume) * m * m
	}
	return dst
}

// Symmetrized is Mean averaged over the point group, see [Lattice.Symmetrize], component
// by component: the best estimate of the spectrum of a symmetric theory.
func (s *PowerSpectrum) Symmetrized(dst []float64) []float64 {
	dst = s.Mean(dst)
	for c := range s.zero {
		s.layout.Symmetrize(s.layout.Component(dst, c), s.layout.Component(dst, c))
	}
	return dst
}

// PowerSpectrum returns the mean of |φ_k|² over the ensemble as an accumulator.
func (e *Ensemble) PowerSpectrum() *PowerSpectrum {
	s := NewPowerSpectrum(e.Layout)
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
// 1/m₀ exactly, on every lattice. power has V elements: that of a scalar field, of one
// component, or, as O(N) suggests, the sum over the components. As [Fourier.Power] is not
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
