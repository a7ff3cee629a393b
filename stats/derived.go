package stats

import (
	"fmt"
	"math"
)

// GammaFunc estimates a derived quantity f(⟨a_1⟩, …, ⟨a_K⟩) of the means of K primary
// observables, its error and its autocorrelation time: [GammaMethod] for the series
// Σ_k ∂f/∂⟨a_k⟩ a_k (hep-lat/0306017, section 3), with the derivatives from symmetric
// differences over the naive errors of the means. replicas[r][k] is the series of
// observable k in replica r. Linear error propagation is the alternative to
// [Jackknife] that needs no block length.
//
// In the result, Mean is f with its error, without correction of its bias;
// ReplicaMeans are f of the means of each replica; Variance, Tau and Rho belong to the
// linearised quantity. Where all derivatives vanish the error is 0. Errors are those
// of [GammaMethod], and [ErrNotFinite] if f returns NaN or infinity on the means over
// all replicas or one step away from them. f must not keep its argument.
func GammaFunc(replicas [][][]float64, cfg GammaConfig, f func(means []float64) float64) (GammaResult, error) {
	res := undefinedGamma()
	if len(replicas) == 0 || len(replicas[0]) == 0 {
		return res, ErrEmpty
	}
	observables := len(replicas[0])
	for r, cols := range replicas {
		if _, err := checkColumns(cols); err != nil {
			return res, fmt.Errorf("%w (replica %d)", err, r)
		}
		if len(cols) != observables {
			return res, fmt.Errorf("stats: expected %d observables in each replica, got %d in replica %d", observables, len(cols), r)
		}
	}
	c := make([]centred, observables)
	means := make([]float64, observables)
	series := make([][]float64, len(replicas))
	for k := range c {
		for r := range series {
			series[r] = replicas[r][k]
		}
		c[k] = centre(series...)
		means[k] = c[k].mean
	}
	value := f(means)
	if !finite(value) {
		return res, fmt.Errorf("%w from the estimator, got %v", ErrNotFinite, value)
	}
	linear := make([][]float64, len(replicas))
	for r := range linear {
		linear[r] = make([]float64, len(replicas[r][0]))
	}
	for k := range c {
		squares := 0.0
		for _, d := range c[k].dev {
			squares += sumSquares(d)
		}
		n := float64(c[k].n)
		step := math.Sqrt(squares / n / n)
		h := c[k].scale * step
		means[k] = c[k].mean + h
		up := f(means)
		means[k] = c[k].mean - h
		down := f(means)
		means[k] = c[k].mean
		if !finite(up) || !finite(down) {
			return res, fmt.Errorf("%w from the estimator, got %v and %v for observable %d at %v ± %v",
				ErrNotFinite, up, down, k, means[k], h)
		}
		if up == down {
			continue
		}
		slope := (up - down) / (2 * step)
		for r, d := range c[k].dev {
			for i, v := range d {
				linear[r][i] += slope * v
			}
		}
	}
	res, err := GammaMethod(linear, cfg)
	if err != nil && res.N == 0 {
		return res, err
	}
	res.Mean.Value = value
	for r := range replicas {
		for k := range means {
			means[k] = c[k].mean + c[k].scale*average(c[k].dev[r])
		}
		res.ReplicaMeans[r] = f(means)
	}
	return res, err
}
