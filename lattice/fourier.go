package lattice

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Fourier transforms fields between sites and momenta,
//
//	φ_k = V^{-1/2} Σ_x φ(x) e^{-ik·x},   k_μ = 2πn_μ/L_μ,
//
// a unitary transform. Functions of k are laid out like a field: the element at
// Index(n...) belongs to n. Any extent works, products of small primes are fastest. The
// fields are scalar; of several components take one at a time, see [Layout.Component].
//
// Its methods take no memory besides dst. A Fourier holds scratch memory and must not
// be used by two goroutines at once.
type Fourier struct {
	lat *Lattice
	// last transforms the last dimension, from n real numbers to half complex ones;
	// the others follow from φ_{-k} = φ_k*.
	last    *fourier.FFT
	n, half int
	axes    []fourierAxis
	// mirror[r] is the row of the negative outer momenta of row r.
	mirror []int
	scale  float64 // V^{-1/2}

	coeff, line []complex128
}

// fourierAxis is the transform of an outer dimension.
type fourierAxis struct {
	fft    *fourier.CmplxFFT
	stride int // in the array of coefficients
}

// NewFourier returns the transform of fields on lat.
func NewFourier(lat *Lattice) *Fourier {
	d := lat.Dim()
	n := lat.dims[d-1]
	rows := lat.volume / n
	f := &Fourier{
		lat:    lat,
		last:   fourier.NewFFT(n),
		n:      n,
		half:   n/2 + 1,
		mirror: make([]int, rows),
		scale:  1 / math.Sqrt(float64(lat.volume)),
		coeff:  make([]complex128, rows*(n/2+1)),
	}
	longest := 0
	for mu, extent := range lat.dims[:d-1] {
		if extent > 1 {
			f.axes = append(f.axes, fourierAxis{fourier.NewCmplxFFT(extent), lat.strides[mu] / n * f.half})
			longest = max(longest, extent)
		}
	}
	f.line = make([]complex128, longest)
	for r := range rows {
		m := 0
		for mu, extent := range lat.dims[:d-1] {
			c := r * n / lat.strides[mu] % extent
			m += (extent - c) % extent * (lat.strides[mu] / n)
		}
		f.mirror[r] = m
	}
	return f
}

// Lattice returns the lattice of the fields.
func (f *Fourier) Lattice() *Lattice { return f.lat }

// forward leaves √V φ_k in coeff.
func (f *Fourier) forward(phi []float64) {
	if len(phi) != f.lat.volume {
		panic("lattice: field length does not match the lattice volume")
	}
	for r := range f.mirror {
		f.last.Coefficients(f.coeff[r*f.half:(r+1)*f.half], phi[r*f.n:(r+1)*f.n])
	}
	for _, a := range f.axes {
		f.along(a, a.fft.Coefficients)
	}
}

// backward writes Σ_k coeff_k e^{ik·x} into dst and spoils coeff.
func (f *Fourier) backward(dst []float64) {
	for _, a := range f.axes {
		f.along(a, a.fft.Sequence)
	}
	for r := range f.mirror {
		f.last.Sequence(dst[r*f.n:(r+1)*f.n], f.coeff[r*f.half:(r+1)*f.half])
	}
}

func (f *Fourier) along(a fourierAxis, transform func(dst, src []complex128) []complex128) {
	n := a.fft.Len()
	line := f.line[:n]
	for base := 0; base < len(f.coeff); base += n * a.stride {
		for at := base; at < base+a.stride; at++ {
			for j, p := 0, at; j < n; j, p = j+1, p+a.stride {
				line[j] = f.coeff[p]
			}
			transform(line, line)
			for j, p := 0, at; j < n; j, p = j+1, p+a.stride {
				f.coeff[p] = line[j]
			}
		}
	}
}

// Transform writes φ_k into dst and returns it. A nil dst is allocated; otherwise its
// length must be V.
func (f *Fourier) Transform(dst []complex128, phi []float64) []complex128 {
	if dst == nil {
		dst = make([]complex128, f.lat.volume)
	} else if len(dst) != f.lat.volume {
		panic("lattice: destination length does not match the field")
	}
	f.forward(phi)
	s := complex(f.scale, 0)
	for r, m := range f.mirror {
		out := dst[r*f.n : (r+1)*f.n]
		for j, c := range f.coeff[r*f.half : (r+1)*f.half] {
			out[j] = s * c
		}
		for j := f.half; j < f.n; j++ {
			c := f.coeff[m*f.half+f.n-j]
			out[j] = s * complex(real(c), -imag(c))
		}
	}
	return dst
}

