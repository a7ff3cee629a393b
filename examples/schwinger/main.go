// Schwinger runs the exact Markov chain with the proposals of a diffusion model (DM-MC) for the
// Schwinger model with two flavours of Wilson fermions and the exact determinant, β = 2,
// κ = 0.26 on 8×8 by default.
//
//	GOEXPERIMENT=simd go run ./examples/schwinger -out out-schwinger
//
// The model is one of lifted plaquettes with a context of the plaquettes around, see package
// hollow/plaquette. Its known part is the solution of independent plaquettes; the network
// learns what the determinant adds, from the fermion force. The holonomies are summed over a
// shifted grid for every proposal, whose weight is then an estimate without bias: the chain is
// pseudo-marginal and exact, up to the step error of log q (package lattice/schwinger,
// Marginal).
//
// The training data are independent draws of the pure theory at a β moved by the leading effect
// of the determinant, accepted or not with the weight of the difference: a chain that is itself a
// baseline, as is hybrid Monte Carlo with the exact determinant, with and without hops of a
// uniform flux.
//
// It prints the tables and writes results.json, dmmc.npz (links of the chain, key cfgs, shape
// (N, 2, L, L), in radians), model.npz, proposals.npz (lifted plaquettes with logq and the
// action of the pure theory) and history.png, the history of the charge. Interrupted with Ctrl-C it
// keeps model and proposals, and the same command continues.
//
// Several processes share the proposals with -task: train makes the model, if none is given, 3/8
// draws the fourth of eight blocks in the folder task-3-of-8 of -out, and merge/8 joins all of
// them to the proposals of one process, bit by bit, and goes on with everything else.
package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"

	"github.com/latdiff/latdiff/internal/program"
)

// options are the flags of the program.
type options struct {
	program.Flags
	model                 string
	beta, proposalBeta    float64
	configurations, steps int
	samples, trajectories int
	context, hidden, grid int
	task                  program.Task
}

func main() {
	program.Main("schwinger", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (options, error) {
	var o options
	fs := program.NewFlagSet("schwinger", "Schwinger runs the exact chain with a diffusion model for the Schwinger model with two flavours.")
	o.Register(fs, program.Flags{Out: "out-schwinger", Seed: 1, Backend: "go", Dims: "8x8", Kappa: 0.26})
	fs.Lookup("dims").Usage = "even extents of the periodic lattice, the first one that of the time"
	fs.Lookup("kappa").Usage = "hopping parameter κ of the fermions"
	fs.Float64Var(&o.beta, "beta", 2, "inverse coupling β > 0 of the Wilson weight")
	fs.Float64Var(&o.proposalBeta, "proposal-beta", 0, "β of the pure theory of the training data; 0: β + 50κ⁴")
	fs.StringVar(&o.model, "model", "", "pretrained for the shipped model, or a model `file` of the same action and lattice; without: train one")
	fs.IntVar(&o.configurations, "n", 65536, "draws of the pure theory for the training")
	fs.IntVar(&o.steps, "steps", 6000, "steps of the training")
	fs.IntVar(&o.context, "context", 8, "combinations of the plaquettes around that the network sees")
	fs.IntVar(&o.hidden, "hidden", 32, "hidden units of the network")
	fs.IntVar(&o.grid, "grid", 4, "holonomies of a proposal in either direction")
	fs.IntVar(&o.samples, "samples", 4096, "proposals of the chain")
	fs.IntVar(&o.trajectories, "trajectories", 1024, "trajectories of hybrid Monte Carlo, of each of four chains")
	o.task.Register(fs, true)
	if err := program.Parse(fs, args); err != nil {
		return o, err
	}
	if err := cmp.Or(
		program.AtLeast("n", o.configurations, 64),
		program.AtLeast("steps", o.steps, 1),
		program.AtLeast("samples", o.samples, 64),
		program.AtLeast("trajectories", o.trajectories, 64),
		program.AtLeast("context", o.context, 0),
		program.AtLeast("hidden", o.hidden, 1),
		program.AtLeast("grid", o.grid, 1),
	); err != nil {
		return o, err
	}
	if !(o.beta > 0) || !(o.proposalBeta >= 0) {
		return o, fmt.Errorf("expected -beta > 0 and -proposal-beta ≥ 0, got %v and %v", o.beta, o.proposalBeta)
	}
	if o.proposalBeta == 0 {
		o.proposalBeta = o.beta + 50*math.Pow(o.Kappa, 4)
	}
	return o, nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	s, err := newSchwinger(o)
	if err != nil {
		return err
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	if o.task.Part == program.Train || o.task.Part == program.OneShare {
		return nil
	}
	if err := s.plot(); err != nil {
		return err
	}
	if err := s.table.Write(s.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return s.print(os.Stdout)
}
