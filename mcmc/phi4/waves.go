package phi4

import "math"

// The kernel exp(z cos θ) on the unit sphere in n dimensions has the spherical harmonics of
// degree l as its eigenfunctions (Funk–Hecke), with the eigenvalues
//
//	A_l(z) = (2π)^{n/2} z^{1-n/2} I_{l+n/2-1}(z)
//
// 2cosh z and 2sinh z for n = 1, 2π I_l(z) for n = 2, 4π i_l(z) for n = 3.

// waves writes e^{-z} A_l(z) for l = 0 … len(dst)-1, at least two, and z ≥ 0 into dst. Backward
// recurrence of the ratios of Bessel functions gives A_l/A_0, and the kernel itself at
// θ = 0, Σ_l d_l A_l = e^z times the area of the sphere, the normalisation. It returns scratch, grown to what it needs.
func waves(dst, scratch []float64, n int, z float64) []float64 {
	if n == 1 {
		clear(dst)
		dst[0], dst[1] = 1+math.Exp(-2*z), -math.Expm1(-2*z)
		return scratch
	}
	nu := float64(n)/2 - 1
	last := len(dst)
	// I_l/I_0 is below exp(-l²/2z) up to a power of z.
	start := last + n + 20 + int(10*math.Sqrt(z))
	if len(scratch) <= start {
		scratch = make([]float64, 2*start)
	}
	ratio := scratch[:start+1]
	if z == 0 {
		clear(ratio)
	} else {
		for l, r := start, 0.0; l > 0; l-- {
			r = 1 / (2*(nu+float64(l))/z + r)
			ratio[l] = r
		}
	}
	a, d, sum := 1.0, 1.0, 1.0
	for l := 0; l < start; l++ {
		if l < last {
			dst[l] = a
		}
		d = degeneracy(d, n, l)
		a *= ratio[l+1]
		sum += d * a
	}
	norm := math.Exp(logSphere(n)) / sum
	for l := range dst {
		dst[l] *= norm
	}
	return scratch
}

// degeneracy returns the number d_{l+1} of spherical harmonics of degree l+1 in n
// dimensions from that of degree l.
func degeneracy(d float64, n, l int) float64 {
	if l == 0 {
		return float64(n)
	}
	return d * float64((2*l+n)*(l+n-2)) / float64((2*l+n-2)*(l+1))
}

// strength returns s_{l+1} from s_l, where s_l = binom(l+n-2, l) is the sum of
// |⟨l+1,m'|x_a/r|l,m⟩|² over m, m' and a: as x·x/r² = 1, d_l = s_l + s_{l-1}.
func strength(s float64, n, l int) float64 { return s * float64(l+n-1) / float64(l+1) }
