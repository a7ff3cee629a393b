package main

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/charges"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// proposer is what is known of the proposals of a model.
type proposer struct {
	name      string
	draws     *lattice.Ensemble
	logw      []float64
	weights   stats.LogWeights
	theory    float64 // ESS as the theory sees it
	stepError float64
	tail      []float64 // change of log w for every one of tailAngles
	seconds   float64   // of the draws
}

// tailAngles are the angles u of the probe of the tail, in radians.
var tailAngles = []float64{1, 2, 3, math.Pi, 4, 5}

// batch is the number of configurations that go through a flow together.
const batch = 128

// tailSteps are those of the flow for the probe: far out, where an angle moves through regions of
// hardly any weight, the default steps are too long for log q.
const tailSteps = 72

// tailFields is the number of configurations over which the probe averages.
const tailFields = 8

// flow returns the flow of a model. The weights of a thousand plaquettes fluctuate by 10⁻², and
// their mean is known to 10⁻⁴: the rounding of single precision would be seen.
func (g *gaugeRun) flow(m diffusion.ScoreModel, steps int, progress func(done, total int), checkpoint string) (*flow.ProbabilityFlow, error) {
	return flow.New(g.backend, m, flow.Config{Steps: steps, DType: dtypes.Float64, Batch: batch, Progress: progress, Checkpoint: checkpoint})
}

// propose draws n proposals of a model and judges them from both sides.
func (g *gaugeRun) propose(ctx context.Context, name string, m diffusion.ScoreModel, n int, test *lattice.Ensemble) error {
	p := proposer{name: name}
	f, err := g.flow(m, g.o.flowSteps, nil, "")
	if err != nil {
		return err
	}
	if p.draws, p.seconds, err = g.drawn(ctx, name, m, n); err != nil {
		return err
	}
	logq := p.draws.Extra["logq"]
	for i, s := range p.draws.Extra["action"] {
		p.logw = append(p.logw, -s-logq[i])
	}
	if p.weights, err = stats.LogWeightStats(p.logw); err != nil {
		return err
	}
	some := p.draws.Slice(0, min(64, n))
	if p.stepError, err = f.StepError(ctx, some, logq, g.seed(proposalPart)); err != nil {
		return err
	}
	if err := g.judge(ctx, &p, m, f, test); err != nil {
		return err
	}
	g.proposers = append(g.proposers, p)
	for _, r := range []struct {
		observable string
		stats.Estimate
	}{
		{"ess", p.weights.ESS}, {"log_z", p.weights.LogZ}, {"log_z_exact", charges.Known(g.exact.LogZ())},
		{"sd_log_w", charges.Known(p.weights.SD)}, {"predicted_acceptance", p.weights.Acceptance},
		{"ess_theory", charges.Known(p.theory)}, {"step_error", charges.Known(p.stepError)}, {"largest_share", charges.Known(p.weights.MaxShare)},
		{"pareto_k", charges.Known(p.weights.ParetoK)},
	} {
		g.table.Add(name, r.observable, r.Estimate)
	}
	for i, u := range tailAngles {
		g.table.Add(name, fmt.Sprintf("tail_%.4g", u), charges.Known(p.tail[i]))
	}
	return nil
}

// drawn returns n proposals of a flow, which tells done of its steps, and the seconds that they
// took, 0 for those of the folder or of shares.
func (g *gaugeRun) drawn(ctx context.Context, name string, m diffusion.ScoreModel, n int) (draws *lattice.Ensemble, seconds float64, err error) {
	file := name + "_proposals.npz"
	if name == "dmmc" {
		file = program.ProposalsFile
	}
	saved, err := g.folder.Has(file)
	switch {
	case err != nil:
		return nil, 0, err
	case saved:
		draws, err = lattice.ReadEnsemble(g.folder.Path(file))
		return draws, 0, err
	case name == "dmmc" && g.o.task.Part == program.Merge:
		draws, err = g.merge()
		return draws, 0, err
	}
	seconds, err = g.display.Timed(ctx, fmt.Sprintf("%d proposals: %s", n, name), func(set func(done, total int)) error {
		f, err := g.flow(m, g.o.flowSteps, set, g.folder.State(file))
		if err != nil {
			return err
		}
		s, err := f.Sample(ctx, n, g.seed(proposalPart))
		if err != nil {
			return err
		}
		s.Annotate(g.lift, s.Ensemble)
		draws = s.Ensemble
		return g.folder.SaveEnsemble(file, draws)
	})
	return draws, seconds, err
}

// judge evaluates log w of independent exact configurations, and of some with one plaquette
// set to the angles of the probe.
func (g *gaugeRun) judge(ctx context.Context, p *proposer, m diffusion.ScoreModel, f *flow.ProbabilityFlow, test *lattice.Ensemble) error {
	logw := func(ens *lattice.Ensemble) ([]float64, error) {
		l, err := f.LogProb(ctx, ens, g.seed(proposalPart))
		if err != nil {
			return nil, err
		}
		return l.LogWeights(g.lift, ens)
	}
	w, err := logw(test)
	if err != nil {
		return err
	}
	mean, err := stats.LogMeanExp(w)
	if err != nil {
		return err
	}
	p.theory = math.Exp(g.exact.LogZ() - mean.Value)

	// The others take up the difference evenly.
	set := func(theta []float64, u float64) {
		shift := (theta[0] - u) / float64(len(theta)-1)
		theta[0] = u - shift
		for x := range theta {
			theta[x] += shift
		}
	}
	if f, err = g.flow(m, tailSteps, nil, ""); err != nil {
		return err
	}
	p.tail, err = f.TailProbe(ctx, g.lift, test.Slice(0, min(tailFields, test.Len())), tailAngles, set, g.seed(proposalPart))
	return err
}
