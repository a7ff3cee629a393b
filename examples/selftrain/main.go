// Selftrain goes from the action of φ⁴ theory to the exact Markov chain without any training
// configuration: a ladder of models from a coupling where a Gaussian does to the one of
// interest, each trained on weighted draws of the one before (package flow/selftrain).
//
//	GOEXPERIMENT=simd go run ./examples/selftrain -dims 16x16 -kappa 0.27 -out out-selftrain
//
// By default nothing moves the draws but their weights: no Markov chain makes a configuration that
// the model is trained on. With -polish n every configuration makes n short trajectories of hybrid Monte Carlo
// first, which repairs what is local. In both modes some hundred configurations are
// brought to equilibrium by classical moves for a comparison of both sides, which is a guard alone;
// -check -1 leaves it out.
//
// It prints the ladder with effective sample sizes, log Z and the zero mode of the spectrum, and
// the chain, and writes results.json, proposals.npz (fields with logq and action), dmmc.npz (the chain),
// model.npz and ladder.png. Interrupted with Ctrl-C it keeps the rungs that are finished, in
// the folder rungs, and the same command continues.
package main

import (
	"context"
	"os"

	"github.com/latdiff/latdiff/internal/program"
)

// options are the flags of the program.
type options struct {
	program.Flags
	from, keep, overshoot    float64
	draws, last              int
	first, steps, midway     int
	final                    int
	polish, check, flowSteps int
	integral                 bool
	start                    string
}

func main() {
	program.Main("selftrain", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (options, error) {
	var o options
	fs := program.NewFlagSet("selftrain", "Selftrain trains a model of φ⁴ theory from the action alone, and runs the exact chain.")
	o.Register(fs, program.Flags{Out: "out-selftrain", Seed: 1, Backend: "go", Dims: "16x16", Kappa: 0.27, Lambda: 0.022})
	fs.Float64Var(&o.from, "from", 0.15, "κ where the ladder begins, with the Gaussian of the Hartree equation")
	fs.Float64Var(&o.keep, "keep", 0.6, "part of the effective sample size that the weights of a step keep")
	fs.Float64Var(&o.overshoot, "overshoot", 0, "part of the way by which the ladder goes beyond -kappa before it returns")
	fs.IntVar(&o.draws, "n", 4096, "draws of a rung")
	fs.IntVar(&o.last, "samples", 4096, "draws at -kappa, and proposals of the chain")
	fs.IntVar(&o.first, "first", 300, "training steps of a network with fresh weights")
	fs.IntVar(&o.steps, "steps", 60, "training steps of a rung")
	fs.IntVar(&o.midway, "midway", 200, "training steps of the first round at -kappa")
	fs.IntVar(&o.final, "final", 800, "training steps of the last round at -kappa")
	fs.IntVar(&o.polish, "polish", 0, "trajectories of hybrid Monte Carlo of every configuration of the training; 0: none")
	fs.IntVar(&o.check, "check", 512, "configurations of the comparison of both sides; -1: none")
	fs.IntVar(&o.flowSteps, "flow-steps", 0, "steps of the flow; 0: those of the library")
	fs.StringVar(&o.start, "start", "", "model `files`, with commas, whose weights networks begin with, such as rungs of a smaller lattice")
	fs.BoolVar(&o.integral, "integral", true, "compare log Z with thermodynamic integration, by cluster updates")
	return o, program.Parse(fs, args)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	s, err := newSelfTrain(o)
	if err != nil {
		return err
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	if err := s.plot(); err != nil {
		return err
	}
	if err := s.table.Write(s.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return s.print(os.Stdout)
}
