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
//
// Several processes share the draws with -task: train makes the model, i/n draws one of n blocks,
// and merge/n does the rest.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/pipeline"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/mcmc/measure"
)

func main() {
	program.Main("broken", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (o settings.Options, task program.Task, err error) {
	quick := settings.Options{
		Flags:          program.Flags{Out: "out-broken", Seed: 1, Backend: "go", Dims: "32x32", Kappa: 0.5, Lambda: 0.022},
		Configurations: 5120, Model: settings.UNet, Objective: "target", Steps: 1000, Batch: 32,
		Samples: 512, ReverseSteps: 80, FlowSteps: flow.DefaultSteps, Probes: 4, SigmaMax: 20,
	}
	paper := settings.PaperOptions(program.Flags{Out: "out-broken", Seed: 1, Backend: "go", Dims: "32x32", Kappa: 0.5, Lambda: 0.022})
	o, err = settings.Parse("broken", "Broken trains a diffusion model in the broken phase of φ⁴ theory (figures 4 and 5 of the paper).", args, quick, paper,
		func(fs *flag.FlagSet, _ string) { task.Register(fs, true) })
	return o, task, err
}

func run(ctx context.Context, args []string) error {
	o, task, err := parse(args)
	if err != nil {
		return err
	}
	return pipeline.Execute(ctx, o, task, addSigns)
}

// addSigns adds the fraction of configurations with positive magnetisation to the table.
func addSigns(r *pipeline.Run, out *report.Outcome) error {
	for _, e := range []struct {
		ensemble string
		series   measure.Series
	}{
		{"hmc", out.Testing}, {"dm", out.Generated}, {"dm_ode", measure.FromEnsemble(r.Action(), out.Proposals)}, {"dmmc", out.Chain},
	} {
		if err := r.Results().Of(e.ensemble).Add(measure.Signs(e.series)); err != nil {
			return err
		}
		fraction, _ := r.Results().Get(e.ensemble, measure.PositiveFraction)
		fmt.Printf("%s: fraction with M > 0 %v\n", e.ensemble, fraction)
	}
	return nil
}
