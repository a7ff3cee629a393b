package main

import (
	"math"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// longestCurve is where the autocorrelation functions end, so that those of the fast
// algorithms can be seen.
const longestCurve = 120

// plot draws the autocorrelation functions (figure 8), the effective action (figure 7),
// and the magnetisation (figures 5 and 6).
func (d *dmmc) plot() error {
	if err := d.plotAutocorrelation(); err != nil {
		return err
	}
	if err := d.plotMagnetization(); err != nil {
		return err
	}
	f, err := figure.ActionScatter([]figure.Actions{
		actions("Gaussian", d.gaussian), actions("DM, reverse SDE", d.reverse), actions("DM, flow", d.proposals),
	}, figure.ActionScatterConfig{Options: figure.Options{Title: d.Title()}})
	return d.save("action.png", f, err)
}

func (d *dmmc) save(name string, f *figure.Figure, err error) error {
	if err != nil {
		return err
	}
	return d.Folder().Save(name, f.Save)
}

// actions returns S and S_eff = -log q of an ensemble.
func actions(name string, ens *lattice.Ensemble) figure.Actions {
	effective := make([]float64, ens.Len())
	for i, l := range ens.Extra["logq"] {
		effective[i] = -l
	}
	return figure.Actions{Name: name, S: ens.Extra["action"], SEff: effective}
}

func (d *dmmc) plotAutocorrelation() error {
	var curves []figure.Correlation
	for _, name := range []string{unitHMC, tunedHMC, metropolis, cluster, exact, published} {
		abs := make([][]float64, len(d.chains[name]))
		for i, s := range d.chains[name] {
			abs[i] = s.AbsMagnetization()
		}
		g, err := stats.GammaMethod(abs, stats.GammaConfig{})
		if err = measure.Usable(err); err != nil {
			// A chain that is too short for its error has no curve to show.
			continue
		}
		// Behind the summation window there is only noise; a little of it shows its size.
		n := min(len(g.Rho), g.Tau.Window+5, longestCurve)
		curves = append(curves, figure.Correlation{Name: titles[name], C: g.Rho[:n], Err: g.RhoError[:n]})
	}
	f, err := figure.Autocorrelation(curves, figure.AutocorrelationConfig{Options: figure.Options{
		Title: d.Title(), X: figure.Axis{Label: "t (steps)"}, Y: figure.Axis{Label: "C_{|M|}(t)/C_{|M|}(0)"}, Width: 14, Height: 10,
	}})
	return d.save("autocorrelation.png", f, err)
}

func (d *dmmc) plotMagnetization() error {
	var samples, absolute []figure.Sample
	for _, name := range []string{unitHMC, cluster, exact} {
		// The estimate of a short chain may fall below the ½ of independent draws.
		tau, _ := d.Results().Get(name, measure.TauAbsM)
		s := figure.Sample{Name: titles[name], Tau: math.Max(0.5, tau.Value)}
		a := s
		for _, c := range d.chains[name] {
			s.Values = append(s.Values, c.M...)
			a.Values = append(a.Values, c.AbsMagnetization()...)
		}
		samples, absolute = append(samples, s), append(absolute, a)
	}
	title := figure.Options{Title: d.Title()}
	f, err := figure.Histograms(samples, figure.HistogramsConfig{Bins: 30, Options: title})
	if err := d.save("magnetization.png", f, err); err != nil {
		return err
	}
	title.X.Label, title.Y.Label = "|M|", "P(|M|)"
	f, err = figure.Histograms(absolute, figure.HistogramsConfig{Bins: 30, Options: title})
	return d.save("abs_magnetization.png", f, err)
}
