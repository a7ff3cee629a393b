package main

import "github.com/latdiff/latdiff/internal/program"

// number is that of sampler i on a lattice among all points.
func (c *cost) number(s *site, i int) int { return s.index*len(c.samplers) + i }

// stageFile is the file of a point.
func stageFile(s *site, a sampler) string { return "stages/" + a.name + "_" + s.name }

// merge takes the points of all shares.
func (c *cost) merge(parameters map[string]any) error {
	shares, err := c.o.task.Collect(c.o.Out, parameters)
	if err != nil {
		return err
	}
	for _, s := range c.sites {
		for i, a := range c.samplers {
			if err := c.folder.Take(shares[c.number(s, i)%len(shares)], stageFile(s, a)); err != nil {
				return err
			}
		}
	}
	return c.table.Merged(program.ResultsPaths(shares)...)
}
