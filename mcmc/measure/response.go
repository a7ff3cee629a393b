package measure

import (
	"errors"

	"github.com/latdiff/latdiff/stats"
)

// Response returns how the observables of [Chain] shift, to first order in δS, when the
// distribution changes from exp(-S) to exp(-S-δS), under their names with [Bias] in front;
// see [stats.Response]. correction[r] is the series of δS along replica r. ⟨M⟩ is left out;
// for a symmetric theory it does not shift. It returns an error for no replicas, different
// lengths or fewer than two configurations.
func Response(correction [][]float64, replicas ...Series) (Values, error) {
	volume, err := check(replicas)
	if err != nil {
		return nil, err
	}
	columns := make([][][]float64, len(replicas))
	for r, s := range replicas {
		columns[r] = s.columns()
	}
	all, err := estimate(volume, func(f func([]float64) float64) (Value, error) {
		g, err := stats.Response(columns, correction, stats.GammaConfig{}, f)
		if errors.Is(err, stats.ErrNegativeVariance) {
			// The shift is known, its error is not.
			err = nil
		}
		return Value{Estimate: g.Mean}, Usable(err)
	})
	if err != nil {
		return nil, err
	}
	var out Values
	for _, v := range all {
		if v.Name != M {
			out = append(out, Value{Bias + v.Name, v.Estimate})
		}
	}
	return out, nil
}
