package lattice

import "math"

// Magnetization returns M = (1/V) Σ_x φ(x) (4.5) of one configuration.
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

// MeanAbsField returns (1/V) Σ_x |φ(x)| of one configuration, (4.12) as printed.
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
// if phi does not have V elements.
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
