// Scan computes observables and log Z of φ⁴ theory over a range of the hopping parameter κ from
// one model, and trains it.
//
//	go run ./examples/scan -dims 16x16 -train 0.20,0.21,0.22,0.23,0.24,0.25,0.26,0.27,0.28,0.29,0.30 -out out-scan
//
// The network has κ as a condition, and the spectra of the Gaussian part are interpolated between
// the ensembles of -train, see Family in package diffusion. At every κ of -at the flow proposes
// configurations with their log q, and everything is reweighted exactly: the table has the
// effective sample size and acceptance, ⟨|M|⟩, V⟨M²⟩, U_L and log Z, and the rise of log Z since the
// coupling before beside the integral of its derivative 2⟨Σφφ′⟩, the sum being over all pairs of
// neighbours. With -check every coupling gets configurations of a Markov chain too, whose log q tells
// whether the flow reaches all of the theory: ESS_p is the effective sample size as they see it.
//
// With -lambdas the family is one in both couplings, trained at all pairs of κ and λ, and the scan
// goes along κ at -lambda.
//
// It writes family.npz, the model, scan.png and results.json, where every κ is an ensemble. With
// -model FILE a family is read and not trained. Interrupted with Ctrl-C it keeps what is
// finished, and the same command continues.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/latdiff/latdiff/internal/program"
)

// options are the flags of the program.
type options struct {
	program.Flags
	train, at, lambdas         string
	n, steps, average, batch   int
	proposals, check           int
	flowSteps                  int
	model, start               string
	trainKappas, measureKappas []float64
	trainLambdas               []float64 // nil: a family in κ alone
}

func main() {
	program.Main("scan", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (options, error) {
	var o options
	fs := program.NewFlagSet("scan", "Scan computes observables and log Z over a range of κ from one model.")
	o.Register(fs, program.Flags{Out: "out-scan", Seed: 1, Backend: "go", Dims: "8x8", Lambda: 0.022})
	fs.StringVar(&o.train, "train", "0.20,0.22,0.24,0.26", "hopping parameters κ of the training")
	fs.StringVar(&o.lambdas, "lambdas", "", "couplings λ of the training, each with all κ, for a family in both (default: -lambda alone)")
	fs.StringVar(&o.at, "at", "", "hopping parameters κ of the scan, rising (default: those of the training)")
	fs.IntVar(&o.n, "n", 4096, "training configurations at each κ")
	fs.IntVar(&o.steps, "steps", 2000, "training steps, shared by all κ")
	fs.IntVar(&o.batch, "batch", 64, "configurations of a step")
	fs.IntVar(&o.average, "average", 0, "trajectories over which the targets of the training are averaged")
	fs.IntVar(&o.proposals, "proposals", 1024, "proposals at each κ")
	fs.IntVar(&o.check, "check", 0, "configurations of a Markov chain at each κ for the comparison of both sides; 0: none")
	fs.IntVar(&o.flowSteps, "flow-steps", 0, "steps of the flow (default: those of package flow)")
	fs.StringVar(&o.model, "model", "", "read the family from this `file` in the place of training")
	fs.StringVar(&o.start, "start", "", "begin the training with the weights of the family in this `file`, of any lattice")
	if err := program.Parse(fs, args); err != nil {
		return o, err
	}
	var err error
	if o.trainKappas, err = numbers("train", o.train); err != nil {
		return o, err
	}
	if o.lambdas != "" {
		if o.trainLambdas, err = numbers("lambdas", o.lambdas); err != nil {
			return o, err
		}
	}
	o.measureKappas = o.trainKappas
	if o.at != "" {
		o.measureKappas, err = numbers("at", o.at)
	}
	return o, err
}

// numbers returns a list of rising numbers.
func numbers(name, list string) ([]float64, error) {
	var out []float64
	for text := range strings.SplitSeq(list, ",") {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("expected a list of numbers as -%s, got %q", name, list)
		}
		out = append(out, x)
	}
	if !slices.IsSorted(out) || len(slices.Compact(slices.Clone(out))) != len(out) {
		return nil, fmt.Errorf("expected rising numbers as -%s, got %q", name, list)
	}
	return out, nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	s, err := newScan(o)
	if err != nil {
		return err
	}
	return s.run(ctx)
}
