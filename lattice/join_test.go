package lattice_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// TestJoin: the parts of an ensemble are that ensemble again, and parts that do not belong
// together are refused.
func TestJoin(t *testing.T) {
	action, err := lattice.NewPhi4(newLattice(t, 4, 6), 0.2, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 1))
	whole := lattice.NewEnsemble(action.Layout(), 10)
	for range 10 {
		whole.Append(gaussian(rng, 24))
	}
	whole.Params = action.Params()
	whole.Extra["action"] = whole.Measure(nil, action.Value)
	whole.Extra["chain"] = []float64{0, 0, 0, 1, 1, 1, 2, 2, 2, 2}
	parts := func() []*lattice.Ensemble {
		p := []*lattice.Ensemble{whole.Slice(0, 3), whole.Slice(3, 4), whole.Slice(4, 10)}
		for i, rate := range []float64{0.8, 0.9, 0.8} {
			p[i].Params = action.Params()
			p[i].Params["acc_rate"] = rate
		}
		return p
	}
	got, err := lattice.Join(action, parts()...)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, whole) {
		t.Errorf("expected %+v, got %+v", whole, got)
	}
	if &got.Data[0] == &whole.Data[0] {
		t.Error("the result shares memory with a part")
	}
	if got, err = lattice.Join(action, parts()[0], parts()[2]); err != nil || got.Params["acc_rate"] != 0.8 || got.Len() != 9 {
		t.Errorf("got %v, %v", got, err)
	}
	other, err := lattice.NewPhi4(action.Layout().Lattice, 0.21, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(p *lattice.Ensemble) *lattice.Ensemble{
		"nil":               func(p *lattice.Ensemble) *lattice.Ensemble { return nil },
		"another coupling":  func(p *lattice.Ensemble) *lattice.Ensemble { p.Params = other.Params(); return p },
		"another lattice":   func(p *lattice.Ensemble) *lattice.Ensemble { p.Layout = lattice.Scalar(newLattice(t, 6, 4)); return p },
		"other arrays":      func(p *lattice.Ensemble) *lattice.Ensemble { delete(p.Extra, "chain"); return p },
		"another action":    func(p *lattice.Ensemble) *lattice.Ensemble { p.Extra["action"] = []float64{1}; return p },
		"no configurations": func(p *lattice.Ensemble) *lattice.Ensemble { return p.Slice(0, 0) },
		"not finite": func(p *lattice.Ensemble) *lattice.Ensemble {
			p.Data = append([]float64{math.NaN()}, p.Data[1:]...)
			p.Extra = map[string][]float64{"chain": {1}, "action": {math.NaN()}}
			return p
		},
	} {
		p := parts()
		p[1] = change(p[1])
		if _, err := lattice.Join(action, p...); err == nil || !strings.Contains(err.Error(), "part 1 of 3") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := lattice.Join(action); err == nil {
		t.Error("no part: accepted")
	}
}
