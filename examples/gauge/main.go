// Gauge runs the exact Markov chain with the proposals of a diffusion model (DM-MC) for
// compact U(1) gauge theory in two dimensions, where hybrid Monte Carlo freezes: β = 7 on
// 16×16 by default.
//
//	GOEXPERIMENT=simd go run ./examples/gauge -out out-gauge
//
// The model is one of lifted plaquettes, see packages lattice/gauge and hollow/plaquette: a
// draw has a winding number from a discrete prior, plaquettes from the flow, and a gauge and
// holonomies from the uniform distribution. The chain is exact up to the step error of log q.
//
//   - -model pretrained (the default) takes the shipped model of the coupling, whatever the
//     lattice, and trains one where there is none; -retrain trains one all the same
//   - -model solution is the solution of independent plaquettes alone, which every model
//     has as its known part; it needs no training
//   - -model network learns everything beyond a Gaussian, without that solution
//   - -model both trains the solution and a network for the rest
//   - any other name is a model file of the same coupling, for any lattice
//
// Beside it run hybrid Monte Carlo, the same with hops of a uniform flux, independent draws, which
// this theory allows, and the Gaussian of the same spectrum as a proposal. As a sample cannot
// tell what it never draws, the program judges every proposal from the other side too: by the
// weights of independent exact configurations (ESS_p = Z/⟨w⟩_p), and by a probe of the tail,
// the change of log w when one plaquette of such a configuration is set to u.
//
// It prints the tables and writes results.json, dmmc.npz (links of the chain, key cfgs, shape
// (N, 2, L, L), in radians), model.npz, proposals.npz (lifted plaquettes with logq and
// action), charge.png, the distribution of the charge, and history.png, its history in hybrid
// Monte Carlo and in DM-MC. Interrupted with Ctrl-C it keeps what is finished, and the same
// command continues.
//
// Several processes share the proposals with -task: train makes the model, if none is given, 3/8
// draws the fourth of eight blocks in the folder task-3-of-8 of -out, and merge/8 joins all of
// them to the proposals of one process, bit by bit, and goes on with everything else.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/internal/program"
)

// The values of -model that are no files.
const (
	pretrainedModel = "pretrained"
	solutionModel   = "solution"
	networkModel    = "network"
	bothModel       = "both"
)

// options are the flags of the program.
type options struct {
	program.Flags
	model                        string
	beta                         float64
	retrain                      bool
	configurations, steps        int
	samples, exact, trajectories int
	flowSteps                    int
	task                         program.Task
}

func main() {
	program.Main("gauge", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (options, error) {
	var o options
	fs := program.NewFlagSet("gauge", "Gauge runs the exact chain with a diffusion model for U(1) gauge theory in two dimensions.")
	o.Register(fs, program.Flags{Out: "out-gauge", Seed: 1, Backend: "go", Dims: "16x16"})
	fs.Float64Var(&o.beta, "beta", 7, "inverse coupling β > 0 of the Wilson weight")
	fs.StringVar(&o.model, "model", pretrainedModel, "pretrained, solution, network, both, or a model `file`")
	fs.BoolVar(&o.retrain, "retrain", false, "train a model although one is shipped")
	fs.IntVar(&o.configurations, "n", 8192, "independent configurations of the training")
	fs.IntVar(&o.steps, "steps", 1000, "steps of the training")
	fs.IntVar(&o.flowSteps, "flow-steps", 36, "steps of the flow, whose error of log q grows with the volume")
	fs.IntVar(&o.samples, "samples", 4096, "proposals of the chain")
	fs.IntVar(&o.exact, "exact", 1024, "independent configurations whose log q is evaluated")
	fs.IntVar(&o.trajectories, "trajectories", 16384, "trajectories of hybrid Monte Carlo, of each of four chains")
	o.task.Register(fs, true)
	if err := program.Parse(fs, args); err != nil {
		return o, err
	}
	if o.retrain && o.model != pretrainedModel {
		return o, fmt.Errorf("expected -retrain with -model pretrained, got -model %s", o.model)
	}
	return o, cmp.Or(
		program.AtLeast("n", o.configurations, 64),
		program.AtLeast("steps", o.steps, 1),
		program.AtLeast("flow-steps", o.flowSteps, 4),
		program.AtLeast("samples", o.samples, 64),
		program.AtLeast("exact", o.exact, 16),
		program.AtLeast("trajectories", o.trajectories, 64),
	)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	g, err := newGauge(o)
	if err != nil {
		return err
	}
	if err := g.run(ctx); err != nil {
		return err
	}
	if o.task.Part == program.Train || o.task.Part == program.OneShare {
		return nil
	}
	if err := g.plot(); err != nil {
		return err
	}
	if err := g.table.Write(g.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return g.print(os.Stdout)
}
