package flow

import (
	"math"
	"testing"
)

// The weights of n slopes integrate polynomials of degree below n exactly; those known by
// name are the textbook's.
func TestLagrangeWeights(t *testing.T) {
	for n := 1; n <= correctorNodes; n++ {
		for _, ends := range [][2]float64{{0, 1}, {-1, 0}, {-2.5, -0.5}, {float64(1 - n), 0}} {
			w := lagrangeWeights(n, ends[0], ends[1])
			for degree := range n {
				sum := 0.0
				for i, v := range w {
					sum += v * math.Pow(float64(-i), float64(degree))
				}
				p := float64(degree + 1)
				if want := (math.Pow(ends[1], p) - math.Pow(ends[0], p)) / p; math.Abs(sum-want) > 1e-9*math.Max(1, math.Abs(want)) {
					t.Errorf("%d slopes from %v to %v: x^%d integrates to %v, want %v", n, ends[0], ends[1], degree, sum, want)
				}
			}
		}
	}
	for i, want := range []float64{55. / 24, -59. / 24, 37. / 24, -9. / 24} {
		if got := lagrangeWeights(4, 0, 1)[i]; math.Abs(got-want) > 1e-13 {
			t.Errorf("weight %d of Adams–Bashforth is %v, want %v", i, got, want)
		}
	}
}
