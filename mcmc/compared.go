package mcmc

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/latdiff/latdiff/lattice"
)

// comparedComponents bounds the components whose magnetisations chains are compared by.
const comparedComponents = 8

// compared are the observables that chains are compared by: |M| and S and, of several
// components, |M_c| of each and the product M_c·M_d of every two, which tells their relative
// sign. Components beyond the first eight are left out of the latter.
type compared struct {
	layout lattice.Layout
	names  []string
	m      []float64
}

func newCompared(l lattice.Layout) *compared {
	o := &compared{layout: l, names: []string{"|M|", "S"}, m: make([]float64, l.Components)}
	if l.Components == 1 {
		return o
	}
	n := min(l.Components, comparedComponents)
	for c := range n {
		o.names = append(o.names, fmt.Sprintf("|M_%d|", c))
		for d := range c {
			o.names = append(o.names, fmt.Sprintf("M_%d·M_%d", d, c))
		}
	}
	return o
}

// add appends the values of a field with the action s to the series of the observables.
func (o *compared) add(series [][]float64, phi []float64, s float64) {
	series[0] = append(series[0], o.layout.AbsMagnetization(phi))
	series[1] = append(series[1], s)
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

// significance returns the number of standard deviations beyond which one of n observables
// disagrees: four for the two that every theory has, and what is passed as rarely by chance
// for more of them.
func significance(n int) float64 {
	if n <= 2 {
		return significant
	}
	return -distuv.UnitNormal.Quantile(2 * distuv.UnitNormal.CDF(-significant) / float64(n))
}
