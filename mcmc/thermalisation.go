package mcmc

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/latdiff/latdiff/stats"
)

// HotCold compares an observable between the chains that started hot and those
// that started cold.
type HotCold struct {
	Name string
	// Hot and Cold are the means over the chains, with errors from the spread of
	// the means of chains, which holds for any autocorrelation.
	Hot, Cold stats.Estimate
	// Z is the difference in standard deviations: the normal quantile of the
	// probability that Welch's t-test gives to a difference as large as this, so
	// that it is fair for a few chains too. Positive if hot is above cold.
	Z float64
	// RHat is the rank-normalised split-R̂ of all chains, see [stats.RankRHat], cut to
	// the length of the shortest; NaN if that is below 8 configurations or if
	// nothing varies.
	RHat float64
}

// ThermalisationCheck compares |M|, M² and, with an action, S/V between the hot and
// the cold chains of an ensemble made with [StartMixed]. If the chains have
// forgotten their start, Z is a standard normal number; |Z| > 4 in any of them means
// that the thermalisation was too short. A small Z does not prove the opposite if
// the errors are large: 8 chains of each kind are a sensible minimum.
//
// It returns an error unless there are two hot and two cold chains with
// configurations.
func (r *EnsembleResult) ThermalisationCheck() ([]HotCold, error) {
	v := float64(r.Ensemble.Volume())
	abs := r.Ensemble.Measure(nil, r.Ensemble.AbsMagnetization)
	square := make([]float64, len(abs))
	for i, x := range abs {
		square[i] = x * x
	}
	check := []HotCold{{Name: "|M|"}, {Name: "M²"}}
	values := [][]float64{abs, square}
	if s, ok := r.Ensemble.Extra["action"]; ok {
		density := make([]float64, len(s))
		for i, x := range s {
			density[i] = x / v
		}
		check = append(check, HotCold{Name: "S/V"})
		values = append(values, density)
	}
	for i := range check {
		var hot, cold []float64
		for _, c := range r.Chains {
			if c.Len == 0 {
				continue
			}
			// The error of the mean, which one configuration does not have, is not used.
			e, err := stats.Mean(values[i][c.First : c.First+c.Len])
			if c.Len > 1 && err != nil {
				return nil, fmt.Errorf("mcmc: thermalisation check of %s: %w", check[i].Name, err)
			}
			if c.Hot {
				hot = append(hot, e.Value)
			} else {
				cold = append(cold, e.Value)
			}
		}
		if len(hot) < 2 || len(cold) < 2 {
			return nil, fmt.Errorf("mcmc: expected at least two hot and two cold chains with configurations, got %d and %d", len(hot), len(cold))
		}
		var err error
		if check[i].Hot, err = stats.Mean(hot); err != nil {
			return nil, fmt.Errorf("mcmc: thermalisation check of %s: %w", check[i].Name, err)
		}
		if check[i].Cold, err = stats.Mean(cold); err != nil {
			return nil, fmt.Errorf("mcmc: thermalisation check of %s: %w", check[i].Name, err)
		}
		check[i].RHat = r.rHat(values[i])
		check[i].Z = welch(check[i].Hot, len(hot), check[i].Cold, len(cold))
	}
	return check, nil
}

// rHat returns the R̂ of an observable of all configurations.
func (r *EnsembleResult) rHat(values []float64) float64 {
	shortest := len(values)
	for _, c := range r.Chains {
		shortest = min(shortest, c.Len)
	}
	series := make([][]float64, len(r.Chains))
	for i, c := range r.Chains {
		series[i] = values[c.First : c.First+shortest]
	}
	v, err := stats.RankRHat(series)
	if err != nil {
		return math.NaN()
	}
	return v
}

// welch returns the difference of two means of n and m values as a normal quantile
// (B. L. Welch, Biometrika 34 (1947) 28).
func welch(a stats.Estimate, n int, b stats.Estimate, m int) float64 {
	t := a.Sigma(b)
	if t == 0 || !finite(t) {
		return t
	}
	va, vb := a.Error*a.Error, b.Error*b.Error
	nu := (va + vb) * (va + vb) / (va*va/float64(n-1) + vb*vb/float64(m-1))
	p := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}.CDF(-math.Abs(t))
	if p < 1e-300 {
		// The leading order of both tails, where the probability underflows.
		return math.Copysign(math.Sqrt(nu*math.Log1p(t*t/nu)), t)
	}
	return math.Copysign(distuv.UnitNormal.Quantile(p), t)
}
