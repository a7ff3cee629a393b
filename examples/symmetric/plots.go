package main

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// panels are the observables of figures 11 and 12, with the paper's values from 51200
// configurations.
var panels = []struct {
	name, label string
	paper       float64
}{
	{measure.M, "⟨M⟩", -0.0013},
	{measure.AbsM, "⟨|M|⟩", 0.0404},
	{measure.Chi2, "χ₂", 2.6020},
	{measure.Binder, "U_L", 0.0160},
}

// published says whether the run has the parameters of the paper, whose numbers then
// stand in the plots.
func (s *symmetric) published() bool {
	return s.Action().Layout().Lattice.String() == "32x32" && s.o.Kappa == 0.21 && s.o.Lambda == 0.022
}

// plot draws all figures.
func (s *symmetric) plot() error {
	for _, f := range []func() error{s.plotMagnetization, s.plotAction, s.plotTrainingSizes, s.plotGeneratedSizes} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// plotMagnetization draws figure 6.
func (s *symmetric) plotMagnetization() error {
	chi, _ := s.Results().Get("reference", measure.Chi2)
	p, _ := s.Results().Get("dm", "ks_p")
	variance := chi.Value / float64(s.Action().Layout().Volume())
	width := 4.2 * math.Sqrt(variance)
	f, err := figure.Histograms([]figure.Sample{
		{Name: "testing, HMC", Values: s.out.Testing.M},
		{Name: "DM, reverse SDE", Values: s.out.Generated.M},
	}, figure.HistogramsConfig{
		Options: figure.Options{
			Title: s.Title(), Note: fmt.Sprintf("%d each\nKolmogorov–Smirnov\np = %.2g", s.o.Samples, p.Value),
			X: figure.Axis{Label: "M", Min: -width, Max: width}, Y: figure.Axis{Label: "P(M)"},
		},
		Exact:     func(m float64) float64 { return math.Exp(-m*m/(2*variance)) / math.Sqrt(2*math.Pi*variance) },
		ExactName: "Gaussian, true χ₂",
	})
	return s.save("figure6.png", f, err)
}

// plotAction draws figure 7.
func (s *symmetric) plotAction() error {
	note := ""
	for _, e := range []struct{ name, title string }{{"gaussian", "Gaussian"}, {"dm", "DM"}} {
		r, _ := s.Results().Get(e.name, measure.PearsonR2)
		note += fmt.Sprintf("squared correlation %.5f, %s\n", r.Value, e.title)
	}
	if s.published() {
		note += "paper: R² = 0.960"
	} else {
		note = note[:len(note)-1]
	}
	f, err := figure.ActionScatter([]figure.Actions{
		report.Actions("Gaussian, no network", s.out.Gaussian), report.Actions("DM, reverse SDE", s.out.Reverse),
	}, figure.ActionScatterConfig{Options: figure.Options{Title: s.Title(), Note: note}})
	return s.save("figure7.png", f, err)
}

// plotTrainingSizes draws figure 11.
func (s *symmetric) plotTrainingSizes() error {
	sizes := append(append([]int(nil), s.sizes...), s.o.Configurations)
	generated := sizes
	if len(s.runs) == 0 {
		generated = sizes[len(sizes)-1:]
	}
	title := fmt.Sprintf("N training configurations, %d generated", s.o.sizeSamples)
	return s.plotPanels("figure11.png", title, func(o string) []figure.Series {
		return []figure.Series{
			s.points("training set", "training_n_%d", o, sizes, 0.97, figure.Orange),
			s.points("DM", "dm_n_%d", o, generated, 1.03, figure.Blue),
		}
	})
}

// plotGeneratedSizes draws figure 12.
func (s *symmetric) plotGeneratedSizes() error {
	title := fmt.Sprintf("N generated configurations, %d for training", s.o.Configurations)
	return s.plotPanels("figure12.png", title, func(o string) []figure.Series {
		return []figure.Series{
			s.points("DM", "dm_samples_%d", o, s.counts(), 1, figure.Blue),
		}
	})
}

// points returns an observable of the ensembles whose names hold a size. The factor
// shifts the points on the logarithmic axis, so that their errors do not overlap.
func (s *symmetric) points(title, format, observable string, sizes []int, shift float64, color figure.Color) figure.Series {
	p := figure.Series{Name: title, Style: figure.Markers, Color: color}
	for _, n := range sizes {
		e, _ := s.Results().Get(fmt.Sprintf(format, n), observable)
		p.X, p.Y, p.Err = append(p.X, shift*float64(n)), append(p.Y, e.Value), append(p.Err, e.Error)
	}
	return p
}

func (s *symmetric) plotPanels(file, title string, series func(observable string) []figure.Series) error {
	var all []*figure.Figure
	for _, p := range panels {
		truth, _ := s.Results().Get("reference", p.name)
		refs := []figure.Reference{{Label: "truth", Value: truth.Value, Err: truth.Error}}
		if s.published() {
			refs = append(refs, figure.Reference{Label: "paper", Value: p.paper})
		}
		f, err := figure.Lines(series(p.name), figure.LinesConfig{
			Options:    figure.Options{Title: title, X: figure.Axis{Label: "N", Log: true}, Y: figure.Axis{Label: p.label}, Width: 10, Height: 7.5},
			References: refs,
		})
		if err != nil {
			return err
		}
		all = append(all, f)
	}
	f, err := figure.Panels(2, all...)
	return s.save(file, f, err)
}

// deviation returns the difference of an observable from the truth in combined errors.
func (s *symmetric) deviation(ensemble, observable string) (stats.Estimate, float64) {
	e, _ := s.Results().Get(ensemble, observable)
	truth, _ := s.Results().Get("reference", observable)
	return e, e.Sigma(truth)
}
