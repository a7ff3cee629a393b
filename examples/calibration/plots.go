package main

import (
	"fmt"

	"github.com/latdiff/latdiff/internal/figure"
)

// plot draws the rms pulls of log-weights against their standard deviation, and those of
// series against their length in units of τ_int.
func (c *calibration) plot() error {
	weights, err := c.panel("log-weights", "standard deviation of log w", false, len(spreads),
		func(i int) (string, float64) { return weightsName(spreads[i]), spreads[i] },
		[]curve{{"ess", "ESS/N"}, {"acceptance_predicted", "acceptance, predicted"}, {"acceptance_observed", "acceptance, observed"},
			{"log_z_draws", "log Z = log⟨w⟩_q"}, {"log_z_bridge", "log Z, bridge"}, {"reweighted_mean", "reweighted mean"}})
	if err != nil {
		return err
	}
	series, err := c.panel("series", "entries over τ_int", true, len(times),
		func(i int) (string, float64) { return seriesName(times[i]), float64(c.o.entries) / times[i] },
		[]curve{{"mean_gamma", "mean, Γ-method"}, {"mean_jackknife", "mean, jackknife"}, {"mean_bootstrap", "mean, bootstrap"},
			{"tau_int", "τ_int"}, {"error_of_mean", "error of the mean"}, {"mean_half_measured", "mean, half measured"}})
	if err != nil {
		return err
	}
	f, err := figure.Panels(2, weights, series)
	if err != nil {
		return err
	}
	return f.Save(c.folder.Path("calibration.png"))
}

// curve is a quantity in a plot.
type curve struct{ quantity, title string }

func (c *calibration) panel(title, x string, logarithmic bool, points int, at func(i int) (study string, x float64), curves []curve) (*figure.Figure, error) {
	var all []figure.Series
	for _, q := range curves {
		s := figure.Series{Name: q.title, Style: figure.Joined}
		for i := range points {
			study, x := at(i)
			e, ok := c.get(study, q.quantity)
			if !ok || !(e.Value > 0) {
				return nil, fmt.Errorf("expected pulls of %s for the plot, got %v", q.quantity, e)
			}
			s.X, s.Y, s.Err = append(s.X, x), append(s.Y, e.Value), append(s.Err, e.Error)
		}
		all = append(all, s)
	}
	return figure.Lines(all, figure.LinesConfig{
		Options: figure.Options{
			Title: fmt.Sprintf("%s: %d data sets each", title, c.o.sets),
			X:     figure.Axis{Label: x, Log: logarithmic}, Y: figure.Axis{Label: "rms pull", Log: true},
		},
		References: []figure.Reference{{Label: "right errors", Value: 1, Err: highest - 1}},
	})
}
