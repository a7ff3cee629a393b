package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/pipeline"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// stepError is the error of log q from the step size in results.json.
const stepError = "step_error"

// point is one pair of κ and lattice.
type point struct {
	kappa float64
	lat   *lattice.Lattice
	run   *pipeline.Run
	steps *stopwatch
}

// name tells the point from others, in folders and in results.json.
func (p *point) name() string { return fmt.Sprintf("kappa_%v_%v", p.kappa, p.lat) }

// acceptance is one run of the program.
type acceptance struct {
	o      options
	folder *program.Run
	table  *results.File

	points []*point // in the order of the work, each once
	// The points of figures 13 and 14.
	kappas, extents []*point
	// The run of figure 15, nil without a network, and the steps at which it keeps a model.
	long *pipeline.Run
	kept []int
}

// newAcceptance checks all input.
func newAcceptance(o options) (*acceptance, error) {
	a := &acceptance{o: o}
	action, err := o.Phi4()
	if err != nil {
		return nil, err
	}
	if !o.Trains() && o.Model != settings.Gaussian {
		return nil, fmt.Errorf("expected -model unet, hollow or gaussian, which every point can train, got %q", o.Model)
	}
	if o.Ensemble != "" {
		return nil, fmt.Errorf("expected no -ensemble, since every point needs its own, got %q", o.Ensemble)
	}
	if o.longSteps < 2 {
		return nil, fmt.Errorf("expected -long-steps of at least 2, got %d", o.longSteps)
	}
	kappas, err := parseList("kappas", o.kappas)
	if err != nil {
		return nil, err
	}
	extents, err := parseList("extents", o.extents)
	if err != nil {
		return nil, err
	}
	for _, kappa := range kappas {
		p, err := a.point(kappa, o.Dims)
		if err != nil {
			return nil, err
		}
		a.kappas = append(a.kappas, p)
	}
	for _, l := range extents {
		if l != float64(int(l)) {
			return nil, fmt.Errorf("expected -extents of whole numbers, got %q", o.extents)
		}
		cube := strings.Repeat(fmt.Sprintf("x%d", int(l)), action.Layout().Dim())[1:]
		p, err := a.point(o.Kappa, cube)
		if err != nil {
			return nil, err
		}
		a.extents = append(a.extents, p)
	}
	if o.Model != settings.Gaussian {
		sub := o.Options
		sub.Out, sub.Steps = filepath.Join(o.task.PointFolder(o.Out, len(a.points)), "training"), o.longSteps
		if a.long, err = pipeline.New(sub); err != nil {
			return nil, err
		}
		a.keep()
	}
	if n := a.number(); o.task.Shares > n {
		return nil, fmt.Errorf("expected at most as many shares as points, %d, got -task %v", n, &o.task)
	}
	return a, nil
}

// number returns that of the points, of which figure 15 is the last.
func (a *acceptance) number() int {
	if a.long == nil {
		return len(a.points)
	}
	return len(a.points) + 1
}

// parseList returns the positive numbers of a list, in increasing order.
func parseList(name, list string) ([]float64, error) {
	var out []float64
	last := 0.0
	for _, word := range strings.Split(list, ",") {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil || !(v > last) {
			return nil, fmt.Errorf("expected -%s as increasing positive numbers, got %q", name, list)
		}
		out = append(out, v)
		last = v
	}
	return out, nil
}

// point returns the point of κ and lattice, a new one the first time.
func (a *acceptance) point(kappa float64, dims string) (*point, error) {
	o := a.o.Options
	o.Kappa, o.Dims = kappa, dims
	action, err := o.Phi4()
	if err != nil {
		return nil, err
	}
	p := &point{kappa: kappa, lat: action.Layout().Lattice, steps: new(stopwatch)}
	for _, q := range a.points {
		if q.name() == p.name() {
			return q, nil
		}
	}
	o.Out = filepath.Join(a.o.task.PointFolder(o.Out, len(a.points)), p.name())
	if p.run, err = pipeline.New(o); err != nil {
		return nil, err
	}
	p.run.Trained = p.steps.observe
	a.points = append(a.points, p)
	return p, nil
}

