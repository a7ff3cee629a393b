package stats

import "fmt"

// Response estimates by how much a derived quantity f(⟨a_1⟩, …, ⟨a_K⟩) shifts when the
// distribution e^{-S} of the samples becomes e^{-S-δS}, to first order in δS: every mean
// shifts by
//
//	δ⟨a_k⟩ = -(⟨a_k δS⟩ - ⟨a_k⟩⟨δS⟩),
//
// and the result is f(⟨a⟩ + δ⟨a⟩) - f(⟨a⟩). It is [Reweight] with the weights e^{-δS}
// where δS is small, for the effect of an approximation or of a small change of a coupling,
// with an error that knows that most fluctuations are common to both distributions.
//
// replicas[r][k] is the series of a_k along replica r and deltaS[r] that of δS, of which a
// constant has no effect. Errors are from the Γ-method; the result, the configuration and
// the errors returned are those of [GammaFunc].
func Response(replicas [][][]float64, deltaS [][]float64, cfg GammaConfig, f func(means []float64) float64) (GammaResult, error) {
	res := undefinedGamma()
	if len(replicas) == 0 || len(replicas[0]) == 0 {
		return res, ErrEmpty
	}
	if len(deltaS) != len(replicas) {
		return res, fmt.Errorf("stats: expected a series of δS for each of %d replicas, got %d", len(replicas), len(deltaS))
	}
	observables := len(replicas[0])
	for r, cols := range replicas {
		if len(cols) != observables {
			return res, fmt.Errorf("stats: expected %d observables in each replica, got %d in replica %d", observables, len(cols), r)
		}
		if _, err := checkColumns(append([][]float64{deltaS[r]}, cols...)); err != nil {
			return res, fmt.Errorf("%w (replica %d, column 0 is δS)", err, r)
		}
	}
	// The means over everything are taken out of all series: what is left of a product
	// keeps its digits. Columns are the deviations of a_k, their products with that of δS,
	// and the deviation of δS.
	change := deviations(deltaS)
	columns := make([][][]float64, len(replicas))
	for r := range columns {
		columns[r] = make([][]float64, 2*observables+1)
		columns[r][2*observables] = change.dev[r]
	}
	mean := make([]float64, observables)
	series := make([][]float64, len(replicas))
	for k := range mean {
		for r := range series {
			series[r] = replicas[r][k]
		}
		a := deviations(series)
		mean[k] = a.mean
		for r, d := range a.dev {
			product := make([]float64, len(d))
			for i, v := range d {
				product[i] = v * change.dev[r][i]
			}
			columns[r][k], columns[r][observables+k] = d, product
		}
	}
	before, after := make([]float64, observables), make([]float64, observables)
	return GammaFunc(columns, cfg, func(m []float64) float64 {
		for k := range mean {
			before[k] = mean[k] + m[k]
			after[k] = before[k] - (m[observables+k] - m[k]*m[2*observables])
		}
		return f(after) - f(before)
	})
}

// deviations returns centre(replicas...) in the unit of the series.
func deviations(replicas [][]float64) centred {
	c := centre(replicas...)
	for _, d := range c.dev {
		for i := range d {
			d[i] *= c.scale
		}
	}
	c.scale = 1
	return c
}
