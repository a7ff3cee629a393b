package selftrain

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// Rung is a rung of the ladder: a model, and what its draws say about it at the parameter it was
// made for.
type Rung struct {
	// T is the parameter.
	T float64
	// Network says whether the model has a network, Steps the training steps, and Polished
	// the trajectories of every configuration that it was trained with.
	Network         bool
	Steps, Polished int
	// N is the number of draws. ESS, SD, MaxShare, Acceptance and LogZ are those of their weights
	// exp(-S_t)/q, see [stats.LogWeights].
	N                     int
	ESS, Acceptance, LogZ stats.Estimate
	SD, MaxShare          float64
	// ParetoK is the shape of the tail of the weights, see [stats.LogWeights]; 0 where there are
	// too few.
	ParetoK float64
	// Reweighted is the effective sample size over their number that the draws of the last
	// rung had at T.
	Reweighted float64
	// Spectrum is C_k of the Gaussian part, and Order its order.
	Spectrum []float64
	Order    float64
	// SchwingerDyson is -⟨φ_0 K_0⟩ of the zero mode, which is 1, from the weighted draws, and
	// SchwingerDysonLowest the same of the mode that lies the most errors below.
	SchwingerDyson, SchwingerDysonLowest stats.Estimate
	// Positive is the part of the draws with a positive magnetisation, of the first
	// component.
	Positive float64
	// Sides compares the weights from both sides; nil: not done.
	Sides *stats.TwoSided
	// Values and Drifts count the evaluations of S and of K = -∂S/∂φ since the start, those
	// of the comparison left out.
	Values, Drifts int64
	// Seconds is the time since the start, of this call of Run.
	Seconds float64
	// Fault says why the rung was not good enough to go on from; empty: it was.
	Fault string
}

// judge fills in what the weights of the draws say, and the fault that they show.
func (r *Rung) judge(action lattice.Action, ens *lattice.Ensemble, logw []float64, least float64, symmetric bool) error {
	w, err := stats.LogWeightStats(logw)
	if err != nil {
		return err
	}
	r.N, r.ESS, r.Acceptance, r.LogZ, r.SD, r.MaxShare = w.N, w.ESS, w.Acceptance, w.LogZ, w.SD, w.MaxShare
	if !math.IsNaN(w.ParetoK) {
		r.ParetoK = w.ParetoK
	}
	r.SchwingerDyson, r.SchwingerDysonLowest = schwingerDyson(action, ens, logw)
	for _, phi := range ens.All() {
		if lattice.Magnetization(ens.Component(phi, 0)) > 0 {
			r.Positive += 1 / float64(r.N)
		}
	}
	const errors, slack = 5, 0.02
	low := r.SchwingerDysonLowest
	switch half := 0.5 / math.Sqrt(float64(r.N)); {
	case !(r.ESS.Value >= least):
		r.Fault = fmt.Sprintf("expected an effective sample size over N of at least %v, got %v", least, r.ESS)
	case r.ParetoK > stats.ParetoKThreshold(r.N):
		r.Fault = fmt.Sprintf("expected weights with a tail of the shape k̂ of at most %.2g, got %.2g", stats.ParetoKThreshold(r.N), r.ParetoK)
	case symmetric && math.Abs(r.Positive-0.5) > errors*half:
		r.Fault = fmt.Sprintf("expected both signs of the magnetisation alike, got %.3g of the draws positive", r.Positive)
	case low.Value < 1-errors*low.Error-slack:
		r.Fault = fmt.Sprintf("expected -⟨φ_k K_k*⟩ = 1, got %v: fields are missing or the spectrum has collapsed", low)
	}
	return nil
}
