package main

import (
	"fmt"

	"github.com/latdiff/latdiff/internal/figure"
)

// historyLength is the number of steps of the histories that are drawn.
const historyLength = 1000

// plot draws the distribution of the charge and its histories.
func (g *gaugeRun) plot() error {
	title := fmt.Sprintf("U(1), %v, β = %v", g.action.Layout().Lattice, g.o.beta)
	var exact, drawn figure.Series
	p := g.exact.Charges()
	for q := 1 - len(g.chi2.charges); q < len(g.chi2.charges); q++ {
		k := max(q, -q)
		exact.X, exact.Y = append(exact.X, float64(q)), append(exact.Y, p[k])
		drawn.X, drawn.Y, drawn.Err = append(drawn.X, float64(q)), append(drawn.Y, g.chi2.frequency[k]), append(drawn.Err, g.chi2.err[k])
	}
	exact.Name, exact.Style = "exact", figure.Dashed
	drawn.Name, drawn.Style = fmt.Sprintf("DM-MC, χ²/dof = %.2g", g.chi2.value/float64(max(g.chi2.dof, 1))), figure.Markers
	f, err := figure.Lines([]figure.Series{exact, drawn}, figure.LinesConfig{Options: figure.Options{
		Title: title, X: figure.Axis{Label: "Q"}, Y: figure.Axis{Label: "P(Q)"},
	}})
	if err := g.save("charge.png", f, err); err != nil {
		return err
	}
	var panels []*figure.Figure
	largest := float64(len(g.chi2.charges))
	for _, name := range []string{"hmc", "dmmc"} {
		for i, c := range g.chains {
			if c.Name != name {
				continue
			}
			s := figure.Series{Color: figure.Color(i + 1)}
			for t, q := range c.Charge[0][:min(historyLength, len(c.Charge[0]))] {
				s.X, s.Y = append(s.X, float64(t)), append(s.Y, q)
			}
			f, err := figure.Lines([]figure.Series{s}, figure.LinesConfig{Options: figure.Options{
				Title: c.Title + ", " + title, X: figure.Axis{Label: "steps"},
				Y: figure.Axis{Label: "Q", Min: -largest, Max: largest}, Width: 18, Height: 6,
			}})
			if err != nil {
				return err
			}
			panels = append(panels, f)
		}
	}
	f, err = figure.Panels(1, panels...)
	return g.save("history.png", f, err)
}

func (g *gaugeRun) save(name string, f *figure.Figure, err error) error {
	if err != nil {
		return err
	}
	return g.folder.Save(name, f.Save)
}
