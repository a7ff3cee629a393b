package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// Trajectories of the paper's protocol: the end of the burn-in, the one at which the
// published code takes its configuration, and the one of section 4.1.
var protocol = []int{100, 128, 164}

// algorithm is a way to thermalise.
type algorithm struct {
	name, title, step string
	// divide shortens the chains of algorithms that decorrelate in a few steps.
	divide int
	kernel func(t *thermalisation) (mcmc.Kernel, error)
}

// Names of the algorithms, which are ensembles in results.json.
const (
	unit    = "hmc"
	flipped = "hmc_flip"
	long    = "hmc_long"
	cluster = "cluster"
)

func hybrid(cfg hmc.Config) func(t *thermalisation) (mcmc.Kernel, error) {
	return func(t *thermalisation) (mcmc.Kernel, error) {
		if cfg.Steps == 0 {
			c := cfg
			c.Steps = t.o.Steps
			return hmc.New(t.action, c)
		}
		return hmc.New(t.action, cfg)
	}
}

var algorithms = []algorithm{
	{unit, "HMC", "length 1, as in the paper", 1, hybrid(hmc.Config{})},
	{flipped, "HMC, sign flips", "length 1, then φ → −φ or not", 1, hybrid(hmc.Config{Flip: true})},
	{long, "HMC, long", "length 10 ± 50 %", 8, hybrid(hmc.Config{Integrator: hmc.Omelyan, Length: 10, Steps: 20, Jitter: 0.5, Flip: true})},
	{cluster, "cluster", "Metropolis, overrelaxation, Wolff", 8, func(t *thermalisation) (mcmc.Kernel, error) { return mcmc.Recommended(t.action) }},
}

// thermalisation is one run of the program.
type thermalisation struct {
	o      options
	action *lattice.Phi4
	folder *program.Run
	table  *results.File

	// approaches[a][s] is algorithm a from start s, equilibria[a] its stationary chain.
	approaches [][]approach
	equilibria []equilibrated
	relaxation []relaxation
}

// Starts of the chains.
var starts = []struct {
	name  string
	start mcmc.Start
}{{"hot", mcmc.StartHot}, {"cold", mcmc.StartCold}}

// newThermalisation checks all input before anything is written.
func newThermalisation(o options) (*thermalisation, error) {
	action, err := o.Phi4()
	if err != nil {
		return nil, err
	}
	last := protocol[len(protocol)-1]
	switch {
	case o.Preset != "quick" && o.Preset != "paper":
		return nil, fmt.Errorf("expected -preset quick or paper, got %q", o.Preset)
	case o.Chains < groups:
		return nil, fmt.Errorf("expected -chains of at least %d, got %d", groups, o.Chains)
	case o.Trajectories < last:
		return nil, fmt.Errorf("expected -trajectories of at least %d, got %d", last, o.Trajectories)
	case o.Steps < 1:
		return nil, fmt.Errorf("expected -leapfrog of at least 1, got %d", o.Steps)
	case o.task.Shares > len(algorithms)*stages:
		return nil, fmt.Errorf("expected at most as many shares as stages, %d, got -task %v", len(algorithms)*stages, &o.task)
	case o.Equilibrium < 1024:
		return nil, fmt.Errorf("expected -equilibrium of at least 1024, got %d", o.Equilibrium)
	}
	// The magnetisation after every step of all chains.
	if err := program.CheckSize("trajectories", o.Trajectories, o.Chains); err != nil {
		return nil, err
	}
	if err := program.CheckSize("equilibrium", o.Equilibrium, stationary); err != nil {
		return nil, err
	}
	return &thermalisation{o: o, action: action}, nil
}

func (t *thermalisation) parameters() map[string]any {
	return map[string]any{
		"preset": t.o.Preset, "dims": t.action.Layout().Dims(), "kappa": t.o.Kappa, "lambda": t.o.Lambda, "seed": t.o.Seed,
		"chains": t.o.Chains, "trajectories": t.o.Trajectories, "leapfrog": t.o.Steps, "equilibrium": t.o.Equilibrium,
	}
}

func (t *thermalisation) run(ctx context.Context) error {
	var err error
	if t.folder, err = t.o.task.Open(t.o.Out, t.parameters()); err != nil {
		return err
	}
	t.table = results.New(t.parameters())
	fmt.Printf("φ⁴ on %v, κ = %v, λ = %v: results go to %s\n", t.action.Layout().Lattice, t.o.Kappa, t.o.Lambda, t.o.Out)
	switch t.o.task.Part {
	case program.OneShare:
		return t.share(ctx)
	case program.Merge:
		if err := t.merge(); err != nil {
			return err
		}
	}
	for i := range algorithms {
		var both []approach
		for s := range starts {
			a, err := t.approach(ctx, i, s)
			if err != nil {
				return err
			}
			both = append(both, a)
		}
		t.approaches = append(t.approaches, both)
		e, err := t.equilibrium(ctx, i)
		if err != nil {
			return err
		}
		t.equilibria = append(t.equilibria, e)
	}
	if err := t.analyse(); err != nil {
		return err
	}
	if err := t.plot(); err != nil {
		return err
	}
	if err := t.table.Write(t.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return t.print(os.Stdout)
}

// seed returns the seed of one part of the run; those of neighbouring runs do not
// overlap.
func (t *thermalisation) seed(part int) uint64 { return t.o.Seed<<8 + uint64(part) }

// ordered returns the constant field of smallest action, φ² = (2dκ-1+2λ)/(2λ), or 1 if
// that is φ = 0.
func ordered(action *lattice.Phi4) float64 {
	lambda := action.Lambda()
	q := (2*float64(action.Layout().Dim())*action.Kappa() - 1 + 2*lambda) / (2 * lambda)
	if !(q > 0) || math.IsInf(q, 0) {
		return 1
	}
	return math.Sqrt(q)
}

// times returns the steps up to last at which an average is kept: about twelve in each
// octave, and those of the protocol.
func times(last int) []int {
	var out []int
	for x := 1.0; int(x) <= last; x *= 1.06 {
		out = append(out, int(x))
	}
	for _, n := range append([]int{last}, protocol...) {
		if n <= last {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
