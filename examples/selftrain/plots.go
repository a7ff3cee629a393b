package main

import (
	"fmt"

	"github.com/latdiff/latdiff/internal/figure"
)

// plot draws effective sample sizes, log Z and the zero mode along the ladder.
func (s *selfTrain) plot() error {
	var own, reweighted, logZ, zero figure.Series
	own.Name, reweighted.Name = "own draws", "draws of the last rung"
	own.Style, reweighted.Style = figure.Markers, figure.Markers
	for _, r := range s.rungs {
		if r.Fault != "" {
			continue
		}
		own.X, own.Y, own.Err = append(own.X, r.T), append(own.Y, r.ESS.Value), append(own.Err, r.ESS.Error)
		logZ.X, logZ.Y = append(logZ.X, r.T), append(logZ.Y, r.LogZ.Value)
		zero.X, zero.Y = append(zero.X, r.T), append(zero.Y, zeroMode(r))
		if r.Reweighted > 0 {
			reweighted.X, reweighted.Y = append(reweighted.X, r.T), append(reweighted.Y, r.Reweighted)
		}
	}
	title := fmt.Sprintf("φ⁴, %v, λ = %v", s.action.Layout().Lattice, s.o.Lambda)
	var panels []*figure.Figure
	for _, p := range []struct {
		label  string
		axis   figure.Axis
		series []figure.Series
	}{
		{"ESS", figure.Axis{Label: "ESS/N", Min: 0, Max: 1.05}, []figure.Series{own, reweighted}},
		{"log Z", figure.Axis{Label: "log Z"}, []figure.Series{logZ}},
		{"zero mode", figure.Axis{Label: "⟨φ_0^2⟩", Log: true}, []figure.Series{zero}},
	} {
		f, err := figure.Lines(p.series, figure.LinesConfig{Options: figure.Options{Title: title, X: figure.Axis{Label: "κ"}, Y: p.axis}})
		if err != nil {
			return err
		}
		panels = append(panels, f)
	}
	f, err := figure.Panels(len(panels), panels...)
	if err != nil {
		return err
	}
	return s.folder.Save(figureFile, f.Save)
}
