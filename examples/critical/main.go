// Critical finds the critical hopping parameter κ_c of φ⁴ theory at a given λ, in any
// dimension: where the Binder cumulants of lattices of different size cross (K. Binder,
// Z. Phys. B 43 (1981) 119).
//
//	go run ./examples/critical -dims 8x8x8,12x12x12,16x16x16 -lambda 0.9 -kappa 0.192 -out out-critical
//
// Every lattice is simulated once, at -kappa, by the recommended cluster kernel in chains from
// hot and cold starts, and reweighted from there, which carries as far as the effective sample
// size that is printed says. A first short run near the classical value (1-2λ)/(2d), or above
// it, tells where the long one belongs. Crossings of larger lattices are closer to κ_c; their
// drift from one pair to the next is the systematic error.
//
// Where the cumulant at the critical point is known, as it is for the universality class and the
// shape of the lattice, -universal takes it, and every lattice alone has a κ with that cumulant,
// known better than a crossing.
//
// It prints one table and writes binder.png and results.json, where every lattice is an ensemble
// with the observables at -kappa, and critical_kappa and critical_ess with -universal, and every pair of neighbouring lattices one with
// crossing_kappa, crossing_binder and crossing_ess. Interrupted with Ctrl-C it keeps what is
// finished, and the same command continues. With -task several processes share the lattices,
// lattice k being of share k mod n, and -task merge/n makes of them the results of one process.
package main

import (
	"context"
	"os"

	"github.com/latdiff/latdiff/internal/program"
)

// options are the flags of the program.
type options struct {
	program.Flags
	steps  int
	window float64
	// universal is the cumulant at the critical point, 0 if it is not known.
	universal float64
	task      program.Task
}

func main() {
	program.Main("critical", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (options, error) {
	var o options
	fs := program.NewFlagSet("critical", "Critical finds κ_c of φ⁴ theory by the crossing of Binder cumulants.")
	o.Register(fs, program.Flags{Out: "out-critical", Seed: 1, Dims: "8x8x8,12x12x12,16x16x16", Kappa: 0.192, Lambda: 0.9})
	fs.Lookup("dims").Usage = "lattices of ascending size, a list such as 8x8x8,12x12x12"
	fs.Lookup("kappa").Usage = "hopping parameter κ of the simulations, near the critical one"
	fs.IntVar(&o.steps, "steps", 65536, "steps of the cluster kernel on every lattice, all 16 chains together")
	fs.Float64Var(&o.window, "window", 0.03, "how far from -kappa to look for a crossing, relative to it")
	fs.Float64Var(&o.universal, "universal", 0, "U_L at the critical point, if it is known: 0.46548 for cubes; 0: crossings only")
	o.task.Register(fs, false)
	return o, program.Parse(fs, args)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	c, err := newCritical(o)
	if err != nil {
		return err
	}
	return c.run(ctx)
}
