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
	checkPart = 128
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
	case o.model == "" && (o.measureKappas[0] < o.trainKappas[0] || o.measureKappas[len(o.measureKappas)-1] > o.trainKappas[len(o.trainKappas)-1]):
		return nil, fmt.Errorf("expected -at within the κ of -train, from %v to %v, got %q", o.trainKappas[0], o.trainKappas[len(o.trainKappas)-1], o.at)
	case o.lambdas != "" && !(len(o.trainLambdas) > 1 && o.Lambda >= o.trainLambdas[0] && o.Lambda <= o.trainLambdas[len(o.trainLambdas)-1]):
		return nil, fmt.Errorf("expected at least two λ with -lambda between them, got -lambdas %q and -lambda %v", o.lambdas, o.Lambda)
	case o.check < 0 || o.check > 0 && o.check < 16:
		return nil, fmt.Errorf("expected no configurations of the comparison or at least 16, got -check %d", o.check)
	case o.n < 16 || o.steps < 1 || o.batch < 1 || o.average < 0 || o.proposals < 16 || o.flowSteps < 0:
		return nil, fmt.Errorf("expected positive sizes, and at least 16 configurations and proposals, got -n %d, -steps %d, -batch %d, -average %d, -proposals %d and -flow-steps %d", o.n, o.steps, o.batch, o.average, o.proposals, o.flowSteps)
	}
	for _, kappa := range append(o.trainKappas, o.measureKappas...) {
		for _, lambda := range append(o.trainLambdas, o.Lambda) {
			if _, err := s.action(kappa, lambda); err != nil {
				return nil, err
			}
		}
	}
	a, err := s.action(o.measureKappas[0], o.Lambda)
	if err != nil {
		return nil, err
	}
	if err := program.CheckSize("n", o.n, a.Layout().Size()); err != nil {
		return nil, err
	}
	return s, program.CheckSize("proposals", o.proposals, a.Layout().Size())
}

func (s *scan) action(kappa, lambda float64) (*lattice.Phi4, error) {
	flags := s.o.Flags
	flags.Kappa, flags.Lambda = kappa, lambda
	return flags.Phi4()
}

func (s *scan) run(ctx context.Context) error {
	parameters := map[string]any{
		"dims": s.o.Dims, "lambda": s.o.Lambda, "seed": s.o.Seed, "at": s.o.measureKappas, "proposals": s.o.proposals, "flow_steps": s.o.flowSteps,
		"model": s.o.model, "check": s.o.check, "backend": s.o.Backend,
	}
	if s.o.model == "" {
		parameters["train"], parameters["n"], parameters["steps"], parameters["batch"] = s.o.trainKappas, s.o.n, s.o.steps, s.o.batch
		parameters["average"], parameters["start"], parameters["lambdas"] = s.o.average, s.o.start, s.o.trainLambdas
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
	lambdas := []float64{s.o.Lambda}
	if s.o.trainLambdas != nil {
		lambdas, cfg.Second = s.o.trainLambdas, "lambda"
	}
	var data []diffusion.Ensembles
	for _, kappa := range s.o.trainKappas {
		for _, lambda := range lambdas {
			a, err := s.action(kappa, lambda)
			if err != nil {
				return err
			}
			name, title := fmt.Sprintf("ensemble-%v.npz", kappa), fmt.Sprintf("κ = %v", kappa)
			if cfg.Second != "" {
				name, title = fmt.Sprintf("ensemble-%v-%v.npz", kappa, lambda), fmt.Sprintf("κ = %v, λ = %v", kappa, lambda)
			}
			ens, err := s.folder.Ensemble(ctx, name, title, a.Layout(), s.o.n, func(t *progress.Task) (*lattice.Ensemble, error) {
				return s.generate(ctx, t, a, s.o.n, dataPart+len(data))
			})
			if err != nil {
				return err
			}
			data = append(data, diffusion.Ensembles{Action: a, Ensemble: ens})
		}
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

// generate returns configurations of a theory by the recommended Markov chain.
func (s *scan) generate(ctx context.Context, t *progress.Task, a lattice.Action, n, part int) (*lattice.Ensemble, error) {
	r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{Action: a, N: n, Seed: s.o.Part(part), Progress: t.Set}, nil)
	if err != nil {
		return nil, err
	}
	return r.Ensemble, nil
}
