package measure

import (
	"errors"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/stats"
)

// named says which observable an error is about.
func named(name string, err error) error { return fmt.Errorf("measure: %s: %w", name, err) }

// check returns the volume of the replicas, and an error for none, for different ones or
// for fewer than two configurations.
func check(replicas []Series) (int, error) {
	if len(replicas) == 0 {
		return 0, errors.New("measure: expected at least one series, got none")
	}
	n := 0
	for _, s := range replicas {
		n += s.Len()
		if s.Volume < 1 || s.Volume != replicas[0].Volume {
			return 0, fmt.Errorf("measure: expected series of one positive volume, got %d and %d", replicas[0].Volume, s.Volume)
		}
	}
	if n < 2 {
		return 0, fmt.Errorf("measure: expected at least two configurations, got %d", n)
	}
	return replicas[0].Volume, nil
}

// independent returns the blocks of the jackknife of n independent values.
func independent(n int) int { return min(100, n) }

// Chain returns the observables of the replicas of a Markov chain with errors from the
// Γ-method, and [TauAbsM]. It returns an error for no replicas, for replicas of different
// volumes or for fewer than two configurations.
func Chain(replicas ...Series) (Values, error) {
	volume, err := check(replicas)
	if err != nil {
		return nil, err
	}
	columns, abs := make([][][]float64, len(replicas)), make([][]float64, len(replicas))
	for i, r := range replicas {
		columns[i], abs[i] = r.columns(), r.AbsMagnetization()
	}
	out, err := estimate(volume, func(f func([]float64) float64) (Value, error) {
		g, err := stats.GammaFunc(columns, stats.GammaConfig{}, f)
		if errors.Is(err, stats.ErrNegativeVariance) {
			// A short chain without autocorrelation can fluctuate to a negative τ_int.
			g.Mean, err = stats.Jackknife(concatenate(columns), min(20, len(columns[0][0])), f)
		}
		return Value{Estimate: g.Mean}, Usable(err)
	})
	if err != nil {
		return nil, err
	}
	g, err := stats.GammaMethod(abs, stats.GammaConfig{})
	if errors.Is(err, stats.ErrNegativeVariance) {
		g.Tau.Estimate = stats.Estimate{Value: math.NaN(), Error: math.NaN()}
	} else if err := Usable(err); err != nil {
		return nil, named("τ_int of |M|", err)
	}
	return append(out, Value{TauAbsM, g.Tau.Estimate}), nil
}

// Independent returns the observables of independent configurations, with errors from the
// jackknife. It returns an error for fewer than two of them.
func Independent(s Series) (Values, error) {
	volume, err := check([]Series{s})
	if err != nil {
		return nil, err
	}
	columns := s.columns()
	return estimate(volume, func(f func([]float64) float64) (Value, error) {
		e, err := stats.Jackknife(columns, independent(s.Len()), f)
		return Value{Estimate: e}, err
	})
}

// Reweighted returns the observables of independent configurations with the log-weights
// logw: expectation values of the distribution that they are weighted to. It returns an
// error for fewer than two configurations, another number of weights or no finite one.
func Reweighted(s Series, logw []float64) (Values, error) {
	volume, err := check([]Series{s})
	if err != nil {
		return nil, err
	}
	columns := s.columns()
	return estimate(volume, func(f func([]float64) float64) (Value, error) {
		e, err := stats.Reweight(columns, logw, independent(s.Len()), f)
		return Value{Estimate: e}, err
	})
}

// concatenate joins the replicas of every column.
func concatenate(replicas [][][]float64) [][]float64 {
	out := make([][]float64, len(replicas[0]))
	for _, r := range replicas {
		for k, x := range r {
			out[k] = append(out[k], x...)
		}
	}
	return out
}

// Signs returns [PositiveFraction] of the replicas of a Markov chain, or of one set of
// independent configurations: 1/2 for a symmetric theory whose chain moves between the
// signs. It returns an error for no replicas or fewer than two configurations.
func Signs(replicas ...Series) (Values, error) {
	positive := make([][]float64, len(replicas))
	for r, s := range replicas {
		positive[r] = make([]float64, s.Len())
		for i, m := range s.M {
			if m > 0 {
				positive[r][i] = 1
			}
		}
	}
	e, err := mean(positive)
	if err != nil {
		return nil, named(PositiveFraction, err)
	}
	return Values{{PositiveFraction, e}}, nil
}

// mean returns the mean of correlated series.
func mean(series [][]float64) (stats.Estimate, error) {
	g, err := stats.GammaMethod(series, stats.GammaConfig{})
	if errors.Is(err, stats.ErrNegativeVariance) {
		var all []float64
		for _, x := range series {
			all = append(all, x...)
		}
		g.Mean, err = stats.Mean(all)
	}
	return g.Mean, Usable(err)
}
