package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/mcmc/fokkerplanck"
	"github.com/latdiff/latdiff/stats"
)

func (l *langevin) save(name string, f *figure.Figure, err error) error {
	if err != nil {
		return err
	}
	return l.folder.Save(name, f.Save)
}

// plotTrajectories draws figure 1: some processes, and at both ends the density of all,
// the measured one as a histogram, against that of the prior and e^{-S}.
func (l *langevin) plotTrajectories(t *toy, rows [][]float64, step float64) error {
	const shown, bins = 24, 60
	last := float64(len(rows)-1) * step
	var series []figure.Series
	high := max(0.8*t.exact.reach, 3.2*l.o.Prior)
	for i := range min(shown, len(rows[0])) {
		s := figure.Series{Level: rows[0][i]}
		for r, row := range rows {
			s.X, s.Y = append(s.X, float64(r)*step), append(s.Y, row[i])
			high = max(high, math.Abs(row[i]))
		}
		series = append(series, s)
	}
	low := -high
	prior := func(x float64) float64 {
		return math.Exp(-x*x/(2*l.o.Prior*l.o.Prior)) / (math.Sqrt(2*math.Pi) * l.o.Prior)
	}
	// Densities stand on the axes τ = 0 and τ = T, with a fifth of T for the largest value.
	height := 0.0
	outline := func(x float64) float64 { return math.Max(prior(x), t.exact.at(x)) }
	for i := range 1001 {
		height = max(height, outline(low+(high-low)*float64(i)/1000))
	}
	unit := last / 5 / height
	for _, end := range []struct {
		values    []float64
		f         func(float64) float64
		at, scale float64
		names     [2]string
	}{
		{rows[0], prior, 0, -unit, [2]string{}},
		{rows[len(rows)-1], t.exact.at, last, unit, [2]string{"all processes", "exact: prior and e^{-S}/Z"}},
	} {
		h, err := stats.NewHistogram(end.values, bins, low, high)
		if err != nil {
			return err
		}
		steps := figure.Series{Name: end.names[0], Color: figure.Blue}
		for i, d := range h.Density(0.5) {
			left := low + float64(i)*h.Width()
			x := end.at + end.scale*d.Value
			steps.X, steps.Y = append(steps.X, x, x), append(steps.Y, left, left+h.Width())
		}
		exact := figure.Series{Name: end.names[1], Color: figure.Black, Style: figure.Dashed}
		for i := range 401 {
			y := low + (high-low)*float64(i)/400
			exact.X, exact.Y = append(exact.X, end.at+end.scale*end.f(y)), append(exact.Y, y)
		}
		axis := figure.Series{Color: figure.Black, Style: figure.Dotted, X: []float64{end.at, end.at}, Y: []float64{low, high}}
		series = append(series, axis, steps, exact)
	}
	f, err := figure.Lines(series, figure.LinesConfig{
		Options: figure.Options{
			Title: t.title, Width: 14,
			X: figure.Axis{Label: "τ"}, Y: figure.Axis{Label: "φ", Min: low, Max: high},
		},
		Levels: &figure.Levels{Label: "φ(0)"},
	})
	return l.save("trajectories_"+t.name+".png", f, err)
}

// plotSpectrum draws the Fokker–Planck Hamiltonian -∂² + S′²/4 - S″/2 as its potential,
// and the lowest eigenfunctions at the heights of their eigenvalues.
func (l *langevin) plotSpectrum(t *toy) error {
	top := 1.3 * t.spectrum.Values[levels]
	unit := 1.2 * t.spectrum.Values[levels] / levels
	x := t.equation.Points(nil)
	potential := figure.Series{Name: "S′²/4 − S″/2", Color: figure.Black, Style: figure.Dashed}
	edge := 0.0
	for _, v := range x {
		slope := v * (t.action.Mu2() + t.action.G()/6*v*v)
		u := slope*slope/4 - (t.action.Mu2()+t.action.G()/2*v*v)/2
		if u <= top {
			potential.X, potential.Y = append(potential.X, v), append(potential.Y, u)
			edge = max(edge, math.Abs(v))
		}
	}
	edge *= 1.1
	series := []figure.Series{potential}
	for n := range levels {
		s := figure.Series{Name: fmt.Sprintf("ψ_%d", n)}
		psi := t.spectrum.Eigenfunction(nil, n)
		for i, v := range x {
			if math.Abs(v) <= edge {
				s.X, s.Y = append(s.X, v), append(s.Y, t.spectrum.Values[n]+unit*psi[i])
			}
		}
		series = append(series, s)
	}
	f, err := figure.Lines(series, figure.LinesConfig{Options: figure.Options{
		Title: t.title, X: figure.Axis{Label: "φ", Min: -edge, Max: edge},
		Y: figure.Axis{Label: "E_n + ψ_n(φ)", Min: min(0, slices.Min(potential.Y)) - 0.05*top, Max: 1.05 * top},
	}})
	return l.save("spectrum_"+t.name+".png", f, err)
}

