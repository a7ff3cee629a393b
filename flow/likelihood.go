package flow

import (
	"context"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// Likelihood holds log densities and what is known of their errors, which are kept apart:
// that of the probes is random and known per configuration, that of the steps is not.
type Likelihood struct {
	// LogQ is log q(φ) of every configuration, normalised.
	LogQ []float64
	// ProbeError is the standard error of every LogQ from the randomness of the
	// divergence probes: the standard deviation over estimates (vectors, or for
	// Probing sets of signs) divided by the root of their number. It is zero for an
	// exact divergence and NaN for a single estimate.
	ProbeError []float64
	// StepError estimates the error of LogQ from the finite step size: the rms change,
	// over the first chunk of configurations, when the number of steps is halved, divided
	// by 2^order - 1, or for DormandPrince when the tolerances are ten times as large,
	// divided by 9.
	StepError float64
	// Effort is what it took, without the estimate of StepError.
	Effort
}

// Effort counts the work of an integration, in chunks of Batch configurations.
type Effort struct {
	// Accepted and Rejected are the numbers of steps; schemes with fixed steps reject
	// none.
	Accepted, Rejected int
	// Evaluations is the number of evaluations of score and divergence, with
	// [ProbabilityFlow.Vectors] reverse passes each.
	Evaluations int
}

func (e *Effort) add(chunks []Effort) {
	for _, c := range chunks {
		e.Accepted += c.Accepted
		e.Rejected += c.Rejected
		e.Evaluations += c.Evaluations
	}
}

func newLikelihood(n int) *Likelihood {
	return &Likelihood{LogQ: make([]float64, n), ProbeError: make([]float64, n)}
}

// record fills in the configurations of l from lo on: log q is the prior plus
// direction times the mean change over estimates.
func (l *Likelihood) record(f *ProbabilityFlow, lo int, logPrior []float64, end end, direction float64) {
	for i, prior := range logPrior {
		mean, deviation := f.summary(end.change, i)
		l.LogQ[lo+i] = prior + direction*mean
		l.ProbeError[lo+i] = deviation
	}
}

// looser is the factor of the tolerances in the estimate of the step error.
const looser = 10

// stepError compares log q of the first chunk at full and at reduced accuracy. full may
// hold the values of the former.
func (f *ProbabilityFlow) stepError(ctx context.Context, ens *lattice.Ensemble, full []float64) (float64, error) {
	first := ens.Slice(0, min(ens.Len(), f.cfg.Batch))
	first = &lattice.Ensemble{Layout: first.Layout, Data: first.Data}
	silent := func(int) {}
	if full == nil {
		l, err := f.logProb(ctx, first, run{f.cfg.Steps, 1, silent})
		if err != nil {
			return 0, err
		}
		full = l.LogQ
	}
	half := f.cfg.Steps / 2
	coarse, err := f.logProb(ctx, first, run{half, looser, silent})
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, l := range coarse.LogQ {
		sum += (full[i] - l) * (full[i] - l)
	}
	// The error of a scheme of order p grows with the step like h^p, and with the
	// tolerance of an adaptive one in proportion.
	growth := float64(looser)
	if f.tab.e == nil {
		growth = math.Pow(float64(f.cfg.Steps)/float64(half), float64(f.tab.order))
	}
	return math.Sqrt(sum/float64(first.Len())) / (growth - 1), nil
}
