package stats

import "math"

// Mean returns the mean of x with the error s/√n of independent samples, s² being
// the unbiased sample variance. For a Markov chain, whose samples are correlated,
// use [GammaMethod]. It returns [ErrEmpty], [ErrNotFinite], or for a single value a
// [*TooShortError] that carries it with error NaN.
func Mean(x []float64) (Estimate, error) {
	if err := checkSeries(x); err != nil {
		return undefined(), err
	}
	c := centre(x)
	n := float64(len(x))
	if len(x) == 1 {
		e := Estimate{c.mean, nan()}
		return e, &TooShortError{What: "the error of a mean", N: 1, Need: 2, Estimate: e}
	}
	return Estimate{c.mean, c.scale * math.Sqrt(sumSquares(c.dev[0])/(n-1)/n)}, nil
}

// centred holds replicas as deviations from their common mean, x = mean + scale·dev.
// scale is a power of two that brings the largest |x| to order one, so that no
// square overflows or is lost.
type centred struct {
	dev         [][]float64
	mean, scale float64
	n           int
	constant    bool
}

// centre expects finite replicas, none of them empty.
func centre(replicas ...[]float64) centred {
	largest := 0.0
	c := centred{dev: make([][]float64, len(replicas))}
	for _, x := range replicas {
		c.n += len(x)
		for _, v := range x {
			largest = max(largest, math.Abs(v))
		}
	}
	_, e := math.Frexp(largest)
	inv := math.Ldexp(1, min(1-e, 1023))
	c.scale = 1 / inv

	// The first value is subtracted before anything is summed: a constant series
	// then gives exact zeros, and a small fluctuation keeps its digits.
	first := replicas[0][0] * inv
	buf := make([]float64, c.n)
	sum := 0.0
	c.constant = true
	at := 0
	for r, x := range replicas {
		dev := buf[at : at+len(x) : at+len(x)]
		at += len(x)
		for i, v := range x {
			d := v*inv - first
			dev[i] = d
			sum += d
			c.constant = c.constant && d == 0
		}
		c.dev[r] = dev
	}
	shift := sum / float64(c.n)
	for i := range buf {
		buf[i] -= shift
	}
	c.mean = (first + shift) * c.scale
	return c
}

func sumSquares(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return s
}
