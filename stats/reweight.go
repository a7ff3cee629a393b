package stats

import (
	"fmt"
	"math"
)

// Reweight returns a derived quantity f of the weighted means ⟨a_k⟩ = Σw a_k/Σw with
// its error by the delete-block jackknife: expectation values in p from samples of
// another distribution q, w = p/q up to a constant, such as e^{-S}/q for the samples
// of a generative model or e^{-S′ + S} for another coupling. cols[k] is the series of
// observable k, logw the logarithms of the weights, -Inf for a weight that vanishes.
//
// Blocks are those of [Jackknife], with blocks ≤ 0 chosen from the autocorrelations
// of w (a_k - ⟨a_k⟩), whose mean is what fluctuates. When few samples carry the weight
// the error is no more than a lower bound; see [LogWeightESS]: for 1000 Gaussian log-weights of
// standard deviation s and an observable linear in them it is right up to s = 1, and too small
// by the factors 1.5 for s = 1.5 and 2 for s = 2. Errors are those of
// [Jackknife] and of [LogWeightESS]; [ErrZeroWeight] also if one block has all the weight.
func Reweight(cols [][]float64, logw []float64, blocks int, f func(means []float64) float64) (Estimate, error) {
	n, err := checkColumns(cols)
	if err != nil {
		return undefined(), err
	}
	if len(logw) != n {
		return undefined(), fmt.Errorf("stats: expected %d log-weights, got %d", n, len(logw))
	}
	largest, err := checkLogWeights(logw)
	if err != nil {
		return undefined(), err
	}
	w := make([]float64, n)
	total := 0.0
	for i, l := range logw {
		w[i] = math.Exp(l - largest)
		total += w[i]
	}
	// pull[k][i] = w_i (a_i - ⟨a⟩), which sums to zero, in the unit scale[k].
	pull := make([][]float64, len(cols))
	mean, scale := make([]float64, len(cols)), make([]float64, len(cols))
	for k, x := range cols {
		c := centre(x)
		d := c.dev[0]
		shift := 0.0
		for i, v := range d {
			shift += w[i] * v
		}
		shift /= total
		for i := range d {
			d[i] = w[i] * (d[i] - shift)
		}
		pull[k], mean[k], scale[k] = d, c.mean+c.scale*shift, c.scale
	}
	need, missed := 0, 0.0
	if blocks <= 0 {
		blocks, need, missed = automaticBlocks(n, pull...)
	}
	means := make([]float64, len(cols))
	copy(means, mean)
	value := f(means)
	if n > 1 {
		if err := checkBlockWeights(w, blocks); err != nil {
			return undefined(), err
		}
	}
	r, err := jackknife(n, blocks, value, func(lo, hi int) float64 {
		rest := sum(w[:lo]) + sum(w[hi:])
		for k := range means {
			means[k] = mean[k] - scale[k]*sum(pull[k][lo:hi])/rest
		}
		return f(means)
	})
	r.Error /= math.Sqrt(1 - missed)
	if err == nil && n < need {
		err = &TooShortError{What: "a reweighting error", N: n, Need: need, Estimate: r.Estimate}
	}
	return r.Estimate, err
}

// ReweightedMean is [Reweight] for the mean of one observable, Σw x/Σw.
func ReweightedMean(x, logw []float64, blocks int) (Estimate, error) {
	return Reweight([][]float64{x}, logw, blocks, func(means []float64) float64 { return means[0] })
}

// checkBlockWeights returns an error if nothing is left without one of the blocks.
func checkBlockWeights(w []float64, blocks int) error {
	with := 0
	for j := range min(blocks, len(w)) {
		lo, hi := blockBounds(len(w), blocks, j)
		if sum(w[lo:hi]) > 0 {
			with++
		}
	}
	if with == 1 {
		return fmt.Errorf("%w outside one of the %d jackknife blocks", ErrZeroWeight, blocks)
	}
	return nil
}

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}
