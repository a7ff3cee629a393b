package stats

import (
	"fmt"
	"math"
)

// Combination is the weighted mean of several estimates.
type Combination struct {
	// Estimate is the mean with weights 1/Error², and its error 1/√(Σ 1/Error²).
	Estimate
	// Chi2 is Σ (Value - mean)²/Error² with DOF degrees of freedom, and P the
	// probability of a χ² at least as large (1 for a single estimate).
	Chi2 float64
	DOF  int
	P    float64
}

// WeightedMean combines independent estimates of one quantity. It returns [ErrEmpty],
// and [ErrNotFinite] unless all values are finite and all errors finite and positive.
func WeightedMean(estimates []Estimate) (Combination, error) {
	c := Combination{Estimate: undefined(), Chi2: nan(), P: nan()}
	if err := checkEstimates(estimates); err != nil {
		return c, err
	}
	// Relative to the smallest error no weight overflows.
	smallest := math.Inf(1)
	for _, e := range estimates {
		smallest = min(smallest, e.Error)
	}
	first := estimates[0].Value
	sum, weights := 0.0, 0.0
	for _, e := range estimates {
		w := smallest / e.Error * (smallest / e.Error)
		sum += w * (e.Value - first)
		weights += w
	}
	c.Value = first + sum/weights
	c.Error = smallest / math.Sqrt(weights)
	c.Chi2 = 0
	for _, e := range estimates {
		p := e.Pull(c.Value)
		c.Chi2 += p * p
	}
	c.DOF = len(estimates) - 1
	c.P = 1
	if c.DOF > 0 {
		c.P = chi2Probability(c.Chi2, c.DOF)
	}
	return c, nil
}

// Chi2 compares independent estimates with given values: χ² = Σ pull², and the
// probability p of a χ² at least as large with len(estimates) degrees of freedom. It
// returns an error for different numbers of estimates and values, and the errors of
// [WeightedMean].
func Chi2(estimates []Estimate, values []float64) (chi2, p float64, err error) {
	if len(estimates) != len(values) {
		return nan(), nan(), fmt.Errorf("stats: expected as many values as estimates, got %d and %d", len(values), len(estimates))
	}
	if err := checkEstimates(estimates); err != nil {
		return nan(), nan(), err
	}
	if err := checkSeries(values); err != nil {
		return nan(), nan(), err
	}
	for i, e := range estimates {
		d := e.Pull(values[i])
		chi2 += d * d
	}
	return chi2, chi2Probability(chi2, len(estimates)), nil
}

func checkEstimates(estimates []Estimate) error {
	if len(estimates) == 0 {
		return ErrEmpty
	}
	for i, e := range estimates {
		if !finite(e.Value) || !finite(e.Error) || e.Error <= 0 {
			return fmt.Errorf("%w with positive errors, got %v at index %d", ErrNotFinite, e, i)
		}
	}
	return nil
}
