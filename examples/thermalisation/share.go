package main

import (
	"context"

	"github.com/latdiff/latdiff/internal/program"
)

// stages is the number of stages of an algorithm: its starts, and equilibrium.
var stages = len(starts) + 1

// stageName returns the name of stage s of algorithm i.
func stageName(i, s int) string {
	if s == len(starts) {
		return algorithms[i].name + "_equilibrium"
	}
	return algorithms[i].name + "_" + starts[s].name
}

func stageFile(name string) string { return "stages/" + name }

// share runs the stages of one share.
func (t *thermalisation) share(ctx context.Context) error {
	for k := range len(algorithms) * stages {
		if !t.o.task.Has(k) {
			continue
		}
		i, s := k/stages, k%stages
		err := t.folder.Save(stageFile(stageName(i, s)), func(string) (err error) {
			if s == len(starts) {
				_, err = t.equilibrium(ctx, i)
			} else {
				_, err = t.approach(ctx, i, s)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return t.folder.Save(program.ResultsFile, t.table.Write)
}

// merge takes the stages of all shares.
func (t *thermalisation) merge() error {
	shares, err := t.o.task.Collect(t.o.Out, t.parameters())
	if err != nil {
		return err
	}
	for k := range len(algorithms) * stages {
		if err := t.folder.Take(shares[k%len(shares)], stageFile(stageName(k/stages, k%stages))); err != nil {
			return err
		}
	}
	return t.table.Merged(program.ResultsPaths(shares)...)
}
