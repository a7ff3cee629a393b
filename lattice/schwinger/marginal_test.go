package schwinger_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/lattice/schwinger"
)

// The estimate has the mean of the integral over the holonomies, by a fine grid, whatever its
// own grid, and with it as a weight the holonomies have their distribution.
func TestMarginal(t *testing.T) {
	const kappa, n, fine = 0.35, 4000, 24
	a := newAction(t, 2, kappa, 4, 2)
	lift := must[*gauge.Lift](t)(gauge.NewLift(a.Gauge(), 0))
	torus := lift.Torus()
	theta := []float64{0.3, -0.7, 2, 5, 0.1, -0.2, 0.4, 2*math.Pi - 6.9}
	var integral, loop float64
	for i := range fine * fine {
		h0, h1 := 2*math.Pi*float64(i/fine)/fine, 2*math.Pi*float64(i%fine)/fine
		logDet, _ := a.Dirac().LogDet(must[[]float64](t)(torus.FromPlaquettes(nil, theta, h0, h1)))
		w := math.Exp(2 * logDet)
		integral += w / fine / fine
		loop += w * math.Cos(h0) / fine / fine
	}
	loop /= integral
	for _, grid := range []int{1, 2, 3} {
		m := must[*schwinger.Marginal](t)(schwinger.NewMarginal(lift, a.Dirac(), grid))
		rng := rand.New(rand.NewPCG(1, uint64(grid)))
		var sum, squares, cos, cosSquares float64
		for range n {
			links, logWeight, err := m.Draw(rng, nil, theta)
			if err != nil {
				t.Fatal(err)
			}
			for p, x := range torus.Plaquettes(nil, links) {
				if math.Abs(gauge.Wrap(x-theta[p])) > 1e-9 {
					t.Fatalf("plaquette %d is %v, expected %v", p, x, theta[p])
				}
			}
			w := math.Exp(logWeight) / integral
			h0, _ := torus.Holonomies(links)
			sum += w / n
			squares += w * w / n
			d := w * (math.Cos(h0) - loop)
			cos += d / n
			cosSquares += d * d / n
		}
		// The weight may have no variance that a finer grid would not remove.
		near(t, "mean weight", sum, 1, 4.5*math.Sqrt(math.Max(squares-sum*sum, 0)/n)+1e-6)
		near(t, "weighted cosine of a holonomy", cos, 0, 4.5*math.Sqrt(cosSquares/n))
	}
}

func TestMarginalErrors(t *testing.T) {
	a := newAction(t, 2, 0.2, 4, 2)
	lift := must[*gauge.Lift](t)(gauge.NewLift(a.Gauge(), 0))
	for name, err := range map[string]error{
		"no lift":       func() error { _, err := schwinger.NewMarginal(nil, a.Dirac(), 0); return err }(),
		"other lattice": func() error { _, err := schwinger.NewMarginal(lift, newDirac(t, 0.2, 4, 4), 0); return err }(),
		"negative":      func() error { _, err := schwinger.NewMarginal(lift, a.Dirac(), -1); return err }(),
	} {
		if err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
	m := must[*schwinger.Marginal](t)(schwinger.NewMarginal(lift, a.Dirac(), 0))
	if _, _, err := m.Draw(rand.New(rand.NewPCG(1, 1)), nil, []float64{1, 0, 0, 0, 0, 0, 0, 0}); err == nil {
		t.Error("plaquettes with the sum 1 were accepted")
	}
}