// plotDensities draws P(φ, τ) of the processes against the Fokker–Planck equation, from
// the prior on.
func (l *langevin) plotDensities(t *toy, rows [][]float64, step float64) error {
	reach := max(t.exact.reach, 6.5*l.o.Prior)
	cells := max(800, int(8*reach/min(l.o.Prior, math.Sqrt(t.exact.phi2))))
	e, err := fokkerplanck.New(t.action, fokkerplanck.Config{Lo: -reach, Hi: reach, Cells: cells})
	if err != nil {
		return err
	}
	p, err := e.Gaussian(nil, 0, l.o.Prior)
	if err != nil {
		return err
	}
	it, err := e.Integrator(step / 4)
	if err != nil {
		return err
	}
	const bins = 40
	x := e.Points(nil)
	edge := min(reach, max(t.exact.reach, 2.5*l.o.Prior))
	last := len(rows) - 1
	top := 0.0
	var series []figure.Series
	colors := []figure.Color{figure.SkyBlue, figure.Orange, figure.Green, figure.Vermillion, figure.Blue}
	shown := []int{0, last / 60, last / 20, last / 6, last}
	for r := range rows {
		for i, s := range shown {
			if s == r {
				h, err := stats.NewHistogram(rows[r], bins, -edge, edge)
				if err != nil {
					return err
				}
				points := figure.Series{Style: figure.Markers, Color: colors[i]}
				top = max(top, slices.Max(p))
				for j, d := range h.Density(0.5) {
					points.X, points.Y = append(points.X, h.Center(j)), append(points.Y, d.Value)
					points.Err = append(points.Err, d.Error)
				}
				line := figure.Series{Name: fmt.Sprintf("τ = %.2g", float64(r)*step), Color: colors[i]}
				for j, v := range x {
					if math.Abs(v) <= edge {
						line.X, line.Y = append(line.X, v), append(line.Y, p[j])
					}
				}
				series = append(series, points, line)
			}
		}
		for range 4 {
			it.Step(p)
		}
	}
	f, err := figure.Lines(series, figure.LinesConfig{Options: figure.Options{
		Title: t.title, Note: "points: Langevin\nlines: Fokker–Planck",
		X: figure.Axis{Label: "φ", Min: -edge, Max: edge}, Y: figure.Axis{Label: "P(φ, τ)", Min: -0.02 * top, Max: 1.3 * top},
	}})
	return l.save("density_"+t.name+".png", f, err)
}

// plotRelaxation draws ⟨O⟩_τ of the processes against the Fokker–Planck equation. An
// observable that decays to zero has a logarithmic axis and the slowest mode beside it.
func (l *langevin) plotRelaxation(t *toy, a *approach) error {
	points := figure.Series{Name: "Langevin", Style: figure.Markers}
	decays := math.Abs(a.amplitudes[0]) < 1e-6*math.Sqrt(t.exact.phi2)
	for i, e := range a.mean {
		if !decays || e.Value > 3*e.Error {
			points.X, points.Y, points.Err = append(points.X, a.tau[i]), append(points.Y, e.Value), append(points.Err, e.Error)
		}
	}
	curve := figure.Series{Name: "Fokker–Planck", Color: figure.Black}
	mode := figure.Series{Name: "slowest mode", Style: figure.Dashed, Color: figure.Vermillion}
	for i := range 401 {
		tau := a.tau[len(a.tau)-1] * float64(i) / 400
		curve.X, curve.Y = append(curve.X, tau), append(curve.Y, t.spectrum.Relax(a.amplitudes, tau))
		mode.X, mode.Y = append(mode.X, tau), append(mode.Y, a.amplitudes[1]*math.Exp(-t.spectrum.Values[1]*tau))
	}
	cfg := figure.LinesConfig{Options: figure.Options{
		Title: t.title, X: figure.Axis{Label: "τ"}, Y: figure.Axis{Label: "⟨" + a.title + "⟩_τ", Log: decays},
	}}
	series := []figure.Series{curve, points}
	if decays {
		series = []figure.Series{mode, curve, points}
		rate, _ := l.table.Get("langevin_"+t.name, "decay_rate")
		cfg.Note = fmt.Sprintf("E_1 = %.4g\nmeasured decay %v", t.spectrum.Values[1], rate)
	} else {
		cfg.References = []figure.Reference{{Label: "equilibrium", Value: t.exact.phi2}}
	}
	f, err := figure.Lines(series, cfg)
	return l.save("relaxation_"+a.name+"_"+t.name+".png", f, err)
}

