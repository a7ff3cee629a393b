// Quickstart walks the whole road of the library on one lattice: an equilibrated φ⁴
// ensemble, a diffusion model trained on it, configurations by the reverse
// stochastic differential equation, their likelihood by the probability flow, and an
// exact Markov chain with the flow as proposal.
//
//	GOEXPERIMENT=simd go run ./examples/quickstart -out out
//
// It is the tutorial, too: road.go has every step, in calls of public packages alone, and
// what surrounds them are flags, files, a table and plots. For a theory of your own, put
// your action in the place of lattice.NewPhi4.
//
// It prints one table and writes plots, ensembles, the model and results.json into
// the output folder. Interrupted with Ctrl-C it keeps what is finished, and the same
// command continues.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/internal/settings"
)

func main() {
	program.Main("quickstart", func(ctx context.Context) error { return run(ctx, os.Args[1:], nil) })
}

func parse(args []string) (settings.Options, error) {
	quick := settings.Options{
		Flags:          program.Flags{Out: "out", Seed: 1, Backend: "go", Dims: "16x16", Kappa: 0.25, Lambda: 0.022},
		Configurations: 5120, Model: settings.Hollow, Objective: "target", Batch: 64,
		Samples: 1024, ReverseSteps: 100, FlowSteps: flow.DefaultSteps, Probes: 4,
	}
	paper := settings.PaperOptions(program.Flags{Out: "out", Seed: 1, Backend: "go", Dims: "32x32", Kappa: 0.21, Lambda: 0.022})
	return settings.Parse("quickstart", "Quickstart trains a diffusion model on a φ⁴ ensemble and drives an exact Markov chain with it.", args, quick, paper, nil)
}

// run checks all input, before anything is written, walks the road, and shows what it
// found. trained, if not nil, is told of every training step.
func run(ctx context.Context, args []string, trained func(diffusion.TrainProgress)) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	q := &quickstart{o: o, trained: trained}
	if q.action, err = o.Phi4(); err != nil {
		return err
	}
	if q.in, err = o.Inputs(q.action); err != nil {
		return err
	}
	if q.backend, err = backend.Open(o.Backend); err != nil {
		return err
	}
	lat := q.action.Layout().Lattice
	parameters := o.Parameters(lat)
	if q.folder, err = program.OpenRun(o.Out, parameters); err != nil {
		return err
	}
	q.table = results.New(parameters)
	q.table.Provenance.Device = q.backend.DeviceDescription(0)
	if err := q.table.Inputs(o.Files()...); err != nil {
		return err
	}
	theory := fmt.Sprintf("%v, κ = %v, λ = %v", lat, o.Kappa, o.Lambda)
	fmt.Printf("φ⁴ on %s: results go to %s\n", theory, o.Out)
	if err := q.walk(ctx); err != nil {
		return err
	}
	if err := report.Plots(q.folder, theory, q.out); err != nil {
		return err
	}
	if err := q.table.Write(q.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return report.Print(os.Stdout, q.table, q.out.Proposals)
}
