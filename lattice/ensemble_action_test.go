package lattice_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// TestStoredAction: an action that does not tell its couplings is told from others by the
// values of S that an ensemble has.
func TestStoredAction(t *testing.T) {
	l := newLattice(t, 8, 8)
	free := func(m2 float64) valueAction {
		return valueAction{lattice.Scalar(l), func(phi []float64) float64 {
			return sites(phi, func(v float64) float64 { return m2*v*v/2 + 5*math.Pow(v*v-1, 2) })
		}}
	}
	own, other := free(0.3), free(0.301)
	rng := rand.New(rand.NewPCG(3, 1))
	for _, single := range []bool{false, true} {
		ens := lattice.NewEnsemble(own.Layout(), 10)
		for range 10 {
			phi := gaussian(rng, 64)
			ens.Extra["action"] = append(ens.Extra["action"], own.Value(phi))
			for i, v := range phi {
				if single {
					phi[i] = float64(float32(v))
				}
			}
			ens.Append(phi)
		}
		if err := ens.CheckAction(own); err != nil {
			t.Errorf("single precision %t: %v", single, err)
		}
		err := ens.CheckAction(other)
		if err == nil || !strings.Contains(err.Error(), "whose S of configuration 0 is") {
			t.Errorf("single precision %t: expected the other action to be refused, got %v", single, err)
		}
		ens.Extra["action"][2] = math.NaN()
		if ens.CheckAction(own) == nil {
			t.Errorf("single precision %t: expected NaN to be refused", single)
		}
		delete(ens.Extra, "action")
		if err := ens.CheckAction(other); err != nil {
			t.Errorf("nothing stored: %v", err)
		}
	}
	ens := lattice.NewEnsemble(own.Layout(), 0)
	if ens.CheckAction(nil) == nil {
		t.Error("no action: expected an error")
	}
}
