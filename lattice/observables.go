package lattice

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// Magnetization returns M = (1/V) Σ_x φ(x) (4.5) of one configuration of a scalar; see
// [Layout.Magnetization] for vectors.
func Magnetization(phi []float64) float64 {
	s := 0.0
	for _, v := range phi {
		s += v
	}
	return s / float64(len(phi))
}

// AbsMagnetization returns |M| = |(1/V) Σ_x φ(x)| of one configuration. This is
// the quantity whose values the paper quotes as |M|, although its (4.12) prints
// what is here [MeanAbsField].
func AbsMagnetization(phi []float64) float64 { return math.Abs(Magnetization(phi)) }

// Magnetization writes the vector M_c = (1/V) Σ_x φ_c(x) of one configuration into dst
// and returns it. A nil dst is allocated; otherwise its length must be the number of
// components.
func (l Layout) Magnetization(dst, phi []float64) []float64 {
	l.mustFit(phi)
	dst = grow(dst, l.Components)
	for c := range dst {
		dst[c] = Magnetization(l.Component(phi, c))
	}
	return dst
}

// AbsMagnetization returns the length |M| = |(1/V) Σ_x φ(x)| of the vector
// [Layout.Magnetization], which O(N) leaves as it is. For one component it is
// [AbsMagnetization].
func (l Layout) AbsMagnetization(phi []float64) float64 {
	if l.Components == 1 {
		return AbsMagnetization(phi)
	}
	return math.Sqrt(l.SquaredMagnetization(phi))
}

// SquaredMagnetization returns M·M = Σ_c M_c², whose mean is χ/V with the susceptibility
// χ = (1/V) Σ_{x,y} ⟨φ(x)·φ(y)⟩ of the symmetric phase.
func (l Layout) SquaredMagnetization(phi []float64) float64 {
	return l.sum(phi, func(field []float64) float64 {
		m := Magnetization(field)
		return m * m
	})
}

// Hopping returns (1/V) Σ_x Σ_μ φ(x)·φ(x+μ̂), the sum of [Lattice.Hopping] over the
// components.
func (l Layout) Hopping(phi []float64) float64 { return l.sum(phi, l.Lattice.Hopping) }

// Mode returns φ_k*·φ_k, the sum of [Lattice.Mode] over the components.
func (l Layout) Mode(phi []float64, mu, n int) float64 {
	return l.sum(phi, func(field []float64) float64 { return l.Lattice.Mode(field, mu, n) })
}

// Correlator writes the correlator of φ(y)·φ(y+x), the sum of [Lattice.Correlator] over
// the components, into dst and returns it. A nil dst is allocated; otherwise its length
// must be L_μ.
func (l Layout) Correlator(dst, phi []float64, mu int) []float64 {
	l.mustFit(phi)
	dst = l.Lattice.Correlator(dst, l.Component(phi, 0), mu)
	for c := 1; c < l.Components; c++ {
		floats.Add(dst, l.Lattice.Correlator(nil, l.Component(phi, c), mu))
	}
	return dst
}

func (l Layout) sum(phi []float64, f func(field []float64) float64) float64 {
	l.mustFit(phi)
	s := 0.0
	for c := range l.Components {
		s += f(l.Component(phi, c))
	}
	return s
}

func (l Layout) mustFit(phi []float64) {
	if len(phi) != l.Size() {
		panic("lattice: field length does not match the layout")
	}
}

// MeanAbsField returns (1/V) Σ_x |φ(x)| of one configuration, (4.12) as printed. Of
// several components it is the mean over all of them, as are Phi2 and Phi4Moment.
func MeanAbsField(phi []float64) float64 {
	s := 0.0
	for _, v := range phi {
		s += math.Abs(v)
	}
	return s / float64(len(phi))
}

// Phi2 returns (1/V) Σ_x φ(x)² of one configuration.
func Phi2(phi []float64) float64 {
	s := 0.0
	for _, v := range phi {
		s += v * v
	}
	return s / float64(len(phi))
}

// Phi4Moment returns (1/V) Σ_x φ(x)⁴ of one configuration.
func Phi4Moment(phi []float64) float64 {
	s := 0.0
	for _, v := range phi {
		q := v * v
		s += q * q
	}
	return s / float64(len(phi))
}

// Hopping returns (1/V) Σ_x Σ_μ φ(x)φ(x+μ̂) of one configuration: the energy density
// conjugate to the hopping parameter, as ∂ log Z/∂κ = 2V ⟨Hopping⟩ for (4.2). It panics
// if phi does not have V elements; see [Layout.Hopping] for several components.
func (l *Lattice) Hopping(phi []float64) float64 {
	if len(phi) != l.volume {
		panic("lattice: field length does not match the lattice volume")
	}
	s := 0.0
	for mu := range l.dims {
		for x, y := range l.Forward(mu) {
			s += phi[x] * phi[y]
		}
	}
	return s / float64(l.volume)
}

// ActionDensity returns S(φ)/V of one configuration. It panics if phi does not have V
// elements.
func (a *Phi4) ActionDensity(phi []float64) float64 { return a.Value(phi) / float64(a.lat.volume) }
