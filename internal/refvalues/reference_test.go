package refvalues

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// The reference values obey χ - χ_connected = V⟨|M|⟩² within their rounding.
func TestFind(t *testing.T) {
	for _, r := range points {
		lat, err := lattice.New(r.dims...)
		if err != nil {
			t.Fatal(err)
		}
		action, err := lattice.NewPhi4(lat, r.kappa, r.lambda)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := Find(action)
		if !ok || got.TauAbsM.Value != r.TauAbsM.Value {
			t.Errorf("κ = %v: found %v", r.kappa, got)
		}
		v := float64(lat.Volume())
		m, m2, conn := r.Values[measure.AbsM], r.Values[measure.VM2], r.Values[measure.Chi2Connected]
		if d, e := m2.Value-conn.Value-v*m.Value*m.Value, m2.Error+conn.Error+2*v*m.Value*m.Error; math.Abs(d) > 2*e {
			t.Errorf("κ = %v: V⟨M²⟩ - V⟨|M|⟩² differs from the connected susceptibility by %v", r.kappa, d)
		}
		other, err := lattice.NewPhi4(lat, r.kappa+0.01, r.lambda)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := Find(other); ok {
			t.Errorf("κ = %v has the reference of κ = %v", r.kappa+0.01, r.kappa)
		}
	}
}
