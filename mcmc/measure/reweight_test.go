package measure

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Samples of N(0, 1.5²) weighted to N(0, 1): ⟨M²⟩ = 1, ⟨|M|⟩ = √(2/π), U = 0.
func TestReweighted(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, volume = 20000, 7
	s := Series{Volume: volume, M: make([]float64, n), Action: make([]float64, n), Phi2: make([]float64, n), Phi4: make([]float64, n)}
	logw := make([]float64, n)
	for i := range logw {
		x := 1.5 * rng.NormFloat64()
		s.M[i], s.Action[i], s.Phi2[i], s.Phi4[i] = x, x*x/2, x*x, x*x*x*x
		logw[i] = -x*x/2 + x*x/4.5 + 100
	}
	values, err := Reweighted(s, logw)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		M: 0, AbsM: math.Sqrt(2 / math.Pi), VM2: volume, Chi2: volume, Chi2Connected: volume * (1 - 2/math.Pi),
		Binder: 0, ActionDensity: 0.5, Phi2: 1, Phi4: 3,
	} {
		e, ok := values.Get(name)
		if pull := e.Pull(want); !ok || !(math.Abs(pull) < 5) || e.Error > 0.05*volume {
			t.Errorf("%s = %v, expected %v", name, e, want)
		}
	}
	if _, err := Reweighted(s, logw[1:]); err == nil {
		t.Error("weights of another length were accepted")
	}
}
