package lattice_test

import (
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// wrongSite is φ⁴ that tells another potential.
type wrongSite struct {
	*lattice.Phi4
	c []float64
}

func (a wrongSite) SitePotential() []float64 { return a.c }

// The potentials of the theories that ship are those of their drifts, also where links join a
// site to itself; others are refused.
func TestSitePotential(t *testing.T) {
	for _, dims := range [][]int{{4, 4}, {5}, {1, 3}, {1, 1}, {2, 2, 2}} {
		lat, err := lattice.New(dims...)
		if err != nil {
			t.Fatal(err)
		}
		phi4, err := lattice.NewPhi4(lat, 0.1, 0.3)
		if err != nil {
			t.Fatal(err)
		}
		free, err := lattice.NewFreeField(lat, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		polynomial, err := lattice.NewPolynomial(lat, 0.1, []float64{3, 0.2, -1, 0.4, 0.5, 0, 0.1})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range []lattice.SiteAction{phi4, free, polynomial} {
			if err := lattice.CheckSitePotential(a); err != nil {
				t.Error(err)
			}
		}
		for name, c := range map[string][]float64{
			"another coupling": {0, 0, 0.4, 0, 0.31}, "a cubic term": {0, 0, 0.4, 0.1, 0.3}, "no bound": {0, 0, 0.4, 0, -0.3}, "an odd power": {0, 0, 1, 1}, "nothing": nil,
		} {
			if err := lattice.CheckSitePotential(wrongSite{phi4, c}); err == nil {
				t.Errorf("%v: %s was accepted", dims, name)
			}
		}
	}
}
