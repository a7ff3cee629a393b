package measure_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/mcmc/measure"
)

// TestResponse changes the width of independent Gaussian sites, S = ω Σφ², by
// δS = ε Σφ². To first order σ² = 1/(2ω) changes by -2εσ⁴, and with it every
// observable in a known way.
func TestResponse(t *testing.T) {
	const (
		volume  = 4
		omega   = 0.8
		epsilon = 0.03
		n       = 40000
	)
	variance := 1 / (2 * omega)
	rng := rand.New(rand.NewPCG(5, 6))
	replicas := make([]measure.Series, 2)
	correction := make([][]float64, 2)
	for r := range replicas {
		s := &replicas[r]
		s.Volume = volume
		for range n {
			var m, two, four float64
			for range volume {
				v := math.Sqrt(variance) * rng.NormFloat64()
				m += v / volume
				two += v * v / volume
				four += v * v * v * v / volume
			}
			s.M, s.Phi2, s.Phi4 = append(s.M, m), append(s.Phi2, two), append(s.Phi4, four)
			s.Action = append(s.Action, omega*two)
			// The constant must not matter.
			correction[r] = append(correction[r], epsilon*two*volume+1000)
		}
	}
	f, err := measure.Response(correction, replicas...)
	if err != nil {
		t.Fatal(err)
	}
	change := -2 * epsilon * variance * variance
	for _, c := range []struct {
		name string
		want float64
	}{
		{measure.AbsM, math.Sqrt(2/(math.Pi*volume*variance)) / 2 * change},
		{measure.Chi2, change},
		{measure.Chi2Connected, (1 - 2/math.Pi) * change},
		{measure.ActionDensity, omega * change},
		{measure.Phi2, change},
		{measure.Phi4, 6 * variance * change},
	} {
		e, ok := f.Get(measure.Bias + c.name)
		// The observables that are not linear in means shift at second order too, by
		// the square of the relative change, (2εσ²)² = 0.14 %.
		tolerance := 5*e.Error + 0.0014*math.Abs(c.want)
		if !ok || !(math.Abs(e.Value-c.want) < tolerance) || !(e.Error < 0.1*math.Abs(c.want)) {
			t.Errorf("%s: shift %v, expected %v", c.name, e, c.want)
		}
	}
	// The Binder cumulant does not depend on the width: the shift of ⟨M⁴⟩ cancels that
	// of ⟨M²⟩², to first order.
	if e, _ := f.Get(measure.Bias + measure.Binder); !(math.Abs(e.Value) < 5*e.Error+0.0042) {
		t.Errorf("Binder cumulant: shift %v, expected 0", e)
	}
	if _, ok := f.Get(measure.Bias + measure.M); ok {
		t.Error("the magnetisation has a shift")
	}
}
