package main

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// approach is the relaxation (2.7) of one observable.
type approach struct {
	name       string // in files
	title      string
	tau        []float64
	mean       []stats.Estimate // over the processes
	amplitudes []float64        // of the Fokker–Planck equation
	pull       float64          // the largest deviation in standard errors
}

// relaxation compares ⟨φ⟩_τ and ⟨φ²⟩_τ with the Fokker–Planck equation, each over the
// time that its own slowest mode takes, from a start far out on one side.
func (l *langevin) relaxation(ctx context.Context, t *toy) error {
	const records = 48
	mean, sd := 0.6*t.exact.reach, t.exact.reach/20
	start, err := t.equation.Gaussian(nil, mean, sd)
	if err != nil {
		return err
	}
	for i, o := range []struct {
		name, title string
		f           func(float64) float64
		tau         float64
	}{
		{measure.M, "φ", func(x float64) float64 { return x }, 3 / t.spectrum.Values[1]},
		{measure.Phi2, "φ²", func(x float64) float64 { return x * x }, 6 / t.spectrum.Values[2]},
	} {
		a := &approach{name: o.name, title: o.title}
		if a.amplitudes, err = t.spectrum.Amplitudes(start, o.f); err != nil {
			return err
		}
		dtau, thin := l.divide(o.tau, records)
		var rows [][]float64
		err = l.folder.Task(ctx, "relaxation of "+o.title+", "+t.name, func(task *progress.Task) error {
			draw := func(rng *rand.Rand) float64 { return mean + sd*rng.NormFloat64() }
			rows, err = t.evolve(ctx, task, uint64(1+i), dtau, draw, l.o.Processes, records, thin)
			return err
		})
		if err != nil {
			return err
		}
		for r, row := range rows {
			values := make([]float64, len(row))
			for j, x := range row {
				values[j] = o.f(x)
			}
			e, err := stats.Mean(values)
			if err != nil {
				return err
			}
			tau := float64(r*thin) * dtau
			a.tau, a.mean = append(a.tau, tau), append(a.mean, e)
			a.pull = max(a.pull, math.Abs(e.Pull(t.spectrum.Relax(a.amplitudes, tau))))
		}
		l.table.Add("langevin_"+t.name, "pull_"+a.name, known(a.pull))
		if i == 0 {
			rate, err := t.decay(a, rows)
			if err != nil {
				return err
			}
			l.table.Add("langevin_"+t.name, "decay_rate", rate)
		}
		if err := l.plotRelaxation(t, a); err != nil {
			return err
		}
	}
	return nil
}

// decay fits ⟨φ⟩_τ ∝ e^{-Eτ} to the processes. The Fokker–Planck equation only chooses
// the weights and the range of the fit, from where the higher modes are 0.3 % of the
// slowest to where that is ten standard errors. All times share the processes,
// so that the error is that of a jackknife over these. The rate is NaN if fewer than
// three times are in the range.
func (t *toy) decay(a *approach, rows [][]float64) (stats.Estimate, error) {
	var tau, weight []float64
	var cols [][]float64
	for r, x := range a.tau {
		slowest := a.amplitudes[1] * math.Exp(-t.spectrum.Values[1]*x)
		higher := t.spectrum.Relax(a.amplitudes, x) - a.amplitudes[0] - slowest
		if math.Abs(higher) > 3e-3*math.Abs(slowest) || math.Abs(slowest) < 10*a.mean[r].Error {
			continue
		}
		// The variance of log⟨φ⟩ is that of ⟨φ⟩ over ⟨φ⟩².
		tau, weight = append(tau, x), append(weight, slowest*slowest)
		cols = append(cols, rows[r])
	}
	if len(tau) < 3 {
		return stats.Estimate{Value: math.NaN(), Error: math.NaN()}, nil
	}
	return stats.Jackknife(cols, min(64, len(cols[0])), func(m []float64) float64 {
		var w, x, y, xx, xy float64
		for i, u := range weight {
			v := math.Log(m[i])
			w, x, y = w+u, x+u*tau[i], y+u*v
			xx, xy = xx+u*tau[i]*tau[i], xy+u*tau[i]*v
		}
		return (x*y - w*xy) / (w*xx - x*x)
	})
}
