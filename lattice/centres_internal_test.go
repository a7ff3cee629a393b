package lattice

import (
	"math"
	"testing"
)

// The table against the minimum on a fine grid, for one well, two wells and φ⁶. Where two
// wells are equally deep the minimum jumps, and the table goes from one to the other.
func TestCentres(t *testing.T) {
	for name, v := range map[string]func(float64) float64{
		"harmonic":    func(x float64) float64 { return x * x },
		"tilted":      func(x float64) float64 { return 0.3*x + 0.8*x*x + 0.1*x*x*x + 0.1*x*x*x*x },
		"double well": func(x float64) float64 { return 5 * (x*x - 1) * (x*x - 1) },
		"φ⁶":          func(x float64) float64 { return 0.2*x - 2*x*x + 0.5*math.Pow(x, 6) },
		"far":         func(x float64) float64 { return (x - 7) * (x - 7) },
	} {
		c := newCentres(v)
		for _, h := range []float64{-6, -2, -0.7, 0.8, 2, 6} {
			best, least := 0.0, math.Inf(1)
			for i := range 100001 {
				x := -15 + 30*float64(i)/100000
				if s := v(x) - h*x; s < least {
					best, least = x, s
				}
			}
			if got := c.at(h); math.Abs(got-best) > 0.05*(1+math.Abs(best)) {
				t.Errorf("%s: minimum at %v for h = %v, expected %v", name, got, h, best)
			}
		}
		for _, h := range []float64{math.Inf(-1), -1e9, 1e9, math.Inf(1), math.NaN()} {
			if got := c.at(h); math.IsNaN(got) || math.IsInf(got, 0) {
				t.Errorf("%s: minimum at %v for h = %v", name, got, h)
			}
		}
	}
}