// keep lets the run of figure 15 keep its model at the end and after as many steps as an
// even fraction 2^k/128 of all.
func (a *acceptance) keep() {
	const parts = 128
	a.long.EvaluateEvery = max(1, a.o.longSteps/parts)
	for n := a.long.EvaluateEvery; n < a.o.longSteps; n *= 2 {
		a.kept = append(a.kept, n)
	}
	a.kept = append(a.kept, a.o.longSteps)
	a.long.Evaluate = func(step int, m *diffusion.Model) error {
		for _, n := range a.kept {
			if n == step {
				return a.long.Folder().Save(keptFile(step), m.Save)
			}
		}
		return nil
	}
}

func keptFile(step int) string { return fmt.Sprintf("model-%06d.npz", step) }

// walk goes through all points.
func (a *acceptance) walk(ctx context.Context) error {
	o := a.o
	parameters := o.Parameters(a.kappas[0].lat)
	maps.Copy(parameters, map[string]any{"kappas": o.kappas, "extents": o.extents, "long_steps": o.longSteps})
	var err error
	if a.folder, err = o.task.Open(o.Out, parameters); err != nil {
		return err
	}
	a.table = results.New(parameters)
	a.table.Provenance.Device = a.points[0].run.Backend().DeviceDescription(0)
	if err := a.table.Inputs(o.Files()...); err != nil {
		return err
	}
	if o.task.Part == program.Merge {
		shares, err := o.task.Collect(o.Out, parameters)
		if err != nil {
			return err
		}
		if err := a.table.Merged(program.ResultsPaths(shares)...); err != nil {
			return err
		}
	}
	for i, p := range a.points {
		if !o.task.Has(i) {
			continue
		}
		if err := a.evaluate(ctx, p); err != nil {
			return err
		}
	}
	if a.long == nil || !o.task.Has(len(a.points)) {
		return nil
	}
	return a.train(ctx)
}

// evaluate trains the model of a point and draws proposals from it and from the Gaussian.
func (a *acceptance) evaluate(ctx context.Context, p *point) error {
	r := p.run
	if err := r.Open(); err != nil {
		return err
	}
	ens, err := r.TrainingEnsemble(ctx)
	if err != nil {
		return err
	}
	gaussian, err := r.Gaussian(ctx, ens)
	if err != nil {
		return err
	}
	m, err := r.Train(ctx, ens)
	if err != nil {
		return err
	}
	if err := a.keepTime(p); err != nil {
		return err
	}
	proposals, err := r.Propose(ctx, m, program.ProposalsFile, a.o.Samples)
	if err != nil {
		return err
	}
	if err := a.add(r, "gaussian", "gaussian_"+p.name(), gaussian); err != nil {
		return err
	}
	return a.add(r, "dm", "dm_"+p.name(), proposals)
}

// add adds the proposals to the table of the run, and all that this has under the name to
// the table of the program, as the given ensemble.
func (a *acceptance) add(r *pipeline.Run, name, as string, proposals *lattice.Ensemble) error {
	if err := r.Results().Of(name).Add(measure.Likelihood(proposals.Extra["action"], proposals.Extra["logq"])); err != nil {
		return err
	}
	if _, err := r.Chain(name, proposals); err != nil {
		return err
	}
	for _, e := range r.Results().Results {
		if e.Ensemble == name {
			v, _ := r.Results().Get(name, e.Observable)
			a.table.Add(as, e.Observable, v)
		}
	}
	a.table.Add(as, stepError, stats.Estimate{Value: proposals.Params["step_error"]})
	return nil
}

// train makes the data of figure 15.
func (a *acceptance) train(ctx context.Context) error {
	r := a.long
	if err := r.Open(); err != nil {
		return err
	}
	ens, err := r.TrainingEnsemble(ctx)
	if err != nil {
		return err
	}
	if _, err := r.Train(ctx, ens); err != nil {
		return err
	}
	gaussian, err := r.Gaussian(ctx, ens)
	if err != nil {
		return err
	}
	if err := a.add(r, "gaussian", "gaussian_steps", gaussian); err != nil {
		return err
	}
	for _, n := range a.kept {
		if _, err := r.Folder().Has(keptFile(n)); err != nil {
			return err
		}
		m, err := diffusion.LoadModel(r.Folder().Path(keptFile(n)))
		if err != nil {
			return err
		}
		proposals, err := r.Propose(ctx, m, fmt.Sprintf("proposals-%06d.npz", n), a.o.Samples)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("dm_steps_%d", n)
		if err := a.add(r, name, name, proposals); err != nil {
			return err
		}
	}
	return nil
}
