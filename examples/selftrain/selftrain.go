package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/flow/selftrain"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/mcmc/phi4"
	"github.com/latdiff/latdiff/stats"
)

// Seeds of the parts of a run.
const (
	ladderPart = iota
	chainPart
	stepErrorPart
	integralPart
)

// Files and folders of a run beside those of package program.
const (
	chainFile    = "dmmc.npz"
	rungsFolder  = "rungs"
	figureFile   = "ladder.png"
	chain        = "dmmc"
	integralName = "thermodynamic"
)

// selfTrain is one run of the program.
type selfTrain struct {
	o       options
	action  *lattice.Phi4
	path    mcmc.ThermodynamicPath
	start   []*diffusion.Model
	backend compute.Backend
	folder  *program.Run
	table   *results.File
	display *progress.Display

	rungs   []selftrain.Rung
	logZ    stats.Estimate // by thermodynamic integration
	seconds float64
}

// newSelfTrain checks all input before anything is written.
func newSelfTrain(o options) (*selfTrain, error) {
	s := &selfTrain{o: o, display: progress.New(os.Stderr)}
	var err error
	if s.action, err = o.Phi4(); err != nil {
		return nil, err
	}
	if s.path, err = phi4.HoppingPath(s.action.Layout(), o.Kappa, o.Lambda); err != nil {
		return nil, err
	}
	if !(o.from >= 0 && o.from < o.Kappa) {
		return nil, fmt.Errorf("expected -from of at least 0 and below -kappa %v, got %v", o.Kappa, o.from)
	}
	if err := cmp.Or(
		program.AtLeast("n", o.draws, 64),
		program.AtLeast("samples", o.last, 64),
		program.AtLeast("first", o.first, 1),
		program.AtLeast("steps", o.steps, 1),
		program.AtLeast("midway", o.midway, 1),
		program.AtLeast("final", o.final, 1),
		program.AtLeast("polish", o.polish, 0),
		program.AtLeast("flow-steps", o.flowSteps, 0),
	); err != nil {
		return nil, err
	}
	if err := program.CheckSize("samples", o.last, s.action.Layout().Size()); err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(o.start, ",") {
		if name == "" {
			continue
		}
		m, err := diffusion.LoadModel(name)
		if err != nil {
			return nil, err
		}
		if m.Layout().Dim() != s.action.Layout().Dim() {
			return nil, fmt.Errorf("expected models of %d dimensions with -start, got %s of %v", s.action.Layout().Dim(), name, m.Layout())
		}
		s.start = append(s.start, m)
	}
	s.backend, err = backend.Open(o.Backend)
	return s, err
}

func (s *selfTrain) parameters() map[string]any {
	o := s.o
	return map[string]any{
		"dims": o.Dims, "kappa": o.Kappa, "lambda": o.Lambda, "seed": o.Seed, "from": o.from, "keep": o.keep, "overshoot": o.overshoot,
		"n": o.draws, "samples": o.last, "first": o.first, "steps": o.steps, "midway": o.midway, "final": o.final,
		"polish": o.polish, "check": o.check, "flow_steps": o.flowSteps, "integral": o.integral, "start": o.start,
	}
}

func (s *selfTrain) run(ctx context.Context) error {
	var err error
	if s.folder, err = program.OpenRun(s.o.Out, s.parameters()); err != nil {
		return err
	}
	s.table = results.New(s.parameters())
	var r *selftrain.Result
	flowConfig := flow.Config{Steps: s.o.flowSteps}
	path := s.path
	path.From = s.o.from
	s.seconds, err = s.display.Timed(ctx, "the ladder", func(func(done, total int)) error {
		r, err = selftrain.Run(ctx, s.backend, path, selftrain.Config{
			Network: hollow.Default(), Start: s.start, N: s.o.draws, LastN: s.o.last, Keep: s.o.keep, FirstSteps: s.o.first, Steps: s.o.steps,
			LastSteps: []int{s.o.midway, s.o.final}, Overshoot: s.o.overshoot, Polish: s.o.polish, Check: s.o.check,
			Flow: flowConfig, Folder: s.folder.Path(rungsFolder), Seed: s.o.Part(ladderPart),
			Report: func(r selftrain.Rung) { fmt.Fprintln(os.Stderr, line(r)) },
		})
		return err
	})
	if err != nil {
		return err
	}
	s.rungs = r.Rungs
	if err := s.folder.Save(program.ModelFile, r.Model.Save); err != nil {
		return err
	}
	f, err := flow.New(s.backend, r.Model, flowConfig)
	if err != nil {
		return err
	}
	if err := s.proposals(ctx, f, r); err != nil {
		return err
	}
	return s.integrate(ctx)
}

