package pipeline

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/internal/measure"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// strip collects the fields of figure 4: a few samples at a few noise levels.
type strip struct {
	levels []float64
	fields [][]float64 // per level, the samples one after the other
}

const (
	stripSamples    = 4
	stripCandidates = 16 // configurations among which both signs of M are looked for
	stripLevels     = 5
)

// record returns a trace function for a sampler of the given number of steps that
// keeps the first samples at equidistant steps.
func (s *strip) record(lat *lattice.Lattice, steps int) func(step int, sigma float64, fields []float64) {
	return func(step int, sigma float64, fields []float64) {
		if len(s.levels) < stripLevels && step == len(s.levels)*steps/(stripLevels-1) {
			s.levels = append(s.levels, sigma)
			n := min(stripCandidates*lat.Volume(), len(fields))
			s.fields = append(s.fields, append([]float64(nil), fields[:n]...))
		}
	}
}

// choose returns the candidates to draw: in turn the next one with positive and with
// negative magnetisation in the end, as long as there are both.
func (s *strip) choose(volume int) []int {
	final := s.fields[len(s.fields)-1]
	var signs [2][]int
	for i := range len(final) / volume {
		sign := 0
		if lattice.Magnetization(final[i*volume:(i+1)*volume]) < 0 {
			sign = 1
		}
		signs[sign] = append(signs[sign], i)
	}
	var chosen []int
	for len(chosen) < stripSamples && len(signs[0])+len(signs[1]) > 0 {
		for sign := range signs {
			if len(signs[sign]) > 0 && len(chosen) < stripSamples {
				chosen = append(chosen, signs[sign][0])
				signs[sign] = signs[sign][1:]
			}
		}
	}
	return chosen
}

// plotStrip draws figure 4 of the paper; only two-dimensional fields have a picture.
func (r *Run) plotStrip(s *strip) error {
	if r.lat.Dim() != 2 {
		return nil
	}
	v := r.lat.Volume()
	chosen := s.choose(v)
	rows := make([][]figure.Field2D, len(chosen))
	titles := make([]string, len(s.levels))
	for j, sigma := range s.levels {
		titles[j] = fmt.Sprintf("σ = %.2g", sigma)
		for i, c := range chosen {
			rows[i] = append(rows[i], figure.Field2D{Rows: r.lat.Extent(0), Cols: r.lat.Extent(1), Values: s.fields[j][c*v : (c+1)*v]})
		}
	}
	f, err := figure.DenoisingStrip(rows, titles, figure.DenoisingStripConfig{Bar: true})
	if err != nil {
		return err
	}
	return f.Save(r.folder.Path("denoising.png"))
}

// Plots draws the magnetisation (figures 5 and 6), the effective action (figure 7)
// and the autocorrelation functions (figure 8).
func (r *Run) Plots(gaussian, reverse, proposals *lattice.Ensemble) error {
	tau, _ := r.table.Get("dmmc", measure.TauAbsM)
	samples := []figure.Sample{
		{Name: "HMC", Values: r.series["HMC"].M},
		{Name: "DM, reverse SDE", Values: r.series["dm"].M},
		// The estimate of a short chain may fall below the ½ of independent draws.
		{Name: "DM-MC", Values: r.series["DM-MC"].M, Tau: math.Max(0.5, tau.Value)},
	}
	title := r.Title()
	bins := 0
	if r.ordered() {
		// Two peaks that are narrow against their distance.
		bins = 60
	}
	histogram, err := figure.Histograms(samples, figure.HistogramsConfig{Bins: bins, Options: figure.Options{Title: title}})
	if err != nil {
		return err
	}
	for i := range samples {
		samples[i].Values = measure.Series{M: samples[i].Values}.AbsMagnetization()
	}
	absolute, err := figure.Histograms(samples, figure.HistogramsConfig{Options: figure.Options{
		Title: title, X: figure.Axis{Label: "|M|"}, Y: figure.Axis{Label: "P(|M|)"},
	}})
	if err != nil {
		return err
	}
	scatter, err := figure.ActionScatter([]figure.Actions{
		actions("Gaussian", gaussian), actions("DM, reverse SDE", reverse), actions("DM, flow", proposals),
	}, figure.ActionScatterConfig{Options: figure.Options{Title: title}})
	if err != nil {
		return err
	}
	correlation, err := figure.Autocorrelation(r.curves, figure.AutocorrelationConfig{Options: figure.Options{
		Title: title, X: figure.Axis{Label: "t (trajectories, proposals)"}, Y: figure.Axis{Label: "C_{|M|}(t)/C_{|M|}(0)"},
	}})
	if err != nil {
		return err
	}
	for _, p := range []struct {
		name string
		f    *figure.Figure
	}{{"magnetization.png", histogram}, {"abs_magnetization.png", absolute}, {"action.png", scatter}, {"autocorrelation.png", correlation}} {
		if err := p.f.Save(r.folder.Path(p.name)); err != nil {
			return err
		}
	}
	return nil
}

// ordered says whether the magnetisation of HMC has two separate peaks.
func (r *Run) ordered() bool {
	b, err := stats.BinderCumulant(r.series["HMC"].M, 0)
	return measure.Usable(err) == nil && b.Value > 0.6
}

// actions returns S and S_eff = -log q of an ensemble.
func actions(name string, ens *lattice.Ensemble) figure.Actions {
	effective := make([]float64, ens.Len())
	for i, l := range ens.Extra["logq"] {
		effective[i] = -l
	}
	return figure.Actions{Name: name, S: ens.Extra["action"], SEff: effective}
}

// addCurve keeps the autocorrelation function of |M| for the plot.
func (r *Run) addCurve(name string, chains ...measure.Series) error {
	abs := make([][]float64, len(chains))
	for i, c := range chains {
		abs[i] = c.AbsMagnetization()
	}
	g, err := stats.GammaMethod(abs, stats.GammaConfig{})
	if err = measure.Usable(err); err != nil {
		return fmt.Errorf("autocorrelation of %s: %w", name, err)
	}
	// Behind the summation window there is only noise; a little of it shows its size.
	n := min(len(g.Rho), g.Tau.Window+10)
	r.curves = append(r.curves, figure.Correlation{Name: name, C: g.Rho[:n], Err: g.RhoError[:n]})
	return nil
}
