package measure

import (
	"slices"
	"testing"
)

// Every observable of two chains, in the order and of the values of their definitions.
func TestInterchange(t *testing.T) {
	a := Series{Volume: 4, M: []float64{-1, 2}, Action: []float64{3, 5}, Phi2: []float64{1, 4}, Phi4: []float64{2, 17}}
	b := a.Slice(1, 2)
	e := Interchange("hmc", a, b)
	if e.Name != "hmc" || len(e.Observables) != 7 {
		t.Fatalf("got %+v", e)
	}
	want := map[string][]float64{M: {-1, 2}, AbsM: {1, 2}, M2: {1, 4}, M4: {1, 16}, ActionDensity: {3, 5}, Phi2: {1, 4}, Phi4: {2, 17}}
	for _, o := range e.Observables {
		w, ok := want[o.Name]
		if !ok || len(o.Replicas) != 2 || !slices.Equal(o.Replicas[0].Values, w) || !slices.Equal(o.Replicas[1].Values, w[1:]) ||
			o.Replicas[0].Name == o.Replicas[1].Name {
			t.Errorf("%s: %+v, want %v", o.Name, o.Replicas, w)
		}
	}
}
