package measure_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// Every operator on a field with known modes: a constant a, and one wave with an amplitude b
// in the direction of the larger extent.
func TestOperators(t *testing.T) {
	const a, b = 0.7, 0.4
	lat, err := lattice.New(2, 8)
	if err != nil {
		t.Fatal(err)
	}
	phi := make([]float64, 16)
	wave := 2 * math.Pi * 2 / 8 // k = 2
	var phi4 float64
	for x := range phi {
		phi[x] = a + b*math.Cos(wave*float64(x%8))
		phi4 += math.Pow(phi[x], 4)
	}
	m2, phi2 := 16*a*a, 16*(a*a+b*b/2)
	power := 16 * b * b / 4 // |φ_k|² of one of ±k
	// In the first direction the field is constant, in the second the wave turns by a
	// right angle from site to site.
	hopping := phi2 + 16*a*a
	want := map[string]float64{
		"M²": m2, "M⁴": m2 * m2, "M⁶": m2 * m2 * m2, "Σφ²": phi2, "Σφ⁴": phi4, "Σφφ′": hopping, "M²Σφ²": m2 * phi2,
		"P1": 0, "P2": power, "P3": 0, "M²P1": 0, "M²P2": m2 * power, "M²P3": 0,
	}
	for _, o := range measure.Operators(lattice.Scalar(lat)) {
		w, ok := want[o.Name]
		if got := o.Func(phi); !ok || math.Abs(got-w) > 1e-12*(1+w) {
			t.Errorf("%s: expected %v, got %v", o.Name, w, got)
		}
		delete(want, o.Name)
	}
	if len(want) > 0 {
		t.Errorf("not measured: %v", want)
	}
}
