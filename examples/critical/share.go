package main

import (
	"context"

	"github.com/latdiff/latdiff/internal/program"
)

// stage returns the file of a lattice.
func (c *critical) stage(i int) string { return "stages/" + c.name(i) }

// share simulates the lattices of one share.
func (c *critical) share(ctx context.Context) error {
	for i, a := range c.actions {
		if !c.o.task.Has(i) {
			continue
		}
		if err := c.folder.Save(c.stage(i), func(string) error { return c.simulate(ctx, i, a) }); err != nil {
			return err
		}
	}
	return c.folder.Save(program.ResultsFile, c.table.Write)
}

// merge takes the lattices of all shares.
func (c *critical) merge(parameters map[string]any) error {
	shares, err := c.o.task.Collect(c.o.Out, parameters)
	if err != nil {
		return err
	}
	for i := range c.actions {
		if err := c.folder.Take(shares[i%len(shares)], c.stage(i)); err != nil {
			return err
		}
	}
	return c.table.Merged(program.ResultsPaths(shares)...)
}
