package main

import (
	"context"

	"github.com/latdiff/latdiff/internal/program"
)

// stageFile is the file of an algorithm.
func stageFile(name string) string { return "stages/" + name }

// open opens the folder of the run, and that of the chains, which takes those of all shares
// where it merges them.
func (a *autocorrelation) open() error {
	if err := a.stages.Open(a.parameters()); err != nil {
		return err
	}
	table := a.stages.Results()
	a.folder = a.stages.Folder()
	switch a.o.task.Part {
	case program.OneShare:
		var err error
		a.folder, err = a.o.task.Open(a.o.Out, table.Parameters)
		return err
	case program.Whole:
		return nil
	}
	shares, err := a.o.task.Collect(a.o.Out, table.Parameters)
	if err != nil {
		return err
	}
	for i, c := range classicals {
		if err := a.folder.Take(shares[i%len(shares)], stageFile(c.name)); err != nil {
			return err
		}
	}
	return table.Merged(program.ResultsPaths(shares)...)
}

// share runs the algorithms of one share, which have no model.
func (a *autocorrelation) share(ctx context.Context) error {
	for i := range classicals {
		if !a.o.task.Has(i) {
			continue
		}
		err := a.folder.Save(stageFile(classicals[i].name), func(string) error { return a.classical(ctx, &classicals[i], firstSeed+i) })
		if err != nil {
			return err
		}
	}
	return a.folder.Save(program.ResultsFile, a.stages.Results().Write)
}