// Inverse writes the field with the transform phik into dst and returns it. The field
// is real if phik(-k) = phik(k)*; of phik only momenta with n ≤ L/2 in the last
// dimension are read. A nil dst is allocated; otherwise its length must be V.
func (f *Fourier) Inverse(dst []float64, phik []complex128) []float64 {
	if len(phik) != f.lat.volume {
		panic("lattice: field length does not match the lattice volume")
	}
	dst = grow(dst, len(phik))
	s := complex(f.scale, 0)
	for r := range f.mirror {
		for j, c := range phik[r*f.n:][:f.half] {
			f.coeff[r*f.half+j] = s * c
		}
	}
	f.backward(dst)
	return dst
}

// Power writes |φ_k|² into dst and returns it. Its mean over an ensemble is the
// propagator in momentum space, G(k) = Σ_x ⟨φ(0)φ(x)⟩ e^{-ik·x}, not connected: its
// zero mode is V⟨M²⟩. A nil dst is allocated; otherwise its length must be V. dst may
// be phi.
func (f *Fourier) Power(dst, phi []float64) []float64 {
	f.forward(phi)
	dst = grow(dst, len(phi))
	s := f.scale * f.scale
	for r, m := range f.mirror {
		out := dst[r*f.n : (r+1)*f.n]
		for j, c := range f.coeff[r*f.half : (r+1)*f.half] {
			out[j] = s * (real(c)*real(c) + imag(c)*imag(c))
		}
		for j := f.half; j < f.n; j++ {
			c := f.coeff[m*f.half+f.n-j]
			out[j] = s * (real(c)*real(c) + imag(c)*imag(c))
		}
	}
	return dst
}

// Filter multiplies φ_k by mult and transforms back: it applies the translation
// invariant linear operator with the eigenvalues mult to phi. mult has V elements and
// must be even, mult(-k) = mult(k), as power spectra are. Filter writes into dst,
// which may be phi, and returns it. A nil dst is allocated; otherwise its length must
// be V.
func (f *Fourier) Filter(dst, phi, mult []float64) []float64 {
	if len(mult) != f.lat.volume {
		panic("lattice: multiplier length does not match the lattice volume")
	}
	f.forward(phi)
	dst = grow(dst, len(phi))
	s := f.scale * f.scale
	for r := range f.mirror {
		row := f.coeff[r*f.half : (r+1)*f.half]
		for j, v := range mult[r*f.n:][:f.half] {
			row[j] *= complex(s*v, 0)
		}
	}
	f.backward(dst)
	return dst
}

// TwoPoint writes G(x) = (1/V) Σ_y φ(y)φ(y+x) into dst and returns it, for all
// displacements x laid out like a field. Its mean over an ensemble is ⟨φ(0)φ(x)⟩. A
// nil dst is allocated; otherwise its length must be V. dst may be phi.
func (f *Fourier) TwoPoint(dst, phi []float64) []float64 {
	dst = f.Power(dst, phi)
	return f.Propagator(dst, dst)
}

// Propagator writes G(x) = (1/V) Σ_k power(k) e^{ik·x} into dst and returns it: the
// two-point function that belongs to a power spectrum. A nil dst is allocated;
// otherwise its length must be V. dst may be power.
func (f *Fourier) Propagator(dst, power []float64) []float64 {
	if len(power) != f.lat.volume {
		panic("lattice: spectrum length does not match the lattice volume")
	}
	dst = grow(dst, len(power))
	s := f.scale * f.scale
	for r := range f.mirror {
		for j, v := range power[r*f.n:][:f.half] {
			f.coeff[r*f.half+j] = complex(s*v, 0)
		}
	}
	f.backward(dst)
	return dst
}

// Gaussian draws a field whose modes are independent and Gaussian with
// ⟨|φ_k|²⟩ = power(k), into dst, and returns it. power has V elements, must be even
// and must not be negative. With [Phi4.FreeSpectrum] this samples the free field
// exactly, without a Markov chain. A nil dst is allocated; otherwise its length must
// be V.
func (f *Fourier) Gaussian(dst, power []float64, rng *rand.Rand) []float64 {
	if len(power) != f.lat.volume {
		panic("lattice: spectrum length does not match the lattice volume")
	}
	dst = grow(dst, len(power))
	for x := range dst {
		dst[x] = rng.NormFloat64()
	}
	f.forward(dst)
	s := f.scale * f.scale
	for r := range f.mirror {
		row := f.coeff[r*f.half : (r+1)*f.half]
		for j, v := range power[r*f.n:][:f.half] {
			row[j] *= complex(s*math.Sqrt(v), 0)
		}
	}
	f.backward(dst)
	return dst
}
