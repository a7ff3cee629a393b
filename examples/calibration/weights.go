package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// spreads are the standard deviations of the Gaussian log-weights.
var spreads = []float64{0.1, 0.3, 0.6, 1, 1.5, 2, 3}

func weightsName(sd float64) string { return fmt.Sprintf("weights_sd_%g", sd) }

// weightStudies are log-weights log w = s z - s²/2 with z ~ N(0, 1) in q, whose mean weight is
// 1, and z ~ N(s, 1) in p.
func weightStudies(o options) ([]study, error) {
	var out []study
	for _, sd := range spreads {
		out = append(out, study{weightsName(sd), fmt.Sprintf("log-weights, sd %g", sd), func(_ context.Context, s *set) error {
			return weigh(s, o.weights, sd)
		}})
	}
	return out, nil
}

func weigh(s *set, n int, sd float64) error {
	z, logw, theory := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range z {
		z[i] = s.rng.NormFloat64()
		logw[i] = sd*z[i] - sd*sd/2
		theory[i] = sd*(sd+s.rng.NormFloat64()) - sd*sd/2
	}
	w, err := stats.LogWeightStats(logw)
	if err != nil {
		return err
	}
	s.kHat = w.ParetoK
	acceptance := math.Erfc(sd / 2)
	errs := []error{
		s.addWeighted("ess", w.ESS, math.Exp(-sd*sd), w.ParetoK, n, nil),
		s.addWeighted("acceptance_predicted", w.Acceptance, acceptance, w.ParetoK, n, nil),
		s.addWeighted("log_z_draws", w.LogZ, 0, w.ParetoK, n, nil),
	}
	smoothed, _, err := stats.ParetoSmooth(logw)
	if err != nil {
		return err
	}
	e, err := stats.LogMeanExp(smoothed)
	if err != nil {
		return err
	}
	errs = append(errs, s.addWeighted("log_z_draws_smoothed", e, 0, w.ParetoK, n, nil))

	mean, err := stats.ReweightedMean(z, logw, 0)
	errs = append(errs, s.addWeighted("reweighted_mean", mean, sd, w.ParetoK, n, err))

	e, k, err := reverse(theory)
	if err != nil {
		return err
	}
	errs = append(errs, s.addWeighted("log_z_theory", e, 0, k, n, nil))

	bridge, err := stats.BridgeLogZ(logw, theory)
	errs = append(errs, s.add("log_z_bridge", bridge, 0, err))

	chain, err := mcmc.DMMC(s.rng, logw)
	if err != nil {
		return err
	}
	values, err := measure.Proposals(chain)
	if err != nil {
		return err
	}
	observed, _ := values.Get(measure.Acceptance)
	return errors.Join(append(errs, s.add("acceptance_observed", observed, acceptance, nil))...)
}

// addWeighted notes an estimate from n weights, which is flagged by their Pareto k̂ too.
func (s *set) addWeighted(quantity string, e stats.Estimate, truth, k float64, n int, err error) error {
	err = s.add(quantity, e, truth, err)
	if k > stats.ParetoKThreshold(n) {
		s.quotes[len(s.quotes)-1].Flagged = true
	}
	return err
}

// reverse returns -log⟨1/w⟩ over configurations of the theory, and k̂ of 1/w.
func reverse(theory []float64) (stats.Estimate, float64, error) {
	inverse := make([]float64, len(theory))
	for i, l := range theory {
		inverse[i] = -l
	}
	w, err := stats.LogWeightStats(inverse)
	w.LogZ.Value = -w.LogZ.Value
	return w.LogZ, w.ParetoK, err
}
