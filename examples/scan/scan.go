package main

import (
	"context"
	"fmt"
	"os"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// familyFile holds the model in the folder of a run.
const familyFile = "family.npz"

// Parts of the run with seeds of their own; those of the couplings follow.
const (
	trainPart = iota
	proposalPart
	dataPart
)

// scan is one run of the program.
type scan struct {
	o       options
	folder  *program.Run
	backend compute.Backend
	family  *diffusion.Family
	flow    *flow.ProbabilityFlow // of the latest coupling
	points  []point
	table   *results.File
}

// newScan checks all input before anything is written.
func newScan(o options) (*scan, error) {
	s := &scan{o: o}
	switch {
	case o.model == "" && len(o.trainKappas) < 2:
		return nil, fmt.Errorf("expected at least two κ to train at, got -train %q", o.train)
	case o.n < 16 || o.steps < 1 || o.batch < 1 || o.average < 0 || o.proposals < 16 || o.flowSteps < 0:
		return nil, fmt.Errorf("expected positive sizes, and at least 16 configurations and proposals, got -n %d, -steps %d, -batch %d, -average %d, -proposals %d and -flow-steps %d", o.n, o.steps, o.batch, o.average, o.proposals, o.flowSteps)
	}
	for _, kappa := range append(o.trainKappas, o.measureKappas...) {
		if _, err := s.action(kappa); err != nil {
			return nil, err
		}
	}
	a, err := s.action(o.measureKappas[0])
	if err != nil {
		return nil, err
	}
	if err := program.CheckSize("n", o.n, a.Layout().Size()); err != nil {
		return nil, err
	}
	return s, program.CheckSize("proposals", o.proposals, a.Layout().Size())
}

func (s *scan) action(kappa float64) (*lattice.Phi4, error) {
	flags := s.o.Flags
	flags.Kappa = kappa
	return flags.Phi4()
}

func (s *scan) run(ctx context.Context) error {
	parameters := map[string]any{
		"dims": s.o.Dims, "lambda": s.o.Lambda, "seed": s.o.Seed, "at": s.o.measureKappas, "proposals": s.o.proposals, "flow_steps": s.o.flowSteps,
		"model": s.o.model, "backend": s.o.Backend,
	}
	if s.o.model == "" {
		parameters["train"], parameters["n"], parameters["steps"], parameters["batch"] = s.o.trainKappas, s.o.n, s.o.steps, s.o.batch
		parameters["average"], parameters["start"] = s.o.average, s.o.start
	}
	var err error
	if s.folder, err = program.OpenRun(s.o.Out, parameters); err != nil {
		return err
	}
	if s.backend, err = backend.Open(s.o.Backend); err != nil {
		return err
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	s.table = results.New(parameters)
	for i, kappa := range s.o.measureKappas {
		if err := s.measure(ctx, i, kappa); err != nil {
			return err
		}
	}
	if err := s.plot(); err != nil {
		return err
	}
	if err := s.table.Write(s.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return s.print(os.Stdout)
}

// open reads or trains the model.
func (s *scan) open(ctx context.Context) (err error) {
	if s.o.model != "" {
		s.family, err = diffusion.LoadFamily(s.o.model)
		return err
	}
	done, err := s.folder.Has(familyFile)
	if err != nil {
		return err
	}
	if !done {
		return s.train(ctx)
	}
	s.family, err = diffusion.LoadFamily(s.folder.Path(familyFile))
	return err
}

// train makes the ensembles and trains the model.
func (s *scan) train(ctx context.Context) error {
	cfg := diffusion.FamilyConfig{Coupling: "kappa", Network: hollow.Default(), Seed: s.o.Part(trainPart)}
	if s.o.start != "" {
		start, err := diffusion.LoadFamily(s.o.start)
		if err != nil {
			return err
		}
		cfg.Start = start
	}
	var data []diffusion.Ensembles
	for i, kappa := range s.o.trainKappas {
		a, err := s.action(kappa)
		if err != nil {
			return err
		}
		ens, err := s.folder.Ensemble(ctx, fmt.Sprintf("ensemble-%v.npz", kappa), fmt.Sprintf("κ = %v", kappa), a.Layout(), s.o.n, func(t *progress.Task) (*lattice.Ensemble, error) {
			r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{Action: a, N: s.o.n, Seed: s.o.Part(dataPart + i), Progress: t.Set}, nil)
			if err != nil {
				return nil, err
			}
			return r.Ensemble, nil
		})
		if err != nil {
			return err
		}
		data = append(data, diffusion.Ensembles{Action: a, Ensemble: ens})
	}
	return s.folder.Task(ctx, "training", func(t *progress.Task) error {
		cfg.Train = diffusion.TrainConfig{
			Steps: s.o.steps, Batch: s.o.batch, Average: s.o.average, Checkpoint: s.folder.Path(program.TrainFile),
			Progress: func(p diffusion.TrainProgress) {
				t.Set(p.Step, p.Steps)
				t.Note("loss %.4f", p.SmoothedLoss)
			},
		}
		var err error
		if s.family, err = diffusion.FitFamily(ctx, s.backend, data, cfg); err != nil {
			return err
		}
		return s.folder.Save(familyFile, s.family.Save)
	})
}
