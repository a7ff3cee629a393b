package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/charges"
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

// tailSteps are those of the flow for the probe: far out, where an angle moves through regions of
// hardly any weight, the default steps are too long for log q.
const tailSteps = 4 * flow.DefaultSteps

// tailFields is the number of configurations over which the probe averages.
const tailFields = 8

// propose draws n proposals of a model and judges them from both sides.
func (g *gaugeRun) propose(ctx context.Context, name string, m diffusion.ScoreModel, n int, test *lattice.Ensemble) error {
	p := proposer{name: name}
	var done func(int, int)
	f, err := flow.New(g.backend, m, flow.Config{Batch: 128, Progress: func(k, total int) { done(k, total) }})
	if err != nil {
		return err
	}
	file := name + "_proposals.npz"
	if name == "dmmc" {
		file = "proposals.npz"
	}
	saved, err := g.folder.Has(file)
	if err != nil {
		return err
	}
	if saved {
		if p.draws, err = lattice.ReadEnsemble(g.folder.Path(file)); err != nil {
			return err
		}
	} else {
		p.seconds, err = g.display.Timed(ctx, fmt.Sprintf("%d proposals: %s", n, name), func(set func(done, total int)) error {
			done = set
			s, err := f.Sample(ctx, n, g.seed(proposalPart))
			if err != nil {
				return err
			}
			s.Annotate(g.lift, s.Ensemble)
			p.draws = s.Ensemble
			return g.folder.Save(file, func(path string) error { return lattice.WriteEnsemble(path, p.draws) })
		})
		if err != nil {
			return err
		}
	}
	logq := p.draws.Extra["logq"]
	for i, s := range p.draws.Extra["action"] {
		p.logw = append(p.logw, -s-logq[i])
	}
	if p.weights, err = stats.LogWeightStats(p.logw); err != nil {
		return err
	}
	done = func(int, int) {}
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

// judge evaluates log w of independent exact configurations, and of some with one plaquette
// set to the angles of the probe, the others taking up the difference evenly.
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

	probes, n := lattice.NewEnsemble(test.Layout, len(tailAngles)*tailFields), min(tailFields, test.Len())
	for _, u := range tailAngles {
		for i := range n {
			theta := slices.Clone(test.Config(i))
			shift := (theta[0] - u) / float64(len(theta)-1)
			theta[0] = u - shift
			for x := range theta {
				theta[x] += shift
			}
			probes.Append(theta)
		}
	}
	if f, err = flow.New(g.backend, m, flow.Config{Steps: tailSteps, Batch: 128}); err != nil {
		return err
	}
	tail, err := logw(probes)
	if err != nil {
		return err
	}
	if w, err = logw(test.Slice(0, n)); err != nil {
		return err
	}
	for i := range tailAngles {
		change := 0.0
		for j := range n {
			change += (tail[i*n+j] - w[j]) / float64(n)
		}
		p.tail = append(p.tail, change)
	}
	return nil
}
