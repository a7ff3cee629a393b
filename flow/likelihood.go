package flow

import (
	"context"
	"fmt"
	"maps"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// Likelihood holds log densities and the error that the probes of an estimated divergence
// leave in them; for the error of the steps see [ProbabilityFlow.StepError].
type Likelihood struct {
	// LogQ is log q(φ) of every configuration, normalised.
	LogQ []float64
	// ProbeError is the standard error of every LogQ from the randomness of the
	// divergence probes: the standard deviation over estimates (vectors, or for
	// Probing sets of signs) divided by the root of their number. It is zero for an
	// exact divergence and NaN for a single estimate.
	ProbeError []float64
	// Effort is what it took.
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

// LogWeights returns log w = -S - log q of the configurations ens of the likelihood. Of
// draws from q it is the weight that makes averages over q those over exp(-S)/Z, with
// log⟨w⟩_q = log Z; of configurations of the theory it is what they say about q, see
// CompareLogWeights in package stats. It returns an error unless there is an action
// of the layout of ens, and as many configurations as densities.
func (l *Likelihood) LogWeights(action lattice.Action, ens *lattice.Ensemble) ([]float64, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("flow: log-weights: %w", err)
	}
	if err := ens.CheckLayout(action.Layout()); err != nil {
		return nil, fmt.Errorf("flow: log-weights: %w", err)
	}
	if ens.Len() != len(l.LogQ) {
		return nil, fmt.Errorf("flow: expected as many configurations as densities, got %d and %d", ens.Len(), len(l.LogQ))
	}
	w := make([]float64, ens.Len())
	for i, phi := range ens.All() {
		w[i] = -action.Value(phi) - l.LogQ[i]
	}
	return w, nil
}

// Annotate stores what is known of the configurations ens of the likelihood with them: S
// as "action", log q as "logq" and ProbeError as "logq_error" in Extra, and the couplings of
// the action in Params. A file of the ensemble then holds proposals for mcmc.NewPool.
func (l *Likelihood) Annotate(action lattice.Action, ens *lattice.Ensemble) {
	ens.Params = map[string]float64{}
	maps.Copy(ens.Params, lattice.Params(action))
	ens.Extra = map[string][]float64{"action": ens.Measure(nil, action.Value), "logq": l.LogQ, "logq_error": l.ProbeError}
}

// StepError compares with at least leastFine steps of RK4, and with tolerances of
// DormandPrince divided by tighter.
const (
	leastFine = 12
	tighter   = 10
)

// finer returns how to integrate more accurately than the configuration says.
func (f *ProbabilityFlow) finer(seed uint64) run {
	r := run{seed: seed, scheme: RK4, steps: f.cfg.Steps, tighten: 1, report: func(int) {}}
	switch f.cfg.Integrator {
	case DormandPrince:
		r.scheme, r.tighten = DormandPrince, tighter
	case RK4:
		r.steps *= 2
		fallthrough
	default:
		r.steps = max(r.steps, leastFine)
	}
	return r
}

// StepError estimates the error that finite steps leave in densities logq of configurations,
// from [ProbabilityFlow.Sample] or [ProbabilityFlow.LogProb]: twice the rms difference between
// them and finer ones, by RK4 in as many steps, for RK4 itself in twice as many, and in at
// least 12, for DormandPrince with tolerances ten times as small. It bounds the rms error
// wherever the finer densities have at most half of it; in the limit of small steps it is
// about twice the error. The configurations can be the first of those that logq is of, a batch
// being enough; seed is that of the call that returned logq, which gives the same probes. It
// costs the finer LogProb, with the default steps that of 72 evaluations, and returns its
// errors, and one for fewer densities than configurations.
func (f *ProbabilityFlow) StepError(ctx context.Context, ens *lattice.Ensemble, logq []float64, seed uint64) (float64, error) {
	if err := f.checkFields(ens); err != nil {
		return 0, err
	}
	if len(logq) < ens.Len() {
		return 0, fmt.Errorf("flow: expected a density of every configuration, got %d of %d", len(logq), ens.Len())
	}
	fine, err := f.logProb(ctx, ens, "", f.finer(seed))
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, l := range fine.LogQ {
		sum += (logq[i] - l) * (logq[i] - l)
	}
	return 2 * math.Sqrt(sum/float64(ens.Len())), nil
}