// plotBias draws the observables of φ⁴ against Δτ with their extrapolation, and the
// relative bias of the free field with its closed form.
func (l *langevin) plotBias() error {
	for j, o := range observables {
		if err := l.plotExtrapolation(j, o.name, o.label); err != nil {
			return err
		}
	}
	return l.plotFree()
}

func (l *langevin) plotExtrapolation(j int, name, label string) error {
	t := l.theories[0]
	last := l.dtau[len(l.dtau)-1]
	fit := figure.Series{Name: "extrapolation", Color: figure.Blue}
	for i := range 101 {
		x := last * float64(i) / 100
		e := t.fits[j].at(x)
		fit.X, fit.Y, fit.Err = append(fit.X, x), append(fit.Y, e.Value), append(fit.Err, e.Error)
	}
	points := figure.Series{Name: "Langevin", Style: figure.Markers, Color: figure.Vermillion}
	for i, e := range t.values[j] {
		points.X, points.Y, points.Err = append(points.X, l.dtau[i]), append(points.Y, e.Value), append(points.Err, e.Error)
	}
	reference, _ := l.table.Get("reference", name)
	mala, _ := l.table.Get("mala", name)
	exact := figure.Series{
		Name: "MALA", Style: figure.Markers, Color: figure.Green,
		X: []float64{-last / 40}, Y: []float64{mala.Value}, Err: []float64{mala.Error},
	}
	f, err := figure.Lines([]figure.Series{fit, points, exact}, figure.LinesConfig{
		Options: figure.Options{
			Title: fmt.Sprintf("%v, κ = %v, λ = %v", t.action.Layout().Lattice, t.action.Kappa(), t.action.Lambda()),
			Note:  fmt.Sprintf("Δτ → 0: %v\nexact: %v", t.fits[j].at(0), reference),
			X:     figure.Axis{Label: "Δτ", Min: -last / 20, Max: 1.05 * last}, Y: figure.Axis{Label: label},
		},
		References: []figure.Reference{{Label: "cluster, Metropolis", Value: reference.Value, Err: reference.Error}},
	})
	return l.save("bias_"+name+".png", f, err)
}

func (l *langevin) plotFree() error {
	t := l.theories[1]
	last := l.dtau[len(l.dtau)-1]
	colors := []figure.Color{figure.Blue, figure.Vermillion, figure.Green}
	exact := t.exact(0)
	var series []figure.Series
	for j, o := range observables {
		line := figure.Series{Style: figure.Dashed, Color: colors[j]}
		for i := range 101 {
			x := last * float64(i) / 100
			line.X, line.Y = append(line.X, x), append(line.Y, t.exact(x)[j]/exact[j]-1)
		}
		points := figure.Series{Name: o.label, Style: figure.Markers, Color: colors[j]}
		for i, e := range t.values[j] {
			points.X = append(points.X, l.dtau[i])
			points.Y = append(points.Y, e.Value/exact[j]-1)
			points.Err = append(points.Err, e.Error/exact[j])
		}
		series = append(series, line, points)
	}
	f, err := figure.Lines(series, figure.LinesConfig{Options: figure.Options{
		Title: fmt.Sprintf("free field, %v, κ = %v", t.action.Layout().Lattice, t.action.Kappa()),
		Note:  "points: Langevin\nlines: 1/(2ω_{k}(1 − ω_{k}Δτ)) per mode",
		X:     figure.Axis{Label: "Δτ", Min: -last / 20, Max: 1.05 * last}, Y: figure.Axis{Label: "relative bias"},
	}})
	return l.save("bias_free.png", f, err)
}
