package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/internal/charges"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc/u1"
)

// Seeds of the parts of a run.
const (
	trainingPart = iota
	liftPart
	modelPart
	proposalPart
	chainPart
	linksPart
	exactPart
	hmcPart
	gaussianPart
)

// gaugeRun is one run of the program.
type gaugeRun struct {
	o       options
	action  *gauge.Action
	lift    *gauge.Lift
	torus   *gauge.Torus
	exact   *gauge.Exact
	backend compute.Backend
	folder  *program.Run
	table   *results.File
	display *progress.Display

	chains    []*charges.Chain
	proposers []proposer
	chi2      chiSquare
}

// newGauge checks all input before anything is written.
func newGauge(o options) (*gaugeRun, error) {
	dims, err := lattice.ParseDims(o.Dims)
	if err != nil {
		return nil, err
	}
	lat, err := lattice.New(dims...)
	if err != nil {
		return nil, err
	}
	if !(o.beta > 0) {
		return nil, fmt.Errorf("expected -beta > 0, got %v", o.beta)
	}
	g := &gaugeRun{o: o, display: progress.New(os.Stderr)}
	if g.action, err = gauge.NewWilson(lat, o.beta); err != nil {
		return nil, err
	}
	if g.lift, err = gauge.NewLift(g.action, 0); err != nil {
		return nil, err
	}
	g.torus = g.lift.Torus()
	if g.exact, err = gauge.NewExact(g.action.Weight(), dims[0], dims[1]); err != nil {
		return nil, err
	}
	if g.backend, err = backend.Open(o.Backend); err != nil {
		return nil, err
	}
	if o.model, err = g.checkModel(o.model); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *gaugeRun) parameters() map[string]any {
	o := g.o
	return map[string]any{
		"dims": o.Dims, "beta": o.beta, "seed": o.Seed, "model": o.model, "retrain": o.retrain, "n": o.configurations,
		"steps": o.steps, "flow_steps": o.flowSteps, "samples": o.samples, "exact": o.exact, "trajectories": o.trajectories,
	}
}

func (g *gaugeRun) run(ctx context.Context) error {
	var err error
	if g.folder, err = g.o.task.OpenWhole(g.o.Out, g.parameters()); err != nil {
		return err
	}
	g.table = results.New(g.parameters())
	g.table.Provenance.Backend, g.table.Provenance.Device = g.o.Backend, g.backend.DeviceDescription(0)
	switch g.o.model {
	case pretrainedModel, solutionModel, networkModel, bothModel:
	default:
		if err := g.table.Inputs(g.o.model); err != nil {
			return err
		}
	}
	if g.o.task.Part == program.OneShare {
		return g.share(ctx)
	}
	m, err := g.model(ctx)
	if err != nil || g.o.task.Part == program.Train {
		return err
	}
	test, err := g.draw(g.o.exact, exactPart)
	if err != nil {
		return err
	}
	gaussian, err := diffusion.NewGaussian(m.Config())
	if err != nil {
		return err
	}
	if err := g.propose(ctx, "gaussian", gaussian, min(g.o.samples, 4096), test); err != nil {
		return err
	}
	if err := g.propose(ctx, "dmmc", m, g.o.samples, test); err != nil {
		return err
	}
	if err := g.independence(); err != nil {
		return err
	}
	return g.classical(ctx)
}

// seed returns the seed of a part of the run.
func (g *gaugeRun) seed(part int) uint64 { return g.o.Part(part) }

// draw returns lifted plaquettes of n independent configurations.
func (g *gaugeRun) draw(n, part int) (*lattice.Ensemble, error) {
	sampler, err := u1.NewExact(g.action)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(g.seed(part), 0))
	links := lattice.NewEnsemble(g.action.Layout(), n)
	config := make([]float64, links.Size())
	for range n {
		if err := sampler.Draw(rng, config); err != nil {
			return nil, err
		}
		links.Append(config)
	}
	return g.lift.DrawEnsemble(links, g.seed(part)+liftPart)
}
