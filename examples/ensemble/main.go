// Ensemble generates configurations of lattice φ⁴ theory with one of five algorithms,
// all in parallel chains that start hot and cold, so that a lack of thermalisation
// shows.
//
//	go run ./examples/ensemble -alg cluster -dims 32x32 -kappa 0.27 -n 10240 -out out
//
// It writes ensemble.npz, for [lattice.ReadEnsemble] or numpy.load, and results.json,
// and prints the observables with errors. With -export the series that the errors come from,
// M, |M|, M², M⁴, S/V, φ² and φ⁴ after every step of every chain, are written for pyerrors
// (series.json.gz) and ArviZ (series-ALGORITHM.zarr). Interrupted with Ctrl-C it keeps its state,
// and the same command continues to the files that it would have written without the
// interruption.
//
// Several processes share the chains with -task, which needs -thin: -task 3/8 runs the fourth
// of eight shares in the folder task-3-of-8 of -out, and -task merge/8 makes of all of them,
// bit by bit, the files of one process.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/latdiff/latdiff/internal/export"
	"github.com/latdiff/latdiff/internal/program"
)

func main() {
	program.Main("ensemble", func(ctx context.Context) error { return run(ctx, os.Stdout, os.Args[1:]) })
}

// options are the flags of the program.
type options struct {
	program.Flags
	Algorithm      string
	N              int
	Float32        bool
	Chains         int
	Start          string
	Thermalisation int
	Thin           int
	Decorrelation  float64
	Length         float64
	Steps          int
	Integrator     string
	Acceptance     float64
	Jitter         float64
	Memory         float64
	Flip           bool
	Hits           int
	StepSize       float64
	MALA           bool
	Export         bool
	Task           program.Task
}

// applicable lists the flags beside the common ones that an algorithm reads.
var applicable = map[string][]string{
	"hmc":        {"chains", "start", "thermalisation", "thin", "decorrelation", "flip", "length", "jitter", "steps", "integrator", "acceptance"},
	"metropolis": {"chains", "start", "thermalisation", "thin", "decorrelation", "flip", "hits", "acceptance"},
	"cluster":    {"chains", "start", "thermalisation", "thin", "decorrelation", "flip"},
	"langevin":   {"chains", "start", "thermalisation", "thin", "decorrelation", "flip", "steps", "dtau", "mala", "acceptance"},
	"paper":      {"thermalisation"},
}

// common lists the flags that every algorithm reads and that the results depend on.
var common = []string{"alg", "n", "dims", "kappa", "lambda", "seed", "float32"}

// neutral lists the flags that every algorithm reads and that no result depends on.
var neutral = []string{"out", "memory", "export", "task"}

func run(ctx context.Context, out io.Writer, args []string) error {
	o := new(options)
	fs := program.NewFlagSet("ensemble", "Ensemble generates configurations of φ⁴ theory with a choice of algorithms.")
	o.Register(fs, program.Flags{Out: "out", Seed: 1, Dims: "16x16", Kappa: 0.25, Lambda: 0.022})
	fs.StringVar(&o.Algorithm, "alg", "cluster", "hmc, metropolis, cluster (the recommended one), langevin, or paper,\n"+
		"the protocol of arXiv:2309.17082: a short chain per configuration")
	fs.IntVar(&o.N, "n", 1024, "configurations to generate")
	fs.BoolVar(&o.Float32, "float32", false, "store the configurations in single precision")
	fs.IntVar(&o.Chains, "chains", 0, "independent chains; 0 means 16, or -n if that is less")
	fs.StringVar(&o.Start, "start", "mixed", "where the chains start: hot, cold, or mixed, every other one hot")
	fs.IntVar(&o.Thermalisation, "thermalisation", 0, "steps before anything is measured; 0 means 1000 (paper: 100); more are made where\nthe chains are not in equilibrium then")
	fs.Float64Var(&o.Memory, "memory", 8, "memory that the run may take, in GiB")
	fs.IntVar(&o.Thin, "thin", 0, "steps between two configurations of a chain; 0 chooses them by -decorrelation")
	fs.Float64Var(&o.Decorrelation, "decorrelation", 2, "steps between two configurations of a chain, in units of τ_int")
	fs.Float64Var(&o.Length, "length", 1, "hmc: trajectory length in molecular-dynamics time")
	fs.Float64Var(&o.Jitter, "jitter", 0.5, "hmc: relative spread of the trajectory lengths, which avoids resonances; 0 for none")
	fs.IntVar(&o.Steps, "steps", 0, "hmc: integrator steps per trajectory; 0 tunes them to -acceptance in each chain\n"+
		"langevin: updates that make one step of the chain; 0 means 10")
	fs.StringVar(&o.Integrator, "integrator", "omelyan", "hmc: leapfrog, omelyan or omelyan4")
	fs.Float64Var(&o.Acceptance, "acceptance", 0, "acceptance to tune to; 0 means 0.8 (hmc), 0.5 (metropolis), 0.574 (langevin -mala)")
	fs.BoolVar(&o.Flip, "flip", true, "change the sign of the field at random after each step (not for paper), and with hmc\nof single sites too")
	fs.IntVar(&o.Hits, "hits", 2, "metropolis: proposals per site and sweep")
	fs.Float64Var(&o.StepSize, "dtau", 0, "langevin: step size Δτ in lattice units; 0 means 0.01, with -mala one that is tuned")
	fs.BoolVar(&o.MALA, "mala", false, "langevin: accept or reject every update, which makes the algorithm exact")
	fs.BoolVar(&o.Export, "export", false, export.Usage)
	o.Task.Register(fs, false)
	if err := program.Parse(fs, args); err != nil {
		return err
	}
	parameters, err := o.check(fs)
	if err != nil {
		return err
	}
	e, err := newEnsemble(o, parameters)
	if err != nil {
		return err
	}
	return e.run(ctx, out)
}

// check returns the parameters that the results depend on. It returns an error if
// the algorithm is not known, or if a flag was given that it does not read.
func (o *options) check(fs *flag.FlagSet) (map[string]any, error) {
	own, ok := applicable[o.Algorithm]
	if !ok {
		return nil, fmt.Errorf("expected -alg hmc, metropolis, cluster, langevin or paper, got %q", o.Algorithm)
	}
	if o.N < 2 {
		return nil, fmt.Errorf("expected -n of at least 2, got %d", o.N)
	}
	reads := slices.Concat(common, own)
	var foreign []string
	fs.Visit(func(f *flag.Flag) {
		if !slices.Contains(neutral, f.Name) && !slices.Contains(reads, f.Name) {
			foreign = append(foreign, "-"+f.Name)
		}
	})
	if foreign != nil {
		return nil, fmt.Errorf("expected only flags that -alg %s reads, got %s", o.Algorithm, strings.Join(foreign, ", "))
	}
	if o.Acceptance != 0 && o.Algorithm == "langevin" && !o.MALA {
		return nil, fmt.Errorf("expected -acceptance for langevin with -mala only, got %v", o.Acceptance)
	}
	if o.Task.Part != program.Whole && o.Thin == 0 && o.Algorithm != "paper" {
		return nil, fmt.Errorf("expected -thin with -task, since shares cannot measure it together, got 0; a run with a small -n and without -task prints one")
	}
	parameters := make(map[string]any)
	for _, name := range reads {
		parameters[name] = fs.Lookup(name).Value.(flag.Getter).Get()
	}
	return parameters, nil
}
