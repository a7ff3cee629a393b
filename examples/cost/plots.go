package main

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/internal/figure"
)

// colors of the samplers; those without a model are dashed where two share one.
var colors = map[string]figure.Color{
	unitHMC: figure.Blue, longHMC: figure.SkyBlue, fourierHMC: figure.Purple, cluster: figure.Green,
	smc: figure.Orange, smcCluster: figure.Orange, smcModel: figure.Vermillion, gaussian: figure.Purple,
	exact: figure.Vermillion, latent: figure.Black, hybrid: figure.Green,
}

// second samplers of a colour.
var second = map[string]bool{smcCluster: true, smcModel: true, gaussian: true, hybrid: true}

// plot draws the cost against the extent, with the fits, and the crossings of DM-MC.
func (c *cost) plot() error {
	var all, lines []figure.Series
	note := ""
	for _, a := range c.samplers {
		s := figure.Series{Name: titles[a.name], Color: colors[a.name], Style: figure.Markers}
		for _, site := range c.sites {
			o := c.outcomes[a.name+"_"+site.name]
			if !(o.Cost.Value > 0) {
				continue
			}
			e := o.Cost.Error
			if !(e < o.Cost.Value) {
				// A bar that reaches zero has no place on a logarithmic axis.
				e = 0
			}
			s.X, s.Y, s.Err = append(s.X, site.extent()), append(s.Y, o.Cost.Value*1e3), append(s.Err, e*1e3)
		}
		if len(s.X) == 0 {
			continue
		}
		all = append(all, s)
		p, ok := c.fits[a.name]
		if !ok {
			continue
		}
		line := figure.Series{Color: s.Color}
		if second[a.name] {
			line.Style = figure.Dashed
		}
		const points = 20
		lo, hi := s.X[0], s.X[len(s.X)-1]
		for i := range points {
			x := lo * math.Pow(hi/lo, float64(i)/(points-1))
			line.X, line.Y = append(line.X, x), append(line.Y, p.At(x).Value*1e3)
		}
		lines = append(lines, line)
		if a.name == longHMC || a.name == cluster {
			if _, ok := c.fits[exact]; ok {
				note += fmt.Sprintf("DM-MC below %s: %s\n", titles[a.name], c.verdict(a.name))
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	f, err := figure.Lines(append(all, lines...), figure.LinesConfig{Options: figure.Options{
		Title: fmt.Sprintf("κ = %v, λ = %v", c.o.Kappa, c.o.Lambda), Note: note,
		X: figure.Axis{Label: "L", Log: true}, Y: figure.Axis{Label: "ms per independent configuration", Log: true},
		Width: 18, Height: 15,
	}})
	if err != nil {
		return err
	}
	return c.folder.Save("cost.png", f.Save)
}
