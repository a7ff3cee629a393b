package mcmc

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/latdiff/latdiff/lattice"
)

// comparedComponents bounds the components whose magnetisations chains are compared by.
const comparedComponents = 8

// compared are the observables that chains are compared by: |M| and S and, of several
// components, |M_c| of each and the product M_c·M_d of every two, which tells their relative
// sign. Components beyond the first eight are left out of the latter. Of an action of fields with
// a topological charge it is also that, the last one.
type compared struct {
	layout  lattice.Layout
	names   []string
	m       []float64
	charged lattice.ChargedAction // nil: none
}

func newCompared(action lattice.Action) *compared {
	l := action.Layout()
	o := &compared{layout: l, names: []string{"|M|", "S"}, m: make([]float64, l.Components)}
	if l.Components > 1 {
		for c := range min(l.Components, comparedComponents) {
			o.names = append(o.names, fmt.Sprintf("|M_%d|", c))
			for d := range c {
				o.names = append(o.names, fmt.Sprintf("M_%d·M_%d", d, c))
			}
		}
	}
	if charged, ok := action.(lattice.ChargedAction); ok {
		if _, ok := charged.TopologicalCharge(make([]float64, l.Size())); ok {
			o.charged, o.names = charged, append(o.names, "Q")
		}
	}
	return o
}

// add appends the values of a field with the action s to the series of the observables.
func (o *compared) add(series [][]float64, phi []float64, s float64) {
	series[0] = append(series[0], o.layout.AbsMagnetization(phi))
	series[1] = append(series[1], s)
	if last := len(o.names) - 1; o.charged != nil {
		q, _ := o.charged.TopologicalCharge(phi)
		series[last] = append(series[last], float64(q))
	}
	if o.layout.Components == 1 {
		return
	}
	o.layout.Magnetization(o.m, phi)
	i := 2
	for c := range min(o.layout.Components, comparedComponents) {
		series[i] = append(series[i], math.Abs(o.m[c]))
		i++
		for d := range c {
			series[i] = append(series[i], o.m[d]*o.m[c])
			i++
		}
	}
}

// isCharge says whether observable i is the charge.
func (o *compared) isCharge(i int) bool { return o.charged != nil && i == len(o.names)-1 }

// agreement compares the chains by observable i.
func (o *compared) agreement(i int, series [][]float64, hot []bool) agreement {
	if o.isCharge(i) {
		return compareCharges(o.names[i], series)
	}
	return compare(o.names[i], series, hot, significance(len(o.names)))
}

// compareCharges compares the chains by an integer that may rightly be the same for a long
// time. What speaks against them is that each of two has kept its own.
func compareCharges(observable string, series [][]float64) agreement {
	a := agreement{observable: observable, rhat: math.NaN(), limit: math.NaN(), z: math.NaN(), still: -1}
	kept := -1
	for c, x := range series {
		if len(x) < stillSteps || slices.ContainsFunc(x, func(q float64) bool { return q != x[0] }) {
			continue
		}
		if kept >= 0 && x[0] != series[kept][0] {
			a.still, a.outlier, a.frozen = c, c, true
			return a
		}
		kept = c
	}
	return a
}

// significance returns the number of standard deviations beyond which one of n observables
// disagrees: four for the two that every theory has, and what is passed as rarely by chance
// for more of them.
func significance(n int) float64 {
	if n <= 2 {
		return significant
	}
	return -distuv.UnitNormal.Quantile(2 * distuv.UnitNormal.CDF(-significant) / float64(n))
}
