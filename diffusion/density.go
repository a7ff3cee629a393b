package diffusion

import (
	"math"
	"sort"
)

// density is that of the noise levels in the fraction u of the range of levels, constant
// between equidistant points: the uniform one for no points.
type density struct {
	values     []float64
	cumulative []float64 // at the ends of the intervals, from 0 to 1
}

// densityPoints is the number of intervals of a density.
const densityPoints = 400

// newDensity returns 1 - focus + focus·loss(u)/⟨loss⟩.
func newDensity(focus float64, loss func(u float64) float64) density {
	d := density{values: make([]float64, densityPoints), cumulative: make([]float64, densityPoints+1)}
	for i := range d.values {
		d.values[i] = loss((float64(i) + 0.5) / densityPoints)
	}
	if average := mean(d.values); average > 0 {
		for i := range d.values {
			d.values[i] = 1 - focus + focus*d.values[i]/average
			d.cumulative[i+1] = d.cumulative[i] + d.values[i]/densityPoints
		}
		return d
	}
	return density{}
}

// at returns the point below which a part p of the density lies, and the density there.
func (d density) at(p float64) (u, value float64) {
	if d.values == nil {
		return p, 1
	}
	i := max(0, min(sort.SearchFloat64s(d.cumulative, p), densityPoints)-1)
	u = (float64(i) + (p-d.cumulative[i])/(d.cumulative[i+1]-d.cumulative[i])) / densityPoints
	return math.Min(u, 1), d.values[i]
}
