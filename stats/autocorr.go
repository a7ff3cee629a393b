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
// an error unless 0 ≤ tmax < N. It uses fast Fourier
// transforms, at a cost of order N log tmax.
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

// directLags is the number of lags up to which sums over the series beat Fourier
// transforms.
const directLags = 64

// covariances returns Γ(t), t = 0 … tmax: the sum of products at distance t over
// all replicas, divided by the number of such pairs (hep-lat/0306017). tmax must be
// below the length of the longest replica.
func covariances(dev [][]float64, tmax int) []float64 {
	gamma := make([]float64, tmax+1)
	productSums(gamma, dev)
	for t := range gamma {
		pairs := 0
		for _, d := range dev {
			pairs += max(len(d)-t, 0)
		}
		gamma[t] /= float64(pairs)
	}
	return gamma
}

// productSums sets sums[t] to Σ_i d_i d_{i+t} over all replicas. The sums must be zero.
func productSums(sums []float64, dev [][]float64) {
	if len(sums) <= directLags {
		directSums(sums, dev)
	} else {
		fourierSums(sums, dev)
	}
}

// directSums runs over four lags at a time: the additions of one lag wait for each
// other, those of four lags do not.
func directSums(sums []float64, dev [][]float64) {
	for _, d := range dev {
		lags := min(len(sums), len(d))
		t := 0
		for ; t+4 <= lags; t += 4 {
			n := len(d) - t - 3
			head, a, b, c, e := d[:n], d[t:][:n], d[t+1:][:n], d[t+2:][:n], d[t+3:][:n]
			var s0, s1, s2, s3 float64
			for i, v := range head {
				s0 += v * a[i]
				s1 += v * b[i]
				s2 += v * c[i]
				s3 += v * e[i]
			}
			sums[t] += s0 + lagged(d, n, t)
			sums[t+1] += s1 + lagged(d, n, t+1)
			sums[t+2] += s2 + lagged(d, n, t+2)
			sums[t+3] += s3
		}
		for ; t < lags; t++ {
			sums[t] += lagged(d, 0, t)
		}
	}
}

// lagged returns Σ_{i≥from} d_i d_{i+t}.
func lagged(d []float64, from, t int) float64 {
	s := 0.0
	for i := from; i+t < len(d); i++ {
		s += d[i] * d[i+t]
	}
	return s
}

// fourierSums correlates segments of the replicas with what lies up to tmax behind
// their entries (Wiener–Khinchin with zero padding). Segments of about three times
// tmax cost N log(tmax) and stay in the cache.
func fourierSums(sums []float64, dev [][]float64) {
	longest := 0
	for _, d := range dev {
		longest = max(longest, len(d))
	}
	tmax := len(sums) - 1
	n, segment := fourierLength(longest+tmax), longest
	if long := fourierLength(4 * tmax); long < n {
		n, segment = long, long-tmax
	}
	fft := fourier.NewFFT(n)
	padded := make([]float64, n)
	head, tail := make([]complex128, n/2+1), make([]complex128, n/2+1)
	cross := make([]complex128, n/2+1)
	for _, d := range dev {
		for lo := 0; lo < len(d); lo += segment {
			hi := min(lo+segment, len(d))
			clear(padded[copy(padded, d[lo:hi]):])
			fft.Coefficients(head, padded)
			other := head
			if hi < len(d) {
				copy(padded[hi-lo:], d[hi:min(hi+tmax, len(d))])
				other = fft.Coefficients(tail, padded)
			}
			for k, z := range head {
				y := other[k]
				cross[k] += complex(real(z)*real(y)+imag(z)*imag(y), real(z)*imag(y)-imag(z)*real(y))
			}
		}
	}
	fft.Sequence(padded, cross)
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
