package diffusion

import (
	"math"
	"testing"
)

// Averages over the density, with weights, are those over the whole range, and a part of the
// points that is the focus plus what is uniform lies where the loss is.
func TestDensity(t *testing.T) {
	const n, focus = 100000, 0.8
	loss := func(u float64) float64 { return math.Exp(-math.Pow((u-0.6)/0.1, 2) / 2) }
	for name, c := range map[string]struct {
		d      density
		inside float64 // of the points, within two widths of the peak
	}{
		"uniform": {density{}, 0.4},
		"focused": {newDensity(focus, loss), (1-focus)*0.4 + focus*math.Erf(math.Sqrt2)},
		"no loss": {newDensity(focus, func(float64) float64 { return 0 }), 0.4},
	} {
		var sum [3]float64
		inside, last := 0.0, 0.0
		for i := range n {
			u, density := c.d.at((float64(i) + 0.5) / n)
			if u < last || u > 1 {
				t.Fatalf("%s: %v follows %v", name, u, last)
			}
			last = u
			for k, f := range []float64{1, u, loss(u)} {
				sum[k] += f / density / n
			}
			if math.Abs(u-0.6) < 0.2 {
				inside += 1. / n
			}
		}
		// Intervals of the density are hit by n/densityPoints points, at least a fifth of that, each:
		// one more or less at the ends of all is the error.
		want := []float64{1, 0.5, 0.1 * math.Sqrt(2*math.Pi) * (math.Erf(4/math.Sqrt2) + math.Erf(6/math.Sqrt2)) / 2}
		for k, w := range want {
			if math.Abs(sum[k]-w) > 5*densityPoints/float64(n) {
				t.Errorf("%s: average %d is %v, expected %v", name, k, sum[k], w)
			}
		}
		// The peak falls into intervals of 1/densityPoints, at whose ends the loss is e⁻² of it.
		if math.Abs(inside-c.inside) > 2./densityPoints {
			t.Errorf("%s: %v of the points are near the peak, expected %v", name, inside, c.inside)
		}
	}
}
