package figure

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot/vg/draw"

	"github.com/latdiff/latdiff/stats"
)

// Actions holds the two actions of each configuration of an ensemble drawn from a model.
type Actions struct {
	// Name stands in the legend.
	Name string
	// S is the action, SEff = -log q the effective action (4.8) of the model, equally
	// long, at least two entries.
	S, SEff []float64
}

// ActionScatterConfig configures [ActionScatter].
type ActionScatterConfig struct {
	Options
	// HideStats leaves out the lines with R² and the spread of log w.
	HideStats bool
}

// ActionScatter draws the action S against the effective action of a model, as in
// figure 7 of arXiv:2309.17082. Each series is shifted along S_eff, which is known up to
// a constant, so that its mean is that of S; the dashed line is S_eff = S. A line in a
// corner gives for each series R² (4.9), as [stats.R2Coefficient] defines it, and the
// standard deviation of the log-weights log w = S_eff - S, which decides the acceptance
// rate and the effective sample size. Both axes have one range; a range set for one of
// them holds for both. It returns an error for no series, lengths that differ, fewer
// than two entries, values that are not finite, or a constant action.
func ActionScatter(series []Actions, cfg ActionScatterConfig) (*Figure, error) {
	if err := cfg.setDefaults("S_eff + const", "S"); err != nil {
		return nil, err
	}
	if len(series) == 0 {
		return nil, errors.New("figure: expected at least one series, got none")
	}
	if cfg.X.Log || cfg.Y.Log {
		return nil, errors.New("figure: expected linear axes of the actions, got a logarithmic one")
	}
	g := &graph{opts: cfg.Options}
	e := emptyExtent()
	next := 0
	for i, a := range series {
		s, spread, err := a.shifted()
		if err != nil {
			return nil, err
		}
		r2, err := stats.R2Coefficient(a.S, a.SEff)
		if err != nil {
			return nil, fmt.Errorf("figure: %s: %w", quoted("actions", a.Name), err)
		}
		note := note{text: minus(fmt.Sprintf("R² = %s,  sd(log w) = %.3g", r2Text(r2), spread)), color: Black}
		if len(series) > 1 {
			note.color, note.auto = Auto, next
		}
		if !cfg.HideStats {
			g.notes = append(g.notes, note)
		}
		col := colorOf(Auto, &next)
		c := s.curve(faded(col, 0.55), i)
		c.mark.Radius = 1.6
		e.add(c, Axis{}, Axis{})
		g.curves = append(g.curves, c)
		if a.Name != "" {
			key := *c
			key.mark.Radius, key.mark.Color = markerSize, col
			g.legend = append(g.legend, entry{a.Name, &key})
		}
	}
	if err := g.setSquare(e); err != nil {
		return nil, err
	}
	lo, hi := g.opts.X.Min, g.opts.X.Max
	identity := &curve{x: []float64{lo, hi}, y: []float64{lo, hi},
		line: draw.LineStyle{Color: ink, Width: barWidth, Dashes: dashes}}
	g.curves = append(g.curves, identity)
	g.legend = append(g.legend, entry{"S_eff = S", identity})
	g.addNote()
	return g.build(0, 0)
}

// r2Text shows the digits that tell a good R² from a perfect one, and no more than four of
// one that only tells that there is no relation.
func r2Text(r2 float64) string {
	switch {
	case r2 > 0.99:
		return fmt.Sprintf("%.5f", r2)
	case r2 < -100:
		return fmt.Sprintf("%.4g", r2)
	}
	return fmt.Sprintf("%.3f", r2)
}

// shifted returns the points of a series and the standard deviation of log w.
func (a Actions) shifted() (Series, float64, error) {
	s := Series{Name: a.Name, X: make([]float64, len(a.SEff)), Y: a.S, Style: Markers}
	if len(a.S) != len(a.SEff) || len(a.S) < 2 {
		return s, 0, fmt.Errorf("figure: expected as many actions as effective actions, at least 2, got %d and %d",
			len(a.S), len(a.SEff))
	}
	if err := checkFinite(quoted("effective actions", a.Name), a.SEff); err != nil {
		return s, 0, err
	}
	logw := make([]float64, len(a.S))
	for i := range logw {
		logw[i] = a.SEff[i] - a.S[i]
	}
	mean, sd := stat.MeanStdDev(logw, nil)
	for i, v := range a.SEff {
		s.X[i] = v - mean
	}
	return s, sd, s.check(Options{})
}

// setSquare gives both axes the range of all actions, or that of the axis that has one.
func (g *graph) setSquare(e extent) error {
	x, y := &g.opts.X, &g.opts.Y
	switch {
	case !x.fixed() && y.fixed():
		x.Min, x.Max = y.Min, y.Max
	case !x.fixed():
		var err error
		if x.Min, x.Max, err = (Axis{}).limits(min(e.xmin, e.ymin), max(e.xmax, e.ymax), 0.04); err != nil {
			return err
		}
	}
	if !y.fixed() {
		y.Min, y.Max = x.Min, x.Max
	}
	return nil
}
