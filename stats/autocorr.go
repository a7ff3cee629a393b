package stats

import (
	"fmt"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Autocorrelation returns ρ(t) = C(t)/C(0) for t = 0 … tmax, with the mean of the
// whole series subtracted and each lag averaged over its own number of pairs,
//
//	C(t) = 1/(N-t) Σ_i (x_i - x̄)(x_{i+t} - x̄).
//
// Division by N-t rather than by N makes C(t) unbiased up to the subtraction of the
// estimated mean, at the price that |ρ(t)| may exceed 1 when t approaches N; the
// autocovariance with 1/N, which is positive definite, is (1 - t/N) ρ(t). A
// constant series has ρ(t) = 0 for t > 0. It returns [ErrEmpty], [ErrNotFinite], or
// an error unless 0 ≤ tmax < N. Long series use fast Fourier transforms, at a cost
// of order N log N.
func Autocorrelation(x []float64, tmax int) ([]float64, error) {
	if err := checkSeries(x); err != nil {
		return nil, err
	}
	if tmax < 0 || tmax >= len(x) {
		return nil, fmt.Errorf("stats: expected a lag between 0 and %d, got %d", len(x)-1, tmax)
	}
	c := centre(x)
	if c.constant {
		rho := make([]float64, tmax+1)
		rho[0] = 1
		return rho, nil
	}
	rho := covariances(c.dev, tmax)
	normalise(rho)
	return rho, nil
}

func normalise(gamma []float64) {
	inv := 1 / gamma[0]
	for t := range gamma {
		gamma[t] *= inv
	}
	gamma[0] = 1
}

// directLags is the number of lags up to which sums over the series beat a Fourier
// transform.
const directLags = 48

// covariances returns Γ(t), t = 0 … tmax: the sum of products at distance t over
// all replicas, divided by the number of such pairs (hep-lat/0306017, eq. 31). tmax
// must be below the length of the longest replica.
func covariances(dev [][]float64, tmax int) []float64 {
	gamma := make([]float64, tmax+1)
	if tmax < directLags {
		directSums(gamma, dev)
	} else {
		fourierSums(gamma, dev)
	}
	for t := range gamma {
		pairs := 0
		for _, d := range dev {
			pairs += max(len(d)-t, 0)
		}
		gamma[t] /= float64(pairs)
	}
	return gamma
}

func directSums(sums []float64, dev [][]float64) {
	for _, d := range dev {
		for t := range min(len(sums), len(d)) {
			head := d[:len(d)-t]
			tail := d[t:][:len(head)]
			s := 0.0
			for i, v := range head {
				s += v * tail[i]
			}
			sums[t] += s
		}
	}
}

// fourierSums adds up the power spectra of the zero-padded replicas and transforms
// once back (Wiener–Khinchin).
func fourierSums(sums []float64, dev [][]float64) {
	longest := 0
	for _, d := range dev {
		longest = max(longest, len(d))
	}
	n := fourierLength(longest + len(sums))
	fft := fourier.NewFFT(n)
	padded := make([]float64, n)
	power := make([]complex128, n/2+1)
	var coeff []complex128
	if len(dev) > 1 {
		coeff = make([]complex128, n/2+1)
	} else {
		coeff = power
	}
	for _, d := range dev {
		clear(padded[copy(padded, d):])
		fft.Coefficients(coeff, padded)
		for k, z := range coeff {
			p := complex(real(z)*real(z)+imag(z)*imag(z), 0)
			if len(dev) > 1 {
				p += power[k]
			}
			power[k] = p
		}
	}
	fft.Sequence(padded, power)
	for t := range sums {
		sums[t] = padded[t] / float64(n)
	}
}

// fourierLength returns the smallest even number of the form 2^a 3^b 5^c that is
// at least n.
func fourierLength(n int) int {
	best := 2
	for best < n {
		best *= 2
	}
	for five := 1; five < best; five *= 5 {
		for three := five; three < best; three *= 3 {
			m := 2 * three
			for m < n {
				m *= 2
			}
			best = min(best, m)
		}
	}
	return best
}
