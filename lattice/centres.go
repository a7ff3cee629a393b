package lattice

import "math"

// centres tabulates the minimum c(h) of V(v) - hv over v for a potential V of one variable
// that is bounded from below: the point to reflect a site about in the field h of its
// neighbours.
type centres struct {
	// c holds c(h) at equal distances 1/density from h = lo on.
	lo, density float64
	c           []float64
}

// newCentres looks at V where it is less than 15 above its minimum; beyond, c(h) stays
// at the ends. The minima for all h are the corners of the lower convex hull of V: that
// between the slopes s₁ and s₂ is the minimum for s₁ < h < s₂.
func newCentres(potential func(v float64) float64) centres {
	const points, entries, height = 2048, 2048, 15
	reach := 1.0
	x, y := make([]float64, points+1), make([]float64, points+1)
	for {
		least := math.Inf(1)
		for i := range x {
			x[i] = reach * (2*float64(i)/points - 1)
			y[i] = potential(x[i])
			least = min(least, y[i])
		}
		if !(y[0] < least+height || y[points] < least+height) || reach > 1e6 {
			break
		}
		reach *= 1.1
	}
	slope := func(i, j int) float64 { return (y[j] - y[i]) / (x[j] - x[i]) }
	var hull []int
	for i := range x {
		for n := len(hull); n >= 2 && slope(hull[n-2], hull[n-1]) >= slope(hull[n-1], i); n = len(hull) {
			hull = hull[:n-1]
		}
		hull = append(hull, i)
	}
	last := len(hull) - 1
	lo, hi := slope(hull[0], hull[1]), slope(hull[last-1], hull[last])
	t := centres{lo: lo, density: entries / (hi - lo), c: make([]float64, entries+1)}
	k := 0
	for j := range t.c {
		h := lo + float64(j)/t.density
		for k < last && slope(hull[k], hull[k+1]) < h {
			k++
		}
		t.c[j] = x[hull[k]]
	}
	return t
}

// at returns c(h), interpolated.
func (t *centres) at(h float64) float64 {
	p := (h - t.lo) * t.density
	switch last := float64(len(t.c) - 1); {
	case !(p > 0):
		return t.c[0]
	case p >= last:
		return t.c[len(t.c)-1]
	}
	i := int(p)
	return t.c[i] + (p-float64(i))*(t.c[i+1]-t.c[i])
}
