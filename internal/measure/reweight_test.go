package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
)

// Samples of N(0, 1.5²) weighted to N(0, 1): ⟨M²⟩ = 1, ⟨|M|⟩ = √(2/π), U = 0.
func TestAddReweighted(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, volume = 20000, 7
	s := Series{M: make([]float64, n), Action: make([]float64, n), Phi2: make([]float64, n), Phi4: make([]float64, n)}
	logw := make([]float64, n)
	for i := range logw {
		x := 1.5 * rng.NormFloat64()
		s.M[i], s.Action[i], s.Phi2[i], s.Phi4[i] = x, x*x/2, x*x, x*x*x*x
		logw[i] = -x*x/2 + x*x/4.5 + 100
	}
	file := results.New(nil)
	if err := AddReweighted(file, "q", volume, s, logw); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		M: 0, AbsM: math.Sqrt(2 / math.Pi), VM2: volume, Chi2: volume, Chi2Connected: volume * (1 - 2/math.Pi),
		Binder: 0, ActionDensity: 0.5, Phi2: 1, Phi4: 3,
	} {
		e, ok := file.Get("q", name)
		if pull := e.Pull(want); !ok || !(math.Abs(pull) < 5) || e.Error > 0.05*volume {
			t.Errorf("%s = %v, expected %v", name, e, want)
		}
	}
	if err := AddReweighted(file, "q", volume, s, logw[1:]); err == nil {
		t.Error("weights of another length were accepted")
	}
}

// The reference values obey χ - χ_connected = V⟨|M|⟩² within their rounding.
func TestFindReference(t *testing.T) {
	for _, r := range references {
		lat, err := lattice.New(r.dims...)
		if err != nil {
			t.Fatal(err)
		}
		action, err := lattice.NewPhi4(lat, r.kappa, r.lambda)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := FindReference(action)
		if !ok || got.TauAbsM.Value != r.TauAbsM.Value {
			t.Errorf("κ = %v: found %v", r.kappa, got)
		}
		v := float64(lat.Volume())
		m, m2, conn := r.Values[AbsM], r.Values[VM2], r.Values[Chi2Connected]
		if d, e := m2.Value-conn.Value-v*m.Value*m.Value, m2.Error+conn.Error+2*v*m.Value*m.Error; math.Abs(d) > 2*e {
			t.Errorf("κ = %v: V⟨M²⟩ - V⟨|M|⟩² differs from the connected susceptibility by %v", r.kappa, d)
		}
		other, err := lattice.NewPhi4(lat, r.kappa+0.01, r.lambda)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := FindReference(other); ok {
			t.Errorf("κ = %v has the reference of κ = %v", r.kappa+0.01, r.kappa)
		}
	}
}
