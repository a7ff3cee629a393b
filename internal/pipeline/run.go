package pipeline

import (
	"context"
	"fmt"
	"maps"
	"os"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/internal/measure"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
)

// Files in the output folder.
const (
	EnsembleFile  = "ensemble.npz"  // training ensemble
	HMCFile       = "hmc.npz"       // thinned HMC configurations
	TrainFile     = "train.npz"     // state of a training run
	ModelFile     = "model.npz"     // the trained model
	ReverseFile   = "dm.npz"        // reverse SDE, with log q
	ProposalsFile = "proposals.npz" // probability flow, with log q
	ResultsFile   = "results.json"
)

// Seeds of the independent parts of the run, added to the seed of the user.
const (
	seedReference = iota
	seedEnsemble
	seedHMC
	seedModel
	seedReverse
	seedFlow
	seedGaussian
	seedChain
)

// Run is one run of a program.
type Run struct {
	o       Options
	action  *lattice.Phi4
	lat     *lattice.Lattice
	backend compute.Backend
	display *progress.Display

	// Inputs of the user, nil if the run makes its own.
	given      *lattice.Ensemble
	givenModel *diffusion.Model
	start      *diffusion.Model // where the training begins

	folder *program.Run
	table  *results.File
	curves []figure.Correlation // C(t) of |M|
	series map[string]measure.Series
	drawn  *lattice.Ensemble // proposals of the flow

	// Trained, if not nil, is told of every training step.
	Trained func(diffusion.TrainProgress)

	// Evaluate, if not nil, is given the model of the averaged weights every
	// EvaluateEvery training steps and at the end.
	Evaluate      func(step int, m *diffusion.Model) error
	EvaluateEvery int
}

// New checks all input, before anything is written.
func New(o Options) (*Run, error) {
	action, err := o.Phi4()
	if err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	r := &Run{o: o, action: action, lat: action.Layout().Lattice, display: progress.New(os.Stderr), series: map[string]measure.Series{}}
	if o.Ensemble != "" {
		if r.given, err = lattice.ReadEnsemble(o.Ensemble); err != nil {
			return nil, err
		}
		if err := r.given.CheckAction(action); err != nil {
			return nil, fmt.Errorf("%s: %w", o.Ensemble, err)
		}
	}
	if r.givenModel, err = o.givenModel(action); err != nil {
		return nil, err
	}
	if o.Start != "" {
		if r.start, err = diffusion.LoadModel(o.Start); err != nil {
			return nil, err
		}
		if _, ok := r.start.Network().(*hollow.Network); !ok || r.start.Layout().Dim() != r.lat.Dim() {
			return nil, fmt.Errorf("expected a hollow model in %d dimensions to start from, got %s on %v", r.lat.Dim(), r.start.Network().Kind(), r.start.Layout())
		}
	}
	if r.backend, err = backend.Open(o.Backend); err != nil {
		return nil, err
	}
	return r, nil
}

// Execute checks the options, goes through all stages and then through the further
// ones of a program, writes results.json and prints the table.
func Execute(ctx context.Context, o Options, further ...func(r *Run) error) error {
	r, err := New(o)
	if err != nil {
		return err
	}
	if err := r.Walk(ctx); err != nil {
		return err
	}
	for _, f := range further {
		if err := f(r); err != nil {
			return err
		}
	}
	if err := r.table.Write(r.folder.Path(ResultsFile)); err != nil {
		return err
	}
	return r.print(os.Stdout)
}

// Open creates the output folder, or opens it to continue. The parameters of a program
// with flags of its own are added to those of the options.
func (r *Run) Open(more ...map[string]any) error {
	parameters := map[string]any{
		"preset": r.o.Preset, "dims": r.lat.Dims(), "kappa": r.o.Kappa, "lambda": r.o.Lambda, "seed": r.o.Seed, "backend": r.o.Backend,
		"n": r.o.Configurations, "objective": r.o.Objective, "steps": r.o.Steps, "batch": r.o.Batch, "lr": r.o.LearningRate, "samples": r.o.Samples,
		"reverse_steps": r.o.ReverseSteps, "flow_steps": r.o.FlowSteps, "probes": r.o.Probes,
		"sigma_max": r.o.SigmaMax, "ensemble": r.o.Ensemble, "model": r.o.Model, "start": r.o.Start,
	}
	for _, m := range more {
		maps.Copy(parameters, m)
	}
	var err error
	if r.folder, err = program.OpenRun(r.o.Out, parameters); err != nil {
		return err
	}
	r.table = results.New(parameters)
	fmt.Printf("φ⁴ on %v, κ = %v, λ = %v: results go to %s\n", r.lat, r.o.Kappa, r.o.Lambda, r.o.Out)
	return nil
}

// Walk goes through all stages, from the open folder to the plots.
func (r *Run) Walk(ctx context.Context) error {
	if err := r.Open(); err != nil {
		return err
	}
	if err := r.Reference(ctx); err != nil {
		return err
	}
	if err := r.HybridMonteCarlo(ctx); err != nil {
		return err
	}
	ens, err := r.TrainingEnsemble(ctx)
	if err != nil {
		return err
	}
	m, err := r.Train(ctx, ens)
	if err != nil {
		return err
	}
	gaussian, err := r.Gaussian(ctx, ens)
	if err != nil {
		return err
	}
	reverse, err := r.Reverse(ctx, m)
	if err != nil {
		return err
	}
	proposals, err := r.Proposals(ctx, m)
	if err != nil {
		return err
	}
	r.drawn = proposals
	if err := r.Compare(gaussian, reverse, proposals); err != nil {
		return err
	}
	return r.Plots(gaussian, reverse, proposals)
}

// seed returns the seed of one part of the run. Parts are spaced such that the seeds
// of neighbouring runs do not overlap.
func (r *Run) seed(part int) uint64 { return r.o.Seed<<8 + uint64(part) }

// Title describes the theory for plots.
func (r *Run) Title() string {
	return fmt.Sprintf("%v, κ = %v, λ = %v", r.lat, r.o.Kappa, r.o.Lambda)
}

// Task runs f behind a progress bar.
func (r *Run) Task(ctx context.Context, name string, f func(t *progress.Task) error) error {
	t := r.display.Start(ctx, name)
	err := f(t)
	t.Done(err)
	return err
}

// Read returns an ensemble of n configurations that an earlier run left.
func (r *Run) Read(name string, n int) (*lattice.Ensemble, error) {
	ens, err := lattice.ReadEnsemble(r.folder.Path(name))
	if err != nil {
		return nil, err
	}
	if err := ens.CheckLayout(lattice.Scalar(r.lat)); err != nil {
		return nil, err
	}
	if ens.Len() != n {
		return nil, fmt.Errorf("expected %d configurations in %s, got %d", n, r.folder.Path(name), ens.Len())
	}
	return ens, nil
}
