package main

import (
	"context"
	"math/rand/v2"
	"os"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/hollow/plaquette"
	"github.com/latdiff/latdiff/hollow/plaquette/pretrained"
	"github.com/latdiff/latdiff/internal/charges"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/lattice/schwinger"
	"github.com/latdiff/latdiff/stats"
)

// Seeds of the parts of a run.
const (
	dataPart = iota
	acceptPart
	liftPart
	modelPart
	proposalPart
	holonomyPart
	chainPart
	hmcPart
)

// schwingerRun is one run of the program.
type schwingerRun struct {
	o        options
	action   *schwinger.Action
	proposal *gauge.Action // of the training data
	lift     *gauge.Lift
	marginal *schwinger.Marginal
	backend  compute.Backend
	folder   *program.Run
	table    *results.File
	display  *progress.Display

	chains  []*fermions
	weights []weighted
}

// weighted are the log-weights of some proposals.
type weighted struct {
	name string
	stats.LogWeights
}

// newSchwinger checks all input before anything is written.
func newSchwinger(o options) (*schwingerRun, error) {
	dims, err := lattice.ParseDims(o.Dims)
	if err != nil {
		return nil, err
	}
	lat, err := lattice.New(dims...)
	if err != nil {
		return nil, err
	}
	s := &schwingerRun{o: o, display: progress.New(os.Stderr)}
	pure, err := gauge.NewWilson(lat, o.beta)
	if err != nil {
		return nil, err
	}
	if s.action, err = schwinger.New(pure, o.Kappa); err != nil {
		return nil, err
	}
	if s.proposal, err = gauge.NewWilson(lat, o.proposalBeta); err != nil {
		return nil, err
	}
	if s.lift, err = gauge.NewLift(pure, 0); err != nil {
		return nil, err
	}
	if s.marginal, err = schwinger.NewMarginal(s.lift, s.action.Dirac(), o.grid); err != nil {
		return nil, err
	}
	if s.backend, err = backend.Open(o.Backend); err != nil {
		return nil, err
	}
	if o.model != "" {
		_, err = s.load(o.model)
	}
	return s, err
}

func (s *schwingerRun) parameters() map[string]any {
	o := s.o
	return map[string]any{
		"dims": o.Dims, "beta": o.beta, "kappa": o.Kappa, "proposal_beta": o.proposalBeta, "seed": o.Seed, "model": o.model, "n": o.configurations,
		"steps": o.steps, "context": o.context, "hidden": o.hidden, "grid": o.grid, "samples": o.samples, "trajectories": o.trajectories,
	}
}

func (s *schwingerRun) run(ctx context.Context) error {
	var err error
	if s.folder, err = s.o.task.OpenWhole(s.o.Out, s.parameters()); err != nil {
		return err
	}
	s.table = results.New(s.parameters())
	s.table.Provenance.Backend, s.table.Provenance.Device = s.o.Backend, s.backend.DeviceDescription(0)
	if s.o.model != "" && s.o.model != "pretrained" {
		if err := s.table.Inputs(s.o.model); err != nil {
			return err
		}
	}
	if s.o.task.Part == program.OneShare {
		return s.share(ctx)
	}
	d, err := s.draw(ctx)
	if err != nil {
		return err
	}
	m, err := s.model(ctx, d)
	if err != nil || s.o.task.Part == program.Train {
		return err
	}
	if err := s.propose(ctx, m); err != nil {
		return err
	}
	return s.classical(ctx, d)
}

const modelFile = "model.npz"

// load returns the shipped model or reads one of the action.
func (s *schwingerRun) load(path string) (*diffusion.Model, error) {
	if path == "pretrained" {
		return pretrained.LoadSchwinger(s.action)
	}
	m, err := diffusion.LoadModel(path)
	if err != nil {
		return nil, err
	}
	if err := m.CheckLayout(s.lift.Layout()); err != nil {
		return nil, err
	}
	return m, s.checkTheory(m)
}

// model returns the model, which the folder keeps.
func (s *schwingerRun) model(ctx context.Context, d *data) (*diffusion.Model, error) {
	if done, err := s.folder.Has(modelFile); err != nil {
		return nil, err
	} else if done {
		return s.load(s.folder.Path(modelFile))
	}
	var m *diffusion.Model
	var err error
	if s.o.model != "" {
		m, err = s.load(s.o.model)
	} else {
		m, err = s.train(ctx, d)
	}
	if err != nil {
		return nil, err
	}
	return m, s.folder.Save(modelFile, m.Save)
}

// train trains a model towards the forces of gauge field and fermions.
func (s *schwingerRun) train(ctx context.Context, d *data) (*diffusion.Model, error) {
	ens, measured, err := s.measure(ctx, d)
	if err != nil {
		return nil, err
	}
	measured.Seed = s.seed(modelPart)
	network, err := plaquette.New(plaquette.Config{Hidden: s.o.hidden, Context: s.o.context})
	if err != nil {
		return nil, err
	}
	m, err := diffusion.NewModel(s.backend, network, measured.ModelConfig)
	if err != nil {
		return nil, err
	}
	_, err = s.display.Timed(ctx, "training", func(set func(done, total int)) error {
		m, err = diffusion.Train(ctx, s.backend, m, ens, diffusion.TrainConfig{
			Targets: measured.Targets, Steps: s.o.steps, Seed: s.seed(modelPart), Checkpoint: s.folder.Path("training.npz"),
			Progress: func(p diffusion.TrainProgress) { set(p.Step, p.Steps) },
		})
		return err
	})
	return m, err
}

// seed returns the seed of a part of the run.
func (s *schwingerRun) seed(part int) uint64 { return s.o.Part(part) }

// generator returns that of element i of a part of the run.
func (s *schwingerRun) generator(part, i int) *rand.Rand {
	return rand.New(rand.NewPCG(s.seed(part), uint64(i)))
}

// add puts the weights of proposals into the table.
func (s *schwingerRun) add(name string, w stats.LogWeights) {
	s.weights = append(s.weights, weighted{name, w})
	s.table.Add(name, "ess", w.ESS)
	s.table.Add(name, "log_z", w.LogZ)
	s.table.Add(name, "predicted_acceptance", w.Acceptance)
	s.table.Add(name, "sd_log_w", charges.Known(w.SD))
}
