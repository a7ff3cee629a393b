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
	"os"

	"github.com/latdiff/latdiff/internal/pipeline"
	"github.com/latdiff/latdiff/internal/program"
)

func main() {
	program.Main("quickstart", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (pipeline.Options, error) {
	quick := pipeline.Options{
		Flags:          program.Flags{Out: "out", Seed: 1, Backend: "go", Dims: "16x16", Kappa: 0.25, Lambda: 0.022},
		Configurations: 5120, Model: pipeline.UNet, Objective: "target", Steps: 3000, Batch: 64,
		Samples: 1024, ReverseSteps: 100, FlowSteps: 6, Probes: 4,
	}
	paper := pipeline.PaperOptions(program.Flags{Out: "out", Seed: 1, Backend: "go", Dims: "32x32", Kappa: 0.21, Lambda: 0.022})
	return pipeline.Parse("quickstart", "Quickstart trains a diffusion model on a φ⁴ ensemble and drives an exact Markov chain with it.", args, quick, paper)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	return pipeline.Execute(ctx, o)
}
