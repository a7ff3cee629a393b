package main

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/stats"
)

// relaxation is how V⟨M²⟩ approaches its equilibrium from the hot start.
type relaxation struct {
	// Tau is the relaxation time of the slowest mode, Needed the step at which the bias
	// is 1 %, by extrapolation with that mode; NaN where the approach is too quick for
	// a fit.
	Tau, Needed stats.Estimate
	// Settled is the first step that is kept from which on no deviation exceeds two
	// standard errors and 1 %, or 0 if there is none.
	Settled int
}

const tolerance = 0.01

// relax fits 1 - V⟨M²⟩_t/V⟨M²⟩ = A e^{-t/τ} from where that is below one half, so that the
// quick modes have decayed, to where it is three standard errors. All times share the
// chains: the errors are those of a jackknife over the chains, for the given equilibrium.
// Weights are those of the logarithm.
func relax(a approach, equilibrium stats.Estimate, volume float64) (relaxation, error) {
	r := relaxation{Tau: unknown, Needed: unknown}
	means, err := a.squares(volume)
	if err != nil {
		return r, err
	}
	var at, weight []float64
	var columns [][]float64
	noise := false
	for k, e := range means {
		distance := equilibrium.Value - e.Value
		sigma := math.Hypot(e.Error, equilibrium.Error)
		if math.Abs(distance) > math.Max(2*sigma, tolerance*equilibrium.Value) {
			r.Settled = 0
		} else if r.Settled == 0 {
			r.Settled = a.Times[k]
		}
		if distance > equilibrium.Value/2 || noise {
			continue
		}
		if noise = distance < 3*sigma; noise {
			continue
		}
		at, weight = append(at, float64(a.Times[k])), append(weight, distance*distance/(sigma*sigma))
		x := make([]float64, len(a.M[k]))
		for c, m := range a.M[k] {
			x[c] = volume * m * m
		}
		columns = append(columns, x)
	}
	return r, r.fit(at, weight, columns, equilibrium.Value)
}

func (r *relaxation) fit(at, weight []float64, columns [][]float64, equilibrium float64) error {
	if len(at) < 4 {
		return nil
	}
	// line returns intercept and slope of log(1 - m/equilibrium).
	line := func(m []float64) (c, slope float64) {
		var w, x, y, xx, xy float64
		for i, u := range weight {
			v := math.Log(math.Max(1-m[i]/equilibrium, math.SmallestNonzeroFloat64))
			w, x, y = w+u, x+u*at[i], y+u*v
			xx, xy = xx+u*at[i]*at[i], xy+u*at[i]*v
		}
		slope = (w*xy - x*y) / (w*xx - x*x)
		return (y - slope*x) / w, slope
	}
	var err error
	if r.Tau, err = stats.Jackknife(columns, groups, func(m []float64) float64 {
		_, slope := line(m)
		return -1 / slope
	}); err != nil {
		return fmt.Errorf("relaxation time: %w", err)
	}
	r.Needed, err = stats.Jackknife(columns, groups, func(m []float64) float64 {
		c, slope := line(m)
		return (math.Log(tolerance) - c) / slope
	})
	if err != nil {
		return fmt.Errorf("steps to the equilibrium: %w", err)
	}
	return nil
}

var unknown = stats.Estimate{Value: math.NaN(), Error: math.NaN()}
