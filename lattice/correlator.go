package lattice

import "math"

// SliceMeans writes the means of phi over the hyperplanes x_μ = t, t = 0, ..., L_μ-1,
// into dst and returns it: the zero-momentum field of each time slice. phi is a scalar
// field or one [Layout.Component]. A nil dst is allocated; otherwise its length must be
// L_μ.
func (l *Lattice) SliceMeans(dst, phi []float64, mu int) []float64 {
	if len(phi) != l.volume {
		panic("lattice: field length does not match the lattice volume")
	}
	n, stride := l.dims[mu], l.strides[mu]
	dst = grow(dst, n)
	clear(dst)
	for base := 0; base < l.volume; base += stride {
		t, s := base/stride%n, 0.0
		for _, v := range phi[base : base+stride] {
			s += v
		}
		dst[t] += s
	}
	area := float64(l.volume / n)
	for t := range dst {
		dst[t] /= area
	}
	return dst
}

// Correlator writes the zero-momentum correlator in direction mu of one configuration
// into dst and returns it,
//
//	G(t) = Σ_{x: x_μ = t} (1/V) Σ_y φ(y)φ(y+x),   t = 0, ..., L_μ-1,
//
// averaged over both directions of time by construction: G(t) = G(L-t). Its sum over
// t is V M². phi is a scalar field; see [Layout.Correlator] for vectors. A nil dst is allocated; otherwise its length must be L_μ.
func (l *Lattice) Correlator(dst, phi []float64, mu int) []float64 {
	slice := l.SliceMeans(nil, phi, mu)
	n := len(slice)
	dst = grow(dst, n)
	area := float64(l.volume / n)
	for t := range dst {
		s := 0.0
		for u, v := range slice {
			w := u + t
			if w >= n {
				w -= n
			}
			s += v * slice[w]
		}
		dst[t] = s * area / float64(n)
	}
	return dst
}

// EffectiveMass writes the effective mass of a periodic correlator g into dst and
// returns it,
//
//	m(t) = arcosh[ (G(t-1) + G(t+1)) / (2G(t)) ],
//
// which is the mass itself if G(t) ∝ cosh(m(t - L/2)), and for the free field is so
// for all 0 < t < L, with cosh m = (1 - 2κ(d-1))/(2κ). It is NaN where the argument
// is below 1, as it is for t = 0. The mean correlator of an ensemble is to be
// inserted, not that of one configuration. A nil dst is allocated; otherwise it must
// have the length of g and must not overlap it.
func EffectiveMass(dst, g []float64) []float64 {
	n := len(g)
	dst = grow(dst, n)
	for t := range g {
		dst[t] = math.Acosh((g[(t+n-1)%n] + g[(t+1)%n]) / (2 * g[t]))
	}
	return dst
}

// Mode returns |φ_k|² of one configuration for k = 2πn/L_μ in direction mu and zero in
// the others, at a fraction of the cost of a transform. Mode(phi, mu, 0) is V M². phi is
// a scalar field; see [Layout.Mode] for vectors.
func (l *Lattice) Mode(phi []float64, mu, n int) float64 {
	slice := l.SliceMeans(nil, phi, mu)
	var re, im float64
	for t, v := range slice {
		sin, cos := math.Sincos(2 * math.Pi * float64(t*n%len(slice)) / float64(len(slice)))
		re += v * cos
		im -= v * sin
	}
	area := float64(l.volume / len(slice))
	return (re*re + im*im) * area / float64(len(slice))
}
