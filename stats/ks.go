package stats

import (
	"fmt"
	"math"
	"slices"
)

// KSResult is the outcome of a Kolmogorov–Smirnov test.
type KSResult struct {
	// D is the largest distance between the two distribution functions.
	D float64
	// P is the probability of a distance at least as large if they are equal.
	P float64
	// N is the effective number of samples that entered P.
	N float64
}

// KolmogorovSmirnov compares the distribution of x with a continuous distribution
// function. nEff is the effective number of independent samples, such as
// [EffectiveSampleSize]; 0 means len(x). For correlated samples P is approximate: the
// autocorrelation time of the indicator of x < c, which matters here, is at most about
// that of a slow monotonic observable, and P then errs towards accepting.
//
// P comes from the limiting distribution [KolmogorovSurvival] at
// D(√n + 0.12 + 0.11/√n) (Stephens, J. R. Stat. Soc. B 32 (1970) 115), where the added
// terms correct for finite n, and at 1.23 D√n for n < 1: at a given D, P falls with n and
// tends to 1 for n → 0. It returns [ErrEmpty], [ErrNotFinite], and an error if nEff is
// negative or not finite, or if cdf leaves [0, 1].
func KolmogorovSmirnov(x []float64, cdf func(float64) float64, nEff float64) (KSResult, error) {
	r := KSResult{nan(), nan(), nan()}
	if err := checkSeries(x); err != nil {
		return r, err
	}
	n, err := effective(nEff, len(x))
	if err != nil {
		return r, err
	}
	d := 0.0
	for i, v := range slices.Sorted(slices.Values(x)) {
		f := cdf(v)
		if !(f >= 0 && f <= 1) {
			return r, fmt.Errorf("stats: expected a distribution function between 0 and 1, got %v at %v", f, v)
		}
		d = max(d, float64(i+1)/float64(len(x))-f, f-float64(i)/float64(len(x)))
	}
	return KSResult{d, stephens(d, n), n}, nil
}

// KolmogorovSmirnov2 compares the distributions of two samples x and y; nEffX and
// nEffY are their effective numbers of independent samples, 0 for len(x) and len(y).
// P is that of [KolmogorovSmirnov] with n = n_x n_y/(n_x + n_y), and is too large if
// there are many ties. Errors are those of [KolmogorovSmirnov].
func KolmogorovSmirnov2(x, y []float64, nEffX, nEffY float64) (KSResult, error) {
	r := KSResult{nan(), nan(), nan()}
	if err := checkSeries(x); err != nil {
		return r, err
	}
	if err := checkSeries(y); err != nil {
		return r, err
	}
	nx, err := effective(nEffX, len(x))
	if err != nil {
		return r, err
	}
	ny, err := effective(nEffY, len(y))
	if err != nil {
		return r, err
	}
	a, b := slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
	d := 0.0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		v := min(a[i], b[j])
		for i < len(a) && a[i] == v {
			i++
		}
		for j < len(b) && b[j] == v {
			j++
		}
		d = max(d, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	small, large := min(nx, ny), max(nx, ny)
	n := small / (1 + small/large)
	return KSResult{d, stephens(d, n), n}, nil
}

// KolmogorovSurvival returns the probability that the Kolmogorov distribution, the
// limit of √n D, exceeds x:
//
//	2 Σ_{j≥1} (-1)^{j-1} exp(-2j²x²) = 1 - √(2π)/x Σ_{j≥1} exp(-(2j-1)²π²/(8x²)).
func KolmogorovSurvival(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return nan()
	case x <= 0:
		return 1
	case x < 1:
		s := 0.0
		for j := 1; j < 12; j += 2 {
			y := float64(j) * math.Pi / x
			s += math.Exp(-y * y / 8)
		}
		if s == 0 {
			return 1
		}
		return 1 - math.Sqrt(2*math.Pi)/x*s
	}
	s := 0.0
	for j := 5; j > 0; j-- {
		y := float64(j) * x
		s = math.Exp(-2*y*y) - s
	}
	return 2 * s
}

// stephens continues the correction for finite n, which was made for whole numbers and
// grows again below n = 0.11, by its value at n = 1.
func stephens(d, n float64) float64 {
	root := math.Sqrt(n)
	if n < 1 {
		return KolmogorovSurvival(d * 1.23 * root)
	}
	return KolmogorovSurvival(d * (root + 0.12 + 0.11/root))
}

func effective(nEff float64, n int) (float64, error) {
	if nEff == 0 {
		return float64(n), nil
	}
	if !(nEff > 0) || math.IsInf(nEff, 1) {
		return nan(), fmt.Errorf("stats: expected a positive effective number of samples, got %v", nEff)
	}
	return nEff, nil
}
