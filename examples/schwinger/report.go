package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/latdiff/latdiff/internal/figure"
)

// historyLength is the number of steps of the histories that are drawn.
const historyLength = 1000

// title names the theory.
func (s *schwingerRun) title() string {
	return fmt.Sprintf("Schwinger model, %v, β = %v, κ = %v", s.lift.Layout().Lattice, s.o.beta, s.o.Kappa)
}

// plot draws the histories of the charge.
func (s *schwingerRun) plot() error {
	var panels []*figure.Figure
	for _, name := range []string{"hmc", "dmmc"} {
		for i, c := range s.chains {
			if c.Name != name {
				continue
			}
			line := figure.Series{Color: figure.Color(i + 1)}
			for t, q := range c.Charge[0][:min(historyLength, len(c.Charge[0]))] {
				line.X, line.Y = append(line.X, float64(t)), append(line.Y, q)
			}
			f, err := figure.Lines([]figure.Series{line}, figure.LinesConfig{Options: figure.Options{
				Title: c.Title + ", " + s.title(), X: figure.Axis{Label: "steps"}, Y: figure.Axis{Label: "Q", Min: -4, Max: 4}, Width: 18, Height: 6,
			}})
			if err != nil {
				return err
			}
			panels = append(panels, f)
		}
	}
	f, err := figure.Panels(1, panels...)
	if err != nil {
		return err
	}
	return s.folder.Save("history.png", f.Save)
}

// print writes the tables.
func (s *schwingerRun) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s, mass %.4g\n\n", s.title(), s.action.Dirac().Mass())
	fmt.Fprintln(w, "chain\t⟨cos θ⟩\t⟨Q²⟩\tcondensate\tpion(T/2)\tacceptance\tτ_int(Q²)\tms an independent Q²")
	for _, c := range s.chains {
		fmt.Fprintf(w, "%s\t%v\t%v\t%v\t%v\t%.3f\t%s\t", c.Title, c.Plaquette, c.Q2.Mean, c.condensate, c.pion, c.Acceptance, c.Tau())
		if seconds, ok := c.Cost(); ok {
			fmt.Fprintf(w, "%.3g", 1e3*seconds)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "\nproposals\tESS/N\tacceptance, predicted\tsd(log w)\tlargest share\tPareto k̂\tlog Z")
	for _, p := range s.weights {
		fmt.Fprintf(w, "%s\t%v\t%v\t%.3g\t%.2g\t%.2f\t%v\n", p.name, p.ESS, p.Acceptance, p.SD, p.MaxShare, p.ParetoK, p.LogZ)
	}
	return w.Flush()
}
