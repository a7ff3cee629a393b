package main

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/internal/program"
)

// modelFile is the file of a model of a potential.
func modelFile(p *potential, name string) string { return name + "_" + p.name + ".npz" }

// share trains the networks of one share.
func (t *toy) share(ctx context.Context) error {
	for i, p := range t.potentials {
		for j := range t.models {
			if !t.o.task.Has(i*len(t.models) + j) {
				continue
			}
			if p.data == nil {
				t.draw(p)
			}
			measured, err := p.measure()
			if err != nil {
				return fmt.Errorf("%s: %w", p.title, err)
			}
			if _, err := t.learn(ctx, p, measured, j); err != nil {
				return fmt.Errorf("%s: %w", p.title, err)
			}
		}
	}
	return t.folder.Save(program.ResultsFile, t.table.Write)
}

// merge takes the networks of all shares.
func (t *toy) merge() error {
	shares, err := t.o.task.Collect(t.o.Out, t.parameters())
	if err != nil {
		return err
	}
	for i, p := range t.potentials {
		for j, name := range t.models {
			if err := t.folder.Take(shares[(i*len(t.models)+j)%len(shares)], modelFile(p, name)); err != nil {
				return err
			}
		}
	}
	return t.table.Merged(program.ResultsPaths(shares)...)
}
