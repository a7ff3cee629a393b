package measure

import (
	"errors"
	"fmt"

	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/stats"
)

// Bias is put before the name of an observable for its shift by an approximation.
const Bias = "bias_"

// AddResponse adds how the observables of AddChain shift, to first order in δS, when
// the distribution changes from exp(-S) to exp(-S-δS): by -Cov(O, δS) for a mean, and
// by what that makes of a function of means. correction[r] is the series of δS along
// replica r. ⟨M⟩ is left out; for a symmetric theory it does not shift.
func AddResponse(file *results.File, ensemble string, volume int, correction [][]float64, replicas ...Series) error {
	// A constant in δS has no effect, but without its mean less is lost to rounding.
	mean, n := 0.0, 0
	for _, x := range correction {
		for _, v := range x {
			mean += v
		}
		n += len(x)
	}
	mean /= float64(n)
	columns := make([][][]float64, len(replicas))
	for r, s := range replicas {
		primary := s.columns()
		columns[r] = primary
		shift := make([]float64, len(correction[r]))
		for t, v := range correction[r] {
			shift[t] = v - mean
		}
		for _, x := range primary {
			product := make([]float64, len(x))
			for t, v := range x {
				product[t] = v * shift[t]
			}
			columns[r] = append(columns[r], product)
		}
		columns[r] = append(columns[r], shift)
	}
	for _, d := range derived {
		if d.name == M {
			continue
		}
		f := func(m []float64) float64 {
			k := len(m) / 2
			shifted := make([]float64, k)
			for i := range shifted {
				shifted[i] = m[i] - (m[k+i] - m[i]*m[2*k])
			}
			return d.f(float64(volume), shifted) - d.f(float64(volume), m[:k])
		}
		g, err := stats.GammaFunc(columns, stats.GammaConfig{}, f)
		if errors.Is(err, stats.ErrNegativeVariance) {
			// A short chain without autocorrelation can fluctuate to a negative τ_int.
			g.Mean, err = stats.Jackknife(concatenate(columns), min(20, len(columns[0][0])), f)
		}
		if err := Usable(err); err != nil {
			return fmt.Errorf("%s: shift of %s: %w", ensemble, d.name, err)
		}
		file.Add(ensemble, Bias+d.name, g.Mean)
	}
	return nil
}
