// Broken reproduces figures 4 and 5 of the paper: φ⁴ theory on 32×32 in the broken
// phase, κ = 0.5, λ = 0.022, where configurations fluctuate around one of two
// magnetisations.
//
//	GOEXPERIMENT=simd go run ./examples/broken -out out-broken
//
// It trains a diffusion model, draws configurations by the reverse stochastic
// differential equation (the denoising strip of figure 4) and by the probability
// flow, and compares the magnetisation with HMC (figure 5): both signs must be
// populated alike. The printed table and results.json are those of the quickstart;
// in addition the ensembles hmc, dm, dm_ode and dmmc have the observable
// positive_fraction, the fraction of configurations with M > 0.
package main

import (
	"context"
	"os"

	"github.com/latdiff/latdiff/internal/pipeline"
	"github.com/latdiff/latdiff/internal/program"
)

func main() {
	program.Main("broken", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (pipeline.Options, error) {
	quick := pipeline.Options{
		Flags:          program.Flags{Out: "out-broken", Seed: 1, Backend: "go", Dims: "32x32", Kappa: 0.5, Lambda: 0.022},
		Configurations: 5120, Model: pipeline.UNet, Objective: "target", Steps: 1000, Batch: 32,
		Samples: 512, ReverseSteps: 80, FlowSteps: 10, Probes: 4, SigmaMax: 20,
	}
	paper := pipeline.PaperOptions(program.Flags{Out: "out-broken", Seed: 1, Backend: "go", Dims: "32x32", Kappa: 0.5, Lambda: 0.022})
	return pipeline.Parse("broken", "Broken trains a diffusion model in the broken phase of φ⁴ theory (figures 4 and 5 of the paper).", args, quick, paper)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	return pipeline.Execute(ctx, o, (*pipeline.Run).AddSigns)
}
