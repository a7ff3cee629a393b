package measure

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// LogWeights returns log w = -S - log q of configurations with the actions S and the log
// densities log q, as many of either.
func LogWeights(action, logq []float64) []float64 {
	logw := make([]float64, len(logq))
	for i := range logw {
		logw[i] = -action[i] - logq[i]
	}
	return logw
}

// Likelihood returns what the actions S and log q of configurations that were drawn from a
// model say about it: [SDLogW], [ESS] and [AcceptancePredicted] of the log-weights
// log w = -S - log q, and both R² of S against the effective action -log q (4.8). It
// returns an error for fewer than two configurations, different numbers, or a constant
// action.
func Likelihood(action, logq []float64) (Values, error) {
	if len(action) != len(logq) {
		return nil, fmt.Errorf("measure: expected as many actions as log densities, got %d and %d", len(action), len(logq))
	}
	logw, effective := LogWeights(action, logq), make([]float64, len(logq))
	for i, l := range logq {
		effective[i] = -l
	}
	w, err := stats.LogWeightStats(logw)
	if err != nil {
		return nil, named("log-weights", err)
	}
	r2, err := stats.R2Coefficient(action, effective)
	if err != nil {
		return nil, named(R2, err)
	}
	pearson, err := stats.PearsonR2(action, effective)
	if err != nil {
		return nil, named(PearsonR2, err)
	}
	return Values{
		// The error of a standard deviation of n values is that of Gaussian ones.
		{SDLogW, stats.Estimate{Value: w.SD, Error: w.SD / math.Sqrt(2*float64(len(logw)-1))}},
		{ESS, w.ESS}, {AcceptancePredicted, w.Acceptance},
		{R2, stats.Estimate{Value: r2, Error: math.NaN()}},
		{PearsonR2, stats.Estimate{Value: pearson, Error: math.NaN()}},
	}, nil
}

// Proposals returns the observed [Acceptance] of a chain over proposals, with an error that
// accounts for the many steps that it stays on a large weight, and [LongestRejection]. Where a
// chain hardly leaves its largest weights the error is too small: for 1000 proposals with
// Gaussian log-weights by the factors 1.1, 1.3 and 1.9 for standard deviations of 1, 1.5 and 2.
// It returns an error for fewer than two decisions.
func Proposals(c mcmc.DMMCResult) (Values, error) {
	accepted := make([]float64, max(0, len(c.Index)-1))
	for t := range accepted {
		if c.Index[t+1] != c.Index[t] {
			accepted[t] = 1
		}
	}
	e, err := mean([][]float64{accepted})
	if err != nil {
		return nil, named(Acceptance, err)
	}
	return Values{{Acceptance, e}, {LongestRejection, stats.Estimate{Value: float64(c.LongestRejection)}}}, nil
}
