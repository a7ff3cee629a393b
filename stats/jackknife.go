package stats

import (
	"errors"
	"fmt"
	"math"
)

// maxBlocks bounds the automatic number of blocks.
const maxBlocks = 100

// JackknifeResult is a jackknife estimate with its replicates.
type JackknifeResult struct {
	// Estimate is the estimator on the whole sample with its jackknife error.
	Estimate
	// Bias is the jackknife estimate of the bias of Value, which is not subtracted.
	Bias float64
	// Samples are the values of the estimator with one block left out each.
	Samples []float64
}

// Jackknife returns a derived quantity f(⟨a_1⟩, …, ⟨a_K⟩) of the means of K primary
// observables with its error by the delete-block jackknife. cols holds the series
// of the observables, measured on the same N configurations.
//
// The series are cut into contiguous blocks whose lengths differ by at most one. f
// is evaluated on the means over everything (the value) and over everything but one
// block, for each block; nothing is linearised and no global mean enters a
// replicate. The means of f's argument are reused between calls and must not be
// kept. For blocks of different lengths m_j the error is that of the delete-m_j
// jackknife (Busing, Meijer, van der Leeden, Statistics and Computing 9 (1999) 3).
// Its relative uncertainty is about 1/√(2·blocks).
//
// Blocks must be much longer than the autocorrelation time τ_int for the error to be
// right: exponential autocorrelations make it too small by the fraction τ_int/(2b)
// for blocks of length b. With blocks ≤ 0 the length is max(4τ_int, N/100), with the
// largest τ_int of the columns from [GammaMethod], but at most N/8: there are 8 to
// 100 blocks, or N if N < 8. What such blocks miss of exponential autocorrelations with
// that τ_int, a fraction (τ_int - 1/4τ_int)/b of the squared error, is then put back.
//
// It returns [ErrEmpty], [ErrNotFinite] (also when f returns NaN or infinity), an
// error for columns of different lengths and for blocks = 1 or blocks > N. If there
// is a single configuration, or with blocks ≤ 0 fewer than 16τ_int of them, it returns
// a [*TooShortError] together with the estimate, whose error is then a lower bound.
func Jackknife(cols [][]float64, blocks int, f func(means []float64) float64) (Estimate, error) {
	r, err := JackknifeReplicates(cols, blocks, f)
	return r.Estimate, err
}

// JackknifeReplicates is [Jackknife] with all of its results.
func JackknifeReplicates(cols [][]float64, blocks int, f func(means []float64) float64) (JackknifeResult, error) {
	n, err := checkColumns(cols)
	if err != nil {
		return undefinedJackknife(), err
	}
	need, missed := 0, 0.0
	if blocks <= 0 {
		blocks, need, missed = automaticBlocks(n, cols...)
	}
	c := make([]centred, len(cols))
	means := make([]float64, len(cols))
	for k, x := range cols {
		c[k] = centre(x)
		means[k] = c[k].mean
	}
	value := f(means)
	// The mean without block j is x̄ - Σ_{i∈j}(x_i - x̄)/(N - m_j).
	r, err := jackknife(n, blocks, value, func(lo, hi int) float64 {
		for k := range c {
			s := 0.0
			for _, d := range c[k].dev[0][lo:hi] {
				s += d
			}
			means[k] = c[k].mean - c[k].scale*s/float64(n-(hi-lo))
		}
		return f(means)
	})
	r.Error /= math.Sqrt(1 - missed)
	if err == nil && n < need {
		err = &TooShortError{What: "a jackknife error", N: n, Need: need, Estimate: r.Estimate}
	}
	return r, err
}

// JackknifeFunc returns the value and the delete-block jackknife error of any
// estimator on n samples. f receives the indices of the samples to use, in
// ascending order; the slice is reused between calls and must not be kept. The blocks
// are those of [Jackknife]; as no series is known here, blocks ≤ 0 means min(n, 100).
// Errors are those of [Jackknife].
func JackknifeFunc(n, blocks int, f func(keep []int) float64) (Estimate, error) {
	if n < 1 {
		return undefined(), ErrEmpty
	}
	if blocks <= 0 {
		blocks = min(n, maxBlocks)
	}
	keep := make([]int, n)
	fill := func(lo, hi int) []int {
		keep = keep[:0]
		for i := range n {
			if i < lo || i >= hi {
				keep = append(keep, i)
			}
		}
		return keep
	}
	r, err := jackknife(n, blocks, f(fill(0, 0)), func(lo, hi int) float64 { return f(fill(lo, hi)) })
	return r.Estimate, err
}

