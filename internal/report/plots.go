// Package report draws the table and the plots that the programs with a diffusion model
// share.
package report

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Outcome is what the plots show.
type Outcome struct {
	// HMC has the chains of hybrid Monte Carlo after every step, Testing their
	// configurations, Generated those of the reverse process, and Chain the chain of DM-MC.
	HMC                       []measure.Series
	Testing, Generated, Chain measure.Series
	// The configurations of the models, with their S and log q.
	Gaussian, Reverse, Proposals *lattice.Ensemble
}

// Plots draws the magnetisation (figures 5 and 6 of the paper), the effective action
// (figure 7) and the autocorrelation functions (figure 8).
func Plots(folder *program.Run, title string, o Outcome) error {
	hmc, _, err := curve("HMC", o.HMC...)
	if err != nil {
		return err
	}
	chain, tau, err := curve("DM-MC", o.Chain)
	if err != nil {
		return err
	}
	samples := []figure.Sample{
		{Name: "HMC", Values: o.Testing.M},
		{Name: "DM, reverse SDE", Values: o.Generated.M},
		// The estimate of a short chain may fall below the ½ of independent draws.
		{Name: "DM-MC", Values: o.Chain.M, Tau: math.Max(0.5, tau)},
	}
	bins := 0
	if b, err := stats.BinderCumulant(o.Testing.M, min(20, o.Testing.Len())); measure.Usable(err) == nil && b.Value > 0.6 {
		// Two peaks that are narrow against their distance.
		bins = 60
	}
	histogram, err := figure.Histograms(samples, figure.HistogramsConfig{Bins: bins, Options: figure.Options{Title: title}})
	if err != nil {
		return err
	}
	for i, s := range []measure.Series{o.Testing, o.Generated, o.Chain} {
		samples[i].Values = s.AbsMagnetization()
	}
	absolute, err := figure.Histograms(samples, figure.HistogramsConfig{Options: figure.Options{
		Title: title, X: figure.Axis{Label: "|M|"}, Y: figure.Axis{Label: "P(|M|)"},
	}})
	if err != nil {
		return err
	}
	scatter, err := figure.ActionScatter([]figure.Actions{
		Actions("Gaussian", o.Gaussian), Actions("DM, reverse SDE", o.Reverse), Actions("DM, flow", o.Proposals),
	}, figure.ActionScatterConfig{Options: figure.Options{Title: title}})
	if err != nil {
		return err
	}
	correlation, err := figure.Autocorrelation([]figure.Correlation{hmc, chain}, figure.AutocorrelationConfig{Options: figure.Options{
		Title: title, X: figure.Axis{Label: "t (trajectories, proposals)"}, Y: figure.Axis{Label: "C_{|M|}(t)/C_{|M|}(0)"},
	}})
	if err != nil {
		return err
	}
	for _, p := range []struct {
		name string
		f    *figure.Figure
	}{{"magnetization.png", histogram}, {"abs_magnetization.png", absolute}, {"action.png", scatter}, {"autocorrelation.png", correlation}} {
		if err := folder.Save(p.name, p.f.Save); err != nil {
			return err
		}
	}
	return nil
}

// Actions returns S and S_eff = -log q of an annotated ensemble.
func Actions(name string, ens *lattice.Ensemble) figure.Actions {
	effective := make([]float64, ens.Len())
	for i, l := range ens.Extra["logq"] {
		effective[i] = -l
	}
	return figure.Actions{Name: name, S: ens.Extra["action"], SEff: effective}
}

// curve returns the autocorrelation function of |M| and its τ_int.
func curve(name string, chains ...measure.Series) (figure.Correlation, float64, error) {
	abs := make([][]float64, len(chains))
	for i, c := range chains {
		abs[i] = c.AbsMagnetization()
	}
	g, err := stats.GammaMethod(abs, stats.GammaConfig{})
	if err = measure.Usable(err); err != nil && len(g.Rho) == 0 {
		return figure.Correlation{}, 0, fmt.Errorf("autocorrelation of %s: %w", name, err)
	}
	// Behind the summation window there is only noise; a little of it shows its size.
	n := min(len(g.Rho), g.Tau.Window+10)
	return figure.Correlation{Name: name, C: g.Rho[:n], Err: g.RhoError[:n]}, g.Tau.Value, nil
}
