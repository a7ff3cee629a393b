package selftrain

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// Result is what [Run] returns.
type Result struct {
	// Model is the model at the end of the path.
	Model *diffusion.Model
	// Draws are its draws, and LogWeights their log w = -S - log q: the proposals of an exact
	// chain.
	Draws      *flow.Samples
	LogWeights []float64
	// Rungs are all rungs, in the order in which they were made, with those that failed.
	Rungs []Rung
}

// Run trains a model of the action at the end of a path from the actions alone; of the path it uses
// From, To and Action. See the package comment for the method.
//
// It returns an error if the path or a setting is impossible, if the start is not a good
// Gaussian, if no step that is short enough succeeds, if the end fails with polish too, or if the
// folder is that of another run. At a cancelled ctx it returns the error of ctx; with a folder
// the same call then continues from the last good rung, and gives the same result as without
// the interruption.
func Run(ctx context.Context, backend compute.Backend, path mcmc.ThermodynamicPath, cfg Config) (*Result, error) {
	if err := cfg.setDefaults(path); err != nil {
		return nil, err
	}
	l := &ladder{Config: cfg, backend: backend, family: &family{ThermodynamicPath: path}, began: time.Now()}
	l.top = path.To + cfg.Overshoot*(path.To-path.From)
	if err := l.open(); err != nil {
		return nil, err
	}
	if found, err := l.resume(ctx); err != nil {
		return nil, err
	} else if !found {
		if err := l.begin(ctx); err != nil {
			return nil, err
		}
	}
	for l.round < len(l.LastSteps) {
		if err := l.climb(ctx); err != nil {
			return nil, err
		}
	}
	logw, err := l.good.weights(path.To)
	if err != nil {
		return nil, err
	}
	return &Result{Model: l.good.model, Draws: l.good.draws, LogWeights: logw, Rungs: l.rungs}, nil
}

// ladder is a run.
type ladder struct {
	Config
	backend compute.Backend
	family  *family
	// symmetric: the actions at both ends are even.
	symmetric bool
	top       float64 // the farthest parameter
	began     time.Time

	rungs []Rung
	good  *position // the last good rung
	// returned: the farthest parameter has been reached; round counts the rounds at the end.
	returned bool
	round    int
	trainer  *trainer              // nil: there is none of the last good rung
	last     *flow.ProbabilityFlow // of a network
}

// position is a rung and what it draws.
type position struct {
	Rung
	proposal
	t       float64
	seed    uint64 // of the draws
	draws   *flow.Samples
	actions *actions
	sides   bool // the fault is that of the comparison
}

// Parts of the random numbers of an attempt.
const (
	drawPart = iota
	resamplePart
	polishPart
	trainPart
	checkPart
	comparePart
	parts
)

// random returns the seed of a part of the attempt that is made next.
func (l *ladder) random(part int) uint64 {
	return rand.New(rand.NewPCG(l.Seed, uint64(len(l.rungs)*parts+part))).Uint64()
}

// open measures what the family is.
func (l *ladder) open() error {
	l.symmetric = true
	for _, t := range []float64{l.family.From, l.family.To} {
		action, err := l.family.at(t)
		if err != nil {
			return err
		}
		symmetries, err := lattice.MeasureSymmetries(action)
		if err != nil {
			return err
		}
		l.symmetric = l.symmetric && symmetries.Sign
	}
	return l.family.measureLinear(l.Seed)
}

func (l *ladder) say(format string, args ...any) {
	if l.Stage != nil {
		l.Stage(fmt.Sprintf(format, args...))
	}
}

// begin draws from the Gaussian at the start of the path.
func (l *ladder) begin(ctx context.Context) error {
	action, err := l.family.at(l.family.From)
	if err != nil {
		return err
	}
	p := &position{t: l.family.From, seed: l.random(drawPart)}
	if p.gaussian, err = l.start(action); err != nil {
		return err
	}
	if _, err := l.draw(ctx, p, l.N); err != nil {
		return err
	}
	if l.add(p); p.Fault != "" {
		return fmt.Errorf("selftrain: expected a path that starts where a Gaussian is a good proposal, at t = %v: %s", p.t, p.Fault)
	}
	return l.accept(p)
}

// draw draws n configurations of the proposal of p, judges them, and returns the flow.
func (l *ladder) draw(ctx context.Context, p *position, n int) (*flow.ProbabilityFlow, error) {
	f, err := l.flow(p.proposal)
	if err != nil {
		return nil, err
	}
	l.say("t = %.6g: %d draws", p.t, n)
	p.T, p.Network = p.t, p.model != nil
	p.Spectrum, p.Order = p.config().Spectrum, p.config().Order
	if p.draws, err = f.Sample(ctx, n, p.seed); err != nil {
		if ctx.Err() == nil {
			// A flow that diverges is a fault of the model.
			p.Fault, err = err.Error(), nil
		}
		return nil, err
	}
	if p.actions, err = l.family.measure(p.draws.Ensemble, p.t); err != nil {
		return nil, err
	}
	logw, err := p.weights(p.t)
	if err != nil {
		return nil, err
	}
	action, err := l.family.at(p.t)
	if err != nil {
		return nil, err
	}
	return f, p.judge(action, p.draws.Ensemble, logw, l.Least, l.symmetric)
}

