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
// the distribution changes from exp(-S) to exp(-S-δS); see [stats.Response].
// correction[r] is the series of δS along replica r. ⟨M⟩ is left out; for a symmetric
// theory it does not shift.
func AddResponse(file *results.File, ensemble string, volume int, correction [][]float64, replicas ...Series) error {
	columns := make([][][]float64, len(replicas))
	for r, s := range replicas {
		columns[r] = s.columns()
	}
	for _, d := range derived {
		if d.name == M {
			continue
		}
		g, err := stats.Response(columns, correction, stats.GammaConfig{}, func(m []float64) float64 { return d.f(float64(volume), m) })
		if errors.Is(err, stats.ErrNegativeVariance) {
			// The shift is known, its error is not.
			err = nil
		}
		if err := Usable(err); err != nil {
			return fmt.Errorf("%s: shift of %s: %w", ensemble, d.name, err)
		}
		file.Add(ensemble, Bias+d.name, g.Mean)
	}
	return nil
}
