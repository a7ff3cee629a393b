package lattice_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// The potential of a lifted angle against its sum of cosines, and its slope against
// differences.
func TestLift(t *testing.T) {
	l := lattice.Lift{Variance: 1.3, Cosines: []float64{0.7, -0.2, 0, 0.05}}
	for _, theta := range []float64{0, 0.3, -2, 5, math.Pi, -9} {
		want := theta * theta / 2.6
		for n, c := range l.Cosines {
			want += c * math.Cos(float64(n+1)*theta)
		}
		if got := l.Value(theta); math.Abs(got-want) > 1e-12 {
			t.Errorf("V(%v) = %v, expected %v", theta, got, want)
		}
		const step = 1e-5
		slope := (l.Value(theta+step) - l.Value(theta-step)) / (2 * step)
		if got := l.Slope(theta); math.Abs(got-slope) > 1e-8 {
			t.Errorf("V′(%v) = %v, expected %v", theta, got, slope)
		}
	}
	if got := lattice.Winding([]float64{1, 2, 4*math.Pi - 3}); math.Abs(got-2) > 1e-15 {
		t.Errorf("winding number %v, expected 2", got)
	}
}