// add appends the rung of a position to the record.
func (l *ladder) add(p *position) {
	p.Values, p.Drifts = l.family.values.Load(), l.family.drifts.Load()
	p.Seconds = time.Since(l.began).Seconds()
	l.rungs = append(l.rungs, p.Rung)
	if l.Report != nil {
		l.Report(p.Rung)
	}
}

// accept goes on from p.
func (l *ladder) accept(p *position) error {
	if l.good != nil && l.returned && p.t == l.family.To && l.good.t == l.family.To {
		l.round++
	}
	l.good = p
	l.returned = l.returned || p.t == l.top
	return l.save()
}

// measured is the number of configurations that the spectrum of a Gaussian is measured on: more
// do not make it better.
const measured = 1024

// attempts bounds the rungs that fail one after the other, and defaultPolish is the number of
// trajectories of one that is repeated with polish.
const attempts, defaultPolish = 8, 3

// climb goes on to the next good rung.
func (l *ladder) climb(ctx context.Context) error {
	target := l.top
	if l.returned {
		target = l.family.To
	}
	t, steps, n := l.good.t, l.Steps, l.N
	if l.returned && t == target {
		steps = l.LastSteps[l.round]
	} else {
		var err error
		if t, err = l.next(l.good, target); err != nil {
			return err
		}
	}
	if t == l.family.To && (l.returned || l.top == l.family.To) {
		n = l.LastN
	}
	trajectories, gaussian := l.Polish, l.good.model == nil && l.good.ESS.Value >= l.GaussianESS && !(l.returned && t == l.family.To)
	for range attempts {
		p, err := l.attempt(ctx, t, steps, n, trajectories, gaussian)
		if err != nil {
			return err
		}
		l.add(p)
		if p.Fault == "" {
			return l.accept(p)
		}
		l.trainer, gaussian = nil, false
		switch {
		case trajectories == 0 && (p.sides || t == l.good.t):
			trajectories = defaultPolish
		case t == l.good.t:
			trajectories *= 2
		default:
			t = (l.good.t + t) / 2
		}
	}
	last := l.rungs[len(l.rungs)-1]
	return fmt.Errorf("selftrain: no good rung after t = %v in %d attempts, the last at %v: %s", l.good.t, attempts, t, last.Fault)
}

// attempt makes a rung at t from the last good one, of a Gaussian or with a network.
func (l *ladder) attempt(ctx context.Context, t float64, steps, n, trajectories int, gaussian bool) (*position, error) {
	action, err := l.family.at(t)
	if err != nil {
		return nil, err
	}
	logw, err := l.good.weights(t)
	if err != nil {
		return nil, err
	}
	p := &position{t: t, seed: l.random(drawPart)}
	if p.Reweighted, err = stats.LogWeightESS(logw); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(l.random(resamplePart), 0))
	ens, err := resampled(rng, l.good.draws.Ensemble, clipped(logw, l.Clip))
	if err != nil {
		return nil, err
	}
	spectrum := l.good.config().Spectrum
	if trajectories > 0 {
		l.say("t = %.6g: %d trajectories of %d configurations", t, trajectories, ens.Len())
		if ens, err = polish(ctx, action, ens, spectrum, trajectories, l.random(polishPart)); err != nil {
			return nil, err
		}
		p.Polished = trajectories
	}
	if gaussian {
		m, err := diffusion.Measure(action, thinned(ens, min(measured, ens.Len())))
		if err != nil {
			return nil, err
		}
		p.gaussian = m.ModelConfig
		_, err = l.draw(ctx, p, n)
		return p, err
	}
	l.say("t = %.6g: training", t)
	if p.model, p.Steps, err = l.fit(ctx, action, ens, steps, l.random(trainPart)); err != nil {
		return nil, err
	}
	f, err := l.draw(ctx, p, n)
	if err != nil || p.Fault != "" || l.Check < 0 {
		return p, err
	}
	return p, l.compare(ctx, p, f, ens)
}

// compare compares both sides of the model of p at its parameter.
func (l *ladder) compare(ctx context.Context, p *position, f *flow.ProbabilityFlow, ens *lattice.Ensemble) error {
	// Not counted: it has no part in the training.
	action, err := l.family.Action(p.t)
	if err != nil {
		return err
	}
	l.say("t = %.6g: comparison of both sides", p.t)
	theory, err := equilibrium(ctx, action, ens, p.Spectrum, l.Check, l.CheckSteps, l.random(checkPart))
	if err != nil {
		return err
	}
	drawn, err := p.weights(p.t)
	if err != nil {
		return err
	}
	sides, err := compare(ctx, f, action, theory, drawn, l.random(comparePart))
	if ctx.Err() != nil {
		return err
	}
	if err == nil {
		p.Sides = &sides
		err = sides.Check()
	}
	if err != nil {
		// A flow that diverges on fields of the theory does not reach them.
		p.Fault, p.sides = err.Error(), true
	}
	return nil
}
