package main

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// plot draws all figures.
func (a *acceptance) plot() error {
	for _, f := range []func() error{a.plotKappas, a.plotExtents, a.plotTraining, a.plotCost} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// published says whether λ is that of the paper, whose numbers then stand in the plots.
func (a *acceptance) published() bool { return a.o.Lambda == 0.022 }

func (a *acceptance) save(name string, f *figure.Figure, err error) error {
	if err != nil {
		return err
	}
	return a.folder.Save(name, f.Save)
}

// plotKappas draws figure 13.
func (a *acceptance) plotKappas() error {
	var x []float64
	var names []string
	for _, p := range a.kappas {
		x, names = append(x, p.kappa), append(names, p.name())
	}
	cfg := figure.LinesConfig{Options: figure.Options{
		Title: fmt.Sprintf("%v, λ = %v", a.kappas[0].lat, a.o.Lambda),
		X:     figure.Axis{Label: "κ"}, Y: figure.Axis{Label: "acceptance", Min: 0, Max: 1},
	}}
	if a.published() {
		cfg.References = []figure.Reference{{Label: "paper, 32², 0.4 to 0.6", Value: 0.5, Err: 0.1}}
	}
	f, err := figure.Lines(a.acceptances(x, names), cfg)
	return a.save("figure13.png", f, err)
}

// plotExtents draws figure 14.
func (a *acceptance) plotExtents() error {
	var x []float64
	var names []string
	for _, p := range a.extents {
		x, names = append(x, float64(p.lat.Extent(0))), append(names, p.name())
	}
	cfg := figure.LinesConfig{Options: figure.Options{
		Title: fmt.Sprintf("κ = %v, λ = %v", a.o.Kappa, a.o.Lambda),
		X:     figure.Axis{Label: "L"}, Y: figure.Axis{Label: "acceptance", Min: 0, Max: 1},
	}}
	if a.published() && a.o.Kappa == 0.27 {
		cfg.References = []figure.Reference{{Label: "paper, large L: about 0.6", Value: 0.6}}
	}
	f, err := figure.Lines(a.acceptances(x, names), cfg)
	return a.save("figure14.png", f, err)
}

// acceptances returns the observed acceptance as points and the predicted as lines, of
// the models and of the Gaussian, at points with the given names.
func (a *acceptance) acceptances(x []float64, names []string) []figure.Series {
	var all []figure.Series
	for _, m := range []struct {
		ensemble, title string
		color           figure.Color
	}{{"dm_", "DM-MC", figure.Blue}, {"gaussian_", "Gaussian, no network", figure.Vermillion}} {
		observed := figure.Series{Name: m.title, Style: figure.Markers, Color: m.color, X: x}
		predicted := figure.Series{Style: figure.Dashed, Color: m.color, X: x}
		for _, n := range names {
			e, _ := a.table.Get(m.ensemble+n, measure.Acceptance)
			observed.Y, observed.Err = append(observed.Y, e.Value), append(observed.Err, e.Error)
			e, _ = a.table.Get(m.ensemble+n, measure.AcceptancePredicted)
			predicted.Y = append(predicted.Y, e.Value)
		}
		all = append(all, predicted, observed)
	}
	all[0].Name = "predicted by the weights"
	return all
}

// plotTraining draws figure 15.
func (a *acceptance) plotTraining() error {
	if a.long == nil {
		return nil
	}
	var x []float64
	var names []string
	for _, n := range a.kept {
		x, names = append(x, float64(n)/float64(a.epoch())), append(names, fmt.Sprintf("steps_%d", n))
	}
	observed := figure.Series{Name: "DM-MC", Style: figure.Markers, Color: figure.Blue, X: x}
	predicted := figure.Series{Name: "predicted by the weights", Style: figure.Dashed, Color: figure.Blue, X: x}
	for _, n := range names {
		e, _ := a.table.Get("dm_"+n, measure.Acceptance)
		observed.Y, observed.Err = append(observed.Y, e.Value), append(observed.Err, e.Error)
		e, _ = a.table.Get("dm_"+n, measure.AcceptancePredicted)
		predicted.Y = append(predicted.Y, e.Value)
	}
	g, _ := a.table.Get("gaussian_steps", measure.AcceptancePredicted)
	refs := []figure.Reference{{Label: "Gaussian, no network", Value: g.Value, Err: g.Error}}
	if a.published() && a.o.Kappa == 0.27 {
		refs = append(refs, figure.Reference{Label: "paper, 32²: about 0.6", Value: 0.6})
	}
	f, err := figure.Lines([]figure.Series{predicted, observed}, figure.LinesConfig{
		Options: figure.Options{
			Title: a.long.Title(),
			X:     figure.Axis{Label: "epochs", Log: true}, Y: figure.Axis{Label: "acceptance", Min: 0, Max: 1},
		},
		References: refs,
	})
	return a.save("figure15.png", f, err)
}

// paperCost are the seconds an epoch that appendix D gives for sizes at κ = 0.27, and the
// fit L^0.43 + 2.31.
var paperCost = struct{ l, seconds []float64 }{[]float64{16, 24, 32, 48, 64}, []float64{5.80, 6.19, 6.54, 6.97, 8.63}}

// plotCost draws the training cost against the size of the lattice.
func (a *acceptance) plotCost() error {
	ours := figure.Series{Name: "this run", Style: figure.Joined, Color: figure.Blue}
	for _, p := range a.extents {
		if c, ok := a.cost(p); ok && c.SecondsPerEpoch > 0 {
			ours.X, ours.Y = append(ours.X, float64(p.lat.Extent(0))), append(ours.Y, c.SecondsPerEpoch)
		}
	}
	if len(ours.X) == 0 {
		return nil
	}
	series := []figure.Series{ours}
	if a.published() && a.o.Kappa == 0.27 && a.extents[0].lat.Dim() == 2 {
		fit := figure.Series{Name: "paper: L^{0.43} + 2.31", Style: figure.Dotted, Color: figure.Black}
		for i := range 50 {
			l := 16 * math.Pow(4, float64(i)/49)
			fit.X, fit.Y = append(fit.X, l), append(fit.Y, math.Pow(l, 0.43)+2.31)
		}
		series = append(series, figure.Series{Name: "paper, GPU", Style: figure.Markers, Color: figure.Black, X: paperCost.l, Y: paperCost.seconds}, fit)
	}
	f, err := figure.Lines(series, figure.LinesConfig{Options: figure.Options{
		Title: fmt.Sprintf("training of %s: seconds for an epoch of %d configurations", a.o.Model, a.o.Configurations),
		X:     figure.Axis{Label: "L", Log: true}, Y: figure.Axis{Label: "s/epoch", Log: true},
	}})
	return a.save("cost.png", f, err)
}

// exponent returns the slope of log seconds against log L, of all timed sizes.
func (a *acceptance) exponent() (float64, bool) {
	var x, y []float64
	for _, p := range a.extents {
		if c, ok := a.cost(p); ok && c.SecondsPerEpoch > 0 {
			x, y = append(x, math.Log(float64(p.lat.Extent(0)))), append(y, math.Log(c.SecondsPerEpoch))
		}
	}
	if len(x) < 2 {
		return 0, false
	}
	return slope(x, y), true
}

// slope returns that of the line of least squares.
func slope(x, y []float64) float64 {
	mx, _ := stats.Mean(x)
	my, _ := stats.Mean(y)
	xy, xx := 0.0, 0.0
	for i := range x {
		xy += (x[i] - mx.Value) * (y[i] - my.Value)
		xx += (x[i] - mx.Value) * (x[i] - mx.Value)
	}
	return xy / xx
}
