// Quickstart walks the whole road of the library on one lattice: an equilibrated φ⁴
// ensemble, a diffusion model trained on it, configurations by the reverse
// stochastic differential equation, their likelihood by the probability flow, and an
// exact Markov chain with the flow as proposal.
//
//	GOEXPERIMENT=simd go run ./examples/quickstart -out out
//
// It prints one table and writes plots, ensembles, the model and results.json into
// the output folder. Interrupted with Ctrl-C it keeps what is finished, and the same
// command continues.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/internal/program"
)

func main() {
	program.Main("quickstart", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

// options are the flags of the program.
type options struct {
	program.Flags
	Configurations int
	Objective      string
	Steps, Batch   int
	Samples        int
	ReverseSteps   int
	FlowSteps      int
	Probes         int
	Ensemble       string
	Model          string
}

func run(ctx context.Context, args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	q, err := newQuickstart(o)
	if err != nil {
		return err
	}
	return q.run(ctx)
}

func parseOptions(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	o.Register(fs, program.Flags{Out: "out", Seed: 1, Backend: "go", Dims: "16x16", Kappa: 0.25, Lambda: 0.022})
	fs.IntVar(&o.Configurations, "n", 5120, "training configurations to generate")
	fs.StringVar(&o.Objective, "objective", "target", "training objective: target or denoising score matching")
	fs.IntVar(&o.Steps, "steps", 3000, "training steps")
	fs.IntVar(&o.Batch, "batch", 64, "training batch")
	fs.IntVar(&o.Samples, "samples", 1024, "configurations to draw from the model, by each method")
	fs.IntVar(&o.ReverseSteps, "reverse-steps", 100, "steps of the reverse stochastic differential equation")
	fs.IntVar(&o.FlowSteps, "flow-steps", 6, "Runge–Kutta steps of the probability flow")
	fs.IntVar(&o.Probes, "probes", 4, "random probes of the divergence per configuration")
	fs.StringVar(&o.Ensemble, "ensemble", "", "train on the configurations of this .npz or .npy `file` (key cfgs)")
	fs.StringVar(&o.Model, "model", "", "use the model of this `file` instead of training one")
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "Quickstart trains a diffusion model on a φ⁴ ensemble and drives an exact Markov chain with it.")
		fs.PrintDefaults()
	}
	return o, program.Parse(fs, args)
}
