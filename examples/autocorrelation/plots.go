package main

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/internal/figure"
)

// drawn are the algorithms in the plots, with their colours.
var drawn = []struct {
	name  string
	color figure.Color
}{
	{global, figure.Black}, {local, figure.Orange}, {hybrid, figure.Blue}, {cluster, figure.Green}, {diffusive, figure.Vermillion},
}

// plot draws figure 8 twice, side by side: from one chain of the paper's length, and
// from the long chains.
func (a *autocorrelation) plot() error {
	var short, proper []figure.Series
	last := 1.0
	for _, d := range drawn {
		c := a.outcomes[d.name].Series[0]
		if len(c.ShortRho) > 1 {
			s := figure.Series{Name: titles[d.name].name, Color: d.color}
			for t, rho := range c.ShortRho {
				s.X, s.Y = append(s.X, float64(t)), append(s.Y, rho)
			}
			short = append(short, s)
		}
		if s := curve(c); len(s.X) > 0 {
			s.Name, s.Color = titles[d.name].name, d.color
			proper = append(proper, s)
			if c.Reliable {
				last = math.Max(last, s.X[len(s.X)-1])
			}
		}
	}
	if len(short) == 0 || len(proper) == 0 {
		return fmt.Errorf("expected an algorithm whose chains move, got none")
	}
	y := figure.Axis{Label: "C_{|M|}(t)/C_{|M|}(0)", Min: -0.35, Max: 1.1}
	left, err := figure.Lines(short, figure.LinesConfig{
		Options: figure.Options{
			Title: fmt.Sprintf("one chain of %d configurations, t ≤ %d", a.o.Short, a.o.TMax),
			X:     figure.Axis{Label: "t (steps)"}, Y: y,
		},
		References: []figure.Reference{{}},
	})
	if err != nil {
		return err
	}
	cut := figure.Series{
		Name: fmt.Sprintf("t_max = %d", a.o.TMax), Color: figure.Black, Style: figure.Dotted,
		X: []float64{float64(a.o.TMax), float64(a.o.TMax)}, Y: []float64{y.Min, y.Max},
	}
	right, err := figure.Lines(append(proper, cut), figure.LinesConfig{
		Options: figure.Options{
			Title: "long chains, " + a.stages.Title(),
			X:     figure.Axis{Label: "t (steps)", Log: true, Min: 1, Max: math.Max(2*float64(a.o.TMax), 1.5*last)}, Y: y,
		},
		References: []figure.Reference{{}},
	})
	if err != nil {
		return err
	}
	both, err := figure.Panels(2, left, right)
	if err != nil {
		return err
	}
	return a.stages.Folder().Save("autocorrelation.png", both.Save)
}

// curve returns ρ(t) at times that a logarithmic axis can tell apart, up to a little
// beyond the window of the sum.
func curve(c correlation) figure.Series {
	var s figure.Series
	if c.Frozen == 1 {
		return s
	}
	end := min(len(c.Rho)-1, c.Window+c.Window/4+1)
	for x, t := 1.0, 0; ; x *= 1.04 {
		if next := int(x); next > end {
			return s
		} else if next > t {
			t = next
			s.X, s.Y, s.Err = append(s.X, float64(t)), append(s.Y, c.Rho[t]), append(s.Err, c.RhoError[t])
		}
	}
}
