package lattice_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// mistaken is an action whose drift is multiplied by a factor.
type mistaken struct {
	lattice.Action
	factor float64
}

func (m mistaken) Drift(dst, phi []float64) []float64 {
	dst = m.Action.Drift(dst, phi)
	for i := range dst {
		dst[i] *= m.factor
	}
	return dst
}

func TestCheckDrift(t *testing.T) {
	l := newLattice(t, 4, 6)
	vector, err := lattice.NewON(l, 3, 0.3, 50)
	if err != nil {
		t.Fatal(err)
	}
	actions := []lattice.Action{newPhi4(t, 0.27, 0.022, 3, 4), newPhi4(t, -0.2, 50, 8), newPhi4(t, 0, 1e4, 2, 2, 2), newPhi4(t, 1e-3, 0, 16, 16), vector}
	for _, a := range actions {
		if err := lattice.CheckDrift(a); err != nil {
			t.Error(err)
		}
		for _, factor := range []float64{-1, 0.5, 1.01, 0, math.NaN()} {
			if err := lattice.CheckDrift(mistaken{a, factor}); err == nil {
				t.Errorf("%s: a drift with the factor %v was accepted", lattice.Describe(a), factor)
			}
		}
	}
	if err := lattice.CheckDrift(nil); err == nil {
		t.Error("nil was accepted")
	}
}
