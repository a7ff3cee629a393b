package program

import (
	"context"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
)

// Task runs f behind a progress bar.
func (r *Run) Task(ctx context.Context, name string, f func(t *progress.Task) error) error {
	t := progress.New(os.Stderr).Start(ctx, name)
	err := f(t)
	t.Done(err)
	return err
}

// Ensemble returns the n configurations in a file of the folder, which produce makes behind
// a progress bar if no earlier run did.
func (r *Run) Ensemble(ctx context.Context, file, title string, layout lattice.Layout, n int, produce func(t *progress.Task) (*lattice.Ensemble, error)) (*lattice.Ensemble, error) {
	if done, err := r.Has(file); err != nil {
		return nil, err
	} else if done {
		return r.ReadEnsemble(file, layout, n)
	}
	var ens *lattice.Ensemble
	err := r.Task(ctx, title, func(t *progress.Task) (err error) {
		if ens, err = produce(t); err != nil {
			return err
		}
		return r.SaveEnsemble(file, ens)
	})
	return ens, err
}

// SaveEnsemble writes an ensemble into a file of the folder.
func (r *Run) SaveEnsemble(file string, ens *lattice.Ensemble) error {
	return r.Save(file, func(path string) error { return lattice.WriteEnsemble(path, ens) })
}

// ReadEnsemble returns the ensemble of n configurations in a file of the folder.
func (r *Run) ReadEnsemble(file string, layout lattice.Layout, n int) (*lattice.Ensemble, error) {
	ens, err := lattice.ReadEnsemble(r.Path(file))
	if err != nil {
		return nil, err
	}
	if err := ens.CheckLayout(layout); err != nil {
		return nil, err
	}
	if ens.Len() != n {
		return nil, fmt.Errorf("expected %d configurations in %s, got %d", n, r.Path(file), ens.Len())
	}
	return ens, nil
}
