package main

import (
	"fmt"
	"math"
	"strconv"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// plot draws V⟨M²⟩ against the steps: the paper's hybrid Monte Carlo from both starts on
// the left, what may cure it from the hot start on the right.
func (t *thermalisation) plot() error {
	var left, right []figure.Series
	low, high := math.Inf(1), 0.0
	add := func(to *[]figure.Series, i, s int, name string, color figure.Color, style figure.Style) error {
		a := t.approaches[i][s]
		means, err := a.squares(float64(t.action.Layout().Volume()))
		if err != nil {
			return err
		}
		series := figure.Series{Name: name, Color: color, Style: style}
		for k, e := range means {
			series.X, series.Y, series.Err = append(series.X, float64(a.Times[k])), append(series.Y, e.Value), append(series.Err, e.Error)
			low, high = math.Min(low, e.Value), math.Max(high, e.Value)
		}
		*to = append(*to, series)
		return nil
	}
	for s, color := range []figure.Color{figure.Vermillion, figure.Blue} {
		if err := add(&left, 0, s, "HMC, "+starts[s].name+" start", color, figure.Solid); err != nil {
			return err
		}
	}
	styles := []figure.Style{figure.Solid, figure.Dashed, figure.Solid, figure.Solid}
	for i, color := range []figure.Color{figure.Vermillion, figure.Black, figure.Orange, figure.Green} {
		if err := add(&right, i, 0, []string{"HMC", "HMC, flips", "HMC, long", "cluster"}[i], color, styles[i]); err != nil {
			return err
		}
	}
	equilibrium, label := t.truth(), "equilibrium (cluster)"
	if e, ok := t.independent(); ok {
		equilibrium, label = e, "equilibrium"
	}
	low, high = low/1.3, 1.5*math.Max(high, equilibrium.Value)
	for k, style := range []figure.Style{figure.Dotted, figure.Dashed} {
		n := protocol[k+1]
		name := []string{"code", "text"}[k]
		left = append(left, figure.Series{
			Name: fmt.Sprintf("t = %d (%s)", n, name), Color: figure.Black, Style: style,
			X: []float64{float64(n), float64(n)}, Y: []float64{low, high},
		})
	}
	panel := func(series []figure.Series, title, note, x string) (*figure.Figure, error) {
		return figure.Lines(series, figure.LinesConfig{
			Options: figure.Options{
				Title: title, Note: note,
				X: figure.Axis{Label: x, Log: true, Min: 1, Max: float64(t.o.Trajectories)},
				Y: figure.Axis{Label: "V⟨M²⟩", Log: true, Min: low, Max: high},
			},
			References: []figure.Reference{{Label: label, Value: equilibrium.Value, Err: equilibrium.Error}},
		})
	}
	name := fmt.Sprintf("%v, κ = %v, λ = %v", t.action.Layout().Lattice, t.o.Kappa, t.o.Lambda)
	var note string
	for _, n := range protocol[1:] {
		note += fmt.Sprintf("HMC at t = %d: %v\n", n, t.get(unit+"_hot", measure.VM2+"_"+strconv.Itoa(n)))
	}
	note += fmt.Sprintf("equilibrium: %v", equilibrium)
	first, err := panel(left, name+": the paper's protocol", "", "trajectory t")
	if err != nil {
		return err
	}
	second, err := panel(right, "hot starts", note, "step t of the algorithm")
	if err != nil {
		return err
	}
	both, err := figure.Panels(2, first, second)
	if err != nil {
		return err
	}
	return both.Save(t.folder.Path("thermalisation.png"))
}
