package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
)

// chains is the number of independent chains of everything that is measured; the
// numbers depend on it, so it does not follow the number of cores.
const chains = 16

// Seeds of the independent parts of the run, added to the seed of the user. A toy
// potential takes toySeeds of them, counted from seedToy, and a theory on the lattice one
// for each of its time steps.
const (
	seedReference = 0
	seedMALA      = 1
	seedToy       = 2
	toySeeds      = 4
	maxToys       = 8
	seedLattice   = seedToy + toySeeds*maxToys
	maxSteps      = 64
)

// langevin is one run of the program.
type langevin struct {
	o        options
	toys     []*toy
	theories []*theory
	dtau     []float64

	folder *program.Run
	table  *results.File
	// stages is the number of stages that have been passed.
	stages int
}

// newLangevin checks all input before anything is written.
func newLangevin(o options) (*langevin, error) {
	action, err := o.Phi4()
	if err != nil {
		return nil, err
	}
	l := &langevin{o: o}
	if o.Processes < chains {
		return nil, fmt.Errorf("expected -processes of at least %d, got %d", chains, o.Processes)
	}
	for name, x := range map[string]float64{"toy-dtau": o.ToyStep, "prior": o.Prior, "time": o.Time} {
		if !(x > 0) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("expected a positive finite -%s, got %v", name, x)
		}
	}
	if l.dtau, err = parseList("dtau", o.Steps, maxSteps); err != nil {
		return nil, err
	}
	slices.Sort(l.dtau)
	if len(l.dtau) < 3 || l.dtau[0] <= 0 {
		return nil, fmt.Errorf("expected at least 3 positive time steps in -dtau, got %q", o.Steps)
	}
	if need := 1000 * max(l.dtau[len(l.dtau)-1], interval); o.Time < need {
		return nil, fmt.Errorf("expected -time of at least %v, got %v", need, o.Time)
	}
	if err := l.checkSize(); err != nil {
		return nil, err
	}
	mu2, err := parseList("mu2", o.Mu2, maxToys)
	if err != nil {
		return nil, err
	}
	for i, m := range mu2 {
		t, err := newToy(m, o)
		if err != nil {
			return nil, err
		}
		t.seed = l.seed(seedToy + toySeeds*i)
		l.toys = append(l.toys, t)
	}
	free, err := freeField(action)
	if err != nil {
		return nil, err
	}
	l.theories = []*theory{newTheory(action, "langevin", false), newTheory(free, "langevin_free", true)}
	if n := toyStages*len(l.toys) + exactStages + len(l.theories)*len(l.dtau); o.task.Shares > n {
		return nil, fmt.Errorf("expected at most as many shares as stages, %d, got -task %v", n, &o.task)
	}
	return l, l.checkSteps()
}

// parseList parses the distinct finite numbers of a flag, separated by commas.
func parseList(name, s string, most int) ([]float64, error) {
	var list []float64
	for _, word := range strings.Split(s, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || slices.Contains(list, x) {
			return nil, fmt.Errorf("expected distinct finite numbers in -%s, separated by commas, got %q", name, s)
		}
		list = append(list, x)
	}
	if len(list) > most {
		return nil, fmt.Errorf("expected at most %d numbers in -%s, got %d", most, name, len(list))
	}
	return list, nil
}

// freeField returns the free field on the lattice of action with its κ, or where that
// does not exist with 0.8 of the critical one.
func freeField(action *lattice.Phi4) (*lattice.Phi4, error) {
	critical := 1 / (2 * float64(action.Layout().Dim()))
	kappa := action.Kappa()
	if math.Abs(kappa) >= critical {
		kappa = math.Copysign(0.8*critical, kappa)
	}
	return lattice.NewFreeField(action.Layout().Lattice, kappa)
}

// seed returns the seed of one part of the run. Parts are spaced such that the seeds
// of neighbouring runs do not overlap.
func (l *langevin) seed(part int) uint64 { return l.o.Seed<<8 + uint64(part) }

func (l *langevin) parameters() map[string]any {
	return map[string]any{
		"dims": l.lattice().Dims(), "kappa": l.o.Kappa, "lambda": l.o.Lambda, "seed": l.o.Seed,
		"mu2": l.o.Mu2, "g": l.o.G, "toy_dtau": l.o.ToyStep, "prior": l.o.Prior, "processes": l.o.Processes,
		"dtau": l.dtau, "time": l.o.Time,
	}
}

func (l *langevin) lattice() *lattice.Lattice { return l.theories[0].action.Layout().Lattice }

func (l *langevin) run(ctx context.Context) error {
	var err error
	if l.folder, err = l.o.task.Open(l.o.Out, l.parameters()); err != nil {
		return err
	}
	l.table = results.New(l.parameters())
	if l.o.task.Part == program.Merge {
		if err := l.merge(); err != nil {
			return err
		}
	}
	fmt.Printf("stochastic quantization, dφ = K dτ + √2 dW: results go to %s\n", l.o.Out)
	for _, t := range l.toys {
		if err := l.toy(ctx, t); err != nil {
			return err
		}
	}
	if err := l.exact(ctx); err != nil {
		return err
	}
	for i, t := range l.theories {
		if err := l.theory(ctx, t, seedLattice+i*maxSteps); err != nil {
			return err
		}
	}
	if l.o.task.Part == program.OneShare {
		return l.folder.Save(program.ResultsFile, l.table.Write)
	}
	if err := l.plotBias(); err != nil {
		return err
	}
	if err := l.table.Write(l.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return l.print(os.Stdout)
}