// proposals runs the exact chain of the draws, and measures it.
func (s *selfTrain) proposals(ctx context.Context, f *flow.ProbabilityFlow, r *selftrain.Result) error {
	ens := r.Draws.Ensemble
	r.Draws.Annotate(s.action, ens)
	e, err := f.StepError(ctx, ens.Slice(0, min(64, ens.Len())), r.Draws.LogQ, s.o.Part(stepErrorPart))
	if err != nil {
		return err
	}
	ens.Params["step_error"] = e
	if err := s.folder.SaveEnsemble(program.ProposalsFile, ens); err != nil {
		return err
	}
	c, err := mcmc.DMMC(rand.New(rand.NewPCG(s.o.Part(chainPart), 0)), r.LogWeights)
	if err != nil {
		return err
	}
	fields := lattice.NewEnsemble(ens.Layout, len(c.Index))
	fields.Params = s.action.Params()
	for _, i := range c.Index {
		fields.Append(ens.Config(i))
	}
	if err := s.folder.SaveEnsemble(chainFile, fields); err != nil {
		return err
	}
	series := measure.FromEnsemble(s.action, ens)
	of := s.table.Of(chain)
	values, err := measure.Chain(series.Pick(c.Index))
	if err := of.Add(values, measure.Usable(err)); err != nil {
		return err
	}
	signs, err := measure.Signs(series.Pick(c.Index))
	if err := of.Add(signs, measure.Usable(err)); err != nil {
		return err
	}
	likelihood, err := measure.Likelihood(ens.Extra["action"], ens.Extra["logq"])
	if err := of.Add(likelihood, err); err != nil {
		return err
	}
	accepted, err := measure.Proposals(c)
	if err := of.Add(accepted, err); err != nil {
		return err
	}
	last := s.rungs[len(s.rungs)-1]
	s.add("log_z", last.LogZ)
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"step_error", e}, {"pareto_k", last.ParetoK}, {"largest_weight_share", last.MaxShare},
		{"evaluations_action", float64(last.Values)}, {"evaluations_drift", float64(last.Drifts)}, {"rungs", float64(len(s.rungs))},
	} {
		s.add(n.name, known(n.value))
	}
	if t := last.Sides; t != nil {
		s.add("sd_log_w_theory", t.SDTheory)
		s.add("shift_log_w", t.Shift)
		s.add("ess_theory", known(t.ESSTheory))
	}
	weighted, err := measure.Reweighted(series, r.LogWeights)
	return s.table.Of("reweighted").Add(weighted, measure.Usable(err))
}

func (s *selfTrain) add(observable string, e stats.Estimate) { s.table.Add(chain, observable, e) }

// known is a number without an error.
func known(v float64) stats.Estimate { return stats.Estimate{Value: v, Error: math.NaN()} }

// integrate compares log Z with an algorithm that shares nothing with the ladder but the action.
func (s *selfTrain) integrate(ctx context.Context) error {
	if !s.o.integral {
		return nil
	}
	_, err := s.display.Timed(ctx, "thermodynamic integration", func(set func(done, total int)) error {
		r, err := mcmc.ThermodynamicIntegration(ctx, s.path, mcmc.ThermodynamicConfig{Seed: s.o.Part(integralPart), Progress: set})
		if err != nil {
			return err
		}
		s.logZ = r.LogZ
		s.table.Add(integralName, "log_z", r.LogZ)
		s.table.Add(integralName, "quadrature_error", known(r.QuadratureError))
		return nil
	})
	var short *stats.TooShortError
	if errors.As(err, &short) {
		return nil
	}
	return err
}
