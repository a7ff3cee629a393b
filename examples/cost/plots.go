package main

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/stats"
)

// colors of the samplers; one of two that share a colour has a dashed fit.
var colors = map[string]figure.Color{
	unitHMC: figure.Blue, longHMC: figure.SkyBlue, fourierHMC: figure.Purple, cluster: figure.Green,
	smc: figure.Orange, smcCluster: figure.Orange, smcModel: figure.Vermillion, gaussian: figure.Purple,
	exact: figure.Vermillion, latent: figure.Black, hybrid: figure.Green, thermo: figure.Blue,
}

// second samplers of a colour.
var second = map[string]bool{smcCluster: true, smcModel: true, gaussian: true, hybrid: true}

// beyond is the part of the largest extent up to which fits are drawn.
const beyond = 2

// plot draws the cost of an independent configuration against the extent, with the fits and
// the crossings of DM-MC, and the error of log Z after a second.
func (c *cost) plot() error {
	var points, lines []figure.Series
	crossings := figure.Series{Name: "as much as DM-MC", Style: figure.Markers, Color: figure.Black}
	note := ""
	for _, a := range c.samplers {
		s := c.curve(a.name, func(o outcome) stats.Estimate {
			return stats.Estimate{Value: 1e3 * o.Cost.Value, Error: 1e3 * o.Cost.Error}
		})
		if len(s.X) == 0 {
			continue
		}
		points = append(points, s)
		p, ok := c.fits[a.name]
		if !ok {
			continue
		}
		line := figure.Series{Color: s.Color}
		if second[a.name] {
			line.Style = figure.Dashed
		}
		const n = 20
		lo, hi := s.X[0], beyond*c.sites[len(c.sites)-1].extent()
		for i := range n {
			x := lo * math.Pow(hi/lo, float64(i)/(n-1))
			line.X, line.Y = append(line.X, x), append(line.Y, 1e3*p.At(x).Value)
		}
		lines = append(lines, line)
		if x, ok := c.crossing(a.name); ok && a.name != latent && a.name != hybrid && x.Value >= lo && x.Value <= hi {
			crossings.X, crossings.Y = append(crossings.X, x.Value), append(crossings.Y, 1e3*p.At(x.Value).Value)
		}
		if _, ok := c.fits[exact]; ok && (a.name == longHMC || a.name == cluster) {
			note += fmt.Sprintf("DM-MC below %s: %s\n", titles[a.name], c.verdict(a.name))
		}
	}
	if len(crossings.X) > 0 {
		points = append(points, crossings)
	}
	if err := c.save("cost.png", "time of an independent configuration", "ms", note, append(points, lines...)); err != nil {
		return err
	}
	points = nil
	for _, a := range c.samplers {
		s := c.curve(a.name, func(o outcome) stats.Estimate {
			if !o.Reliable {
				return unknown
			}
			return stats.Estimate{Value: o.rate(), Error: math.NaN()}
		})
		s.Style = figure.Joined
		if len(s.X) > 0 {
			points = append(points, s)
		}
	}
	return c.save("logz.png", "error of log Z after a second", "error", "", points)
}

// curve returns what a sampler has on the lattices, where it is positive.
func (c *cost) curve(name string, y func(o outcome) stats.Estimate) figure.Series {
	s := figure.Series{Name: titles[name], Color: colors[name], Style: figure.Markers}
	for _, site := range c.sites {
		e := y(c.outcomes[name+"_"+site.name])
		if !(e.Value > 0) {
			continue
		}
		if !(e.Error < e.Value) {
			// A bar that reaches zero has no place on a logarithmic axis.
			e.Error = 0
		}
		s.X, s.Y, s.Err = append(s.X, site.extent()), append(s.Y, e.Value), append(s.Err, e.Error)
	}
	return s
}

// save draws series against L, if there are any.
func (c *cost) save(file, title, label, note string, series []figure.Series) error {
	if len(series) == 0 {
		return nil
	}
	f, err := figure.Lines(series, figure.LinesConfig{Options: figure.Options{
		Title: fmt.Sprintf("%s, κ = %v, λ = %v", title, c.o.Kappa, c.o.Lambda), Note: note,
		X: figure.Axis{Label: "L", Log: true}, Y: figure.Axis{Label: label, Log: true},
		Width: 18, Height: 15,
	}})
	if err != nil {
		return err
	}
	return c.folder.Save(file, f.Save)
}
