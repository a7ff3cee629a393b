package pipeline

import (
	"context"
	"fmt"
	"maps"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/lattice"
)

// Parts of the run with random numbers of their own, see [program.Flags.Part].
const (
	seedReference = iota
	seedEnsemble
	seedHMC
	seedModel
	seedReverse
	seedFlow
	seedGaussian
	seedChain
	seedStrip
	// seedFurther is the part of the first further draw, clear of those of programs.
	seedFurther = 128
)

// Run is one run of a program.
type Run struct {
	o       settings.Options
	in      settings.Inputs
	action  *lattice.Phi4
	lat     *lattice.Lattice
	backend compute.Backend
	folder  *program.Run
	table   *results.File

	// Share is the part of the run that the process has, all of it by default.
	Share program.Task

	// Joined, if not nil, returns the n configurations that shares have drawn into a file, with S
	// and log q where they were to have them.
	Joined func(file string, n int) (*lattice.Ensemble, error)

	// Trained, if not nil, is told of every training step.
	Trained func(diffusion.TrainProgress)

	// Evaluate, if not nil, is given the model of the averaged weights every
	// EvaluateEvery training steps and at the end.
	Evaluate      func(step int, m *diffusion.Model) error
	EvaluateEvery int
}

// New checks all input, before anything is written.
func New(o settings.Options) (*Run, error) {
	action, err := o.Phi4()
	if err != nil {
		return nil, err
	}
	r := &Run{o: o, action: action, lat: action.Layout().Lattice}
	if r.in, err = o.Inputs(action); err != nil {
		return nil, err
	}
	r.backend, err = backend.Open(o.Backend)
	return r, err
}

// Open creates the output folder, or opens it to continue. The parameters of a program
// with flags of its own are added to those of the options.
func (r *Run) Open(more ...map[string]any) error {
	parameters := r.o.Parameters(r.lat)
	for _, m := range more {
		maps.Copy(parameters, m)
	}
	var err error
	if r.folder, err = r.Share.OpenWhole(r.o.Out, parameters); err != nil {
		return err
	}
	r.table = results.New(parameters)
	r.table.Provenance.Device = r.backend.DeviceDescription(0)
	if err := r.table.Inputs(r.o.Files()...); err != nil {
		return err
	}
	fmt.Printf("φ⁴ on %v, κ = %v, λ = %v: results go to %s\n", r.lat, r.o.Kappa, r.o.Lambda, r.o.Out)
	return nil
}

// Action returns the action of the run, Backend its backend.
func (r *Run) Action() *lattice.Phi4    { return r.action }
func (r *Run) Backend() compute.Backend { return r.backend }

// Folder returns the output folder and Results the table, after Open. What is added to the
// table is written by Execute, or by the program.
func (r *Run) Folder() *program.Run   { return r.folder }
func (r *Run) Results() *results.File { return r.table }

// Task runs f behind a progress bar.
func (r *Run) Task(ctx context.Context, name string, f func(t *progress.Task) error) error {
	return r.folder.Task(ctx, name, f)
}

// Title describes the theory for plots.
func (r *Run) Title() string {
	return fmt.Sprintf("%v, κ = %v, λ = %v", r.lat, r.o.Kappa, r.o.Lambda)
}

// Ensemble returns the n configurations in a file of the folder, which produce makes behind
// a progress bar if no earlier run did.
func (r *Run) Ensemble(ctx context.Context, file, title string, n int, produce func(t *progress.Task) (*lattice.Ensemble, error)) (*lattice.Ensemble, error) {
	return r.folder.Ensemble(ctx, file, title, r.action.Layout(), n, produce)
}