func undefinedJackknife() JackknifeResult {
	return JackknifeResult{Estimate: undefined(), Bias: nan()}
}

// jackknife evaluates without(lo, hi), the estimator on all samples outside [lo, hi),
// for every block.
func jackknife(n, blocks int, value float64, without func(lo, hi int) float64) (JackknifeResult, error) {
	r := undefinedJackknife()
	if !finite(value) {
		return r, fmt.Errorf("%w from the estimator, got %v", ErrNotFinite, value)
	}
	r.Value = value
	if n < 2 {
		return r, &TooShortError{What: "a jackknife error", N: n, Need: minSamples, Estimate: r.Estimate}
	}
	if blocks < 2 {
		return undefinedJackknife(), fmt.Errorf("stats: expected at least 2 jackknife blocks, or 0 for the automatic number, got %d", blocks)
	}
	if blocks > n {
		return undefinedJackknife(), fmt.Errorf("stats: expected at least %d configurations for %d jackknife blocks, got %d: "+
			"measure more of them, or ask for at most %d blocks (0 chooses the number)", blocks, blocks, n, n)
	}
	r.Samples = make([]float64, blocks)
	// With h_j = N/m_j, the jackknife value is Σ_j pseudo_j/h_j of the pseudo-values
	// h_j θ - (h_j - 1) θ_j, in terms of δ_j = θ_j - θ to keep digits.
	bias := 0.0
	for j := range blocks {
		lo, hi := blockBounds(n, blocks, j)
		v := without(lo, hi)
		if !finite(v) {
			return undefinedJackknife(), fmt.Errorf("%w from the estimator, got %v without the samples %d to %d",
				ErrNotFinite, v, lo, hi-1)
		}
		r.Samples[j] = v
		bias += (1 - float64(hi-lo)/float64(n)) * (v - value)
	}
	variance := 0.0
	for j, v := range r.Samples {
		lo, hi := blockBounds(n, blocks, j)
		h := float64(n) / float64(hi-lo)
		d := (h-1)*(v-value) - bias
		variance += d * d / (h - 1)
	}
	r.Bias = bias
	r.Error = math.Sqrt(variance / float64(blocks))
	return r, nil
}

// blockBounds returns the range of block j when n samples are cut into blocks whose
// lengths differ by at most one.
func blockBounds(n, blocks, j int) (lo, hi int) {
	q, r := n/blocks, n%blocks
	lo = j*q + min(j, r)
	hi = lo + q
	if j < r {
		hi++
	}
	return lo, hi
}

// automaticBlocks returns the number of blocks for checked series of length n, how many
// samples there should be for that, and the fraction of the squared error that such blocks
// miss. For C(t) ∝ a^t, where τ = (1+a)/(1-a)/2, the mean of b entries has the variance
// 2τC(0)/b [1 - (τ - 1/4τ)/b], and the distance of B such means from their own mean enlarges
// the deficit by B/(B-1).
func automaticBlocks(n int, series ...[]float64) (blocks, need int, missed float64) {
	tau := longestTau(series)
	length := max(4*tau, float64(n)/maxBlocks)
	blocks = min(max(int(float64(n)/length), minSamples), maxBlocks, n)
	if blocks > 1 {
		missed = (tau - 0.25/tau) / float64(n) * float64(blocks) * float64(blocks) / float64(blocks-1)
	}
	return blocks, int(math.Ceil(min(2*minSamples*tau, math.MaxInt32))), min(missed, mostMissed)
}

// mostMissed bounds the correction for series that are too short, whose τ is uncertain.
const mostMissed = 0.5

// longestTau returns the largest τ_int, at least 1/2, of checked series.
func longestTau(series [][]float64) float64 {
	tau := 0.5
	for _, x := range series {
		t, err := IntegratedAutocorrelation(x, GammaConfig{})
		var short *TooShortError
		if err == nil || errors.As(err, &short) {
			tau = max(tau, t.Value)
		}
	}
	return tau
}
