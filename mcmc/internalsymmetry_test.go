package mcmc_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// tiltedComponent adds h Σ φ_c of one component.
type tiltedComponent struct {
	lattice.Action
	c int
	h float64
}

func (a tiltedComponent) Value(phi []float64) float64 {
	l := a.Layout()
	return a.Action.Value(phi) + a.h*float64(l.Volume())*lattice.Magnetization(l.Component(phi, a.c))
}

// TestInternalSymmetry: every step leaves S, and with time all equivalent fields come, as
// often as each other.
func TestInternalSymmetry(t *testing.T) {
	coupled := newBowl(t, 2, bowl{kappa: 0.2, g: 1.5, a: 0.3}, 3, 2)
	for _, c := range []struct {
		name   string
		action lattice.Action
		images int // of a field, where there are finitely many
	}{
		{"O(3)", on(t, 3, 0.3, 0.4, 3, 2), 0},
		{"two coupled scalars", coupled, 8},
		{"two coupled scalars, one with a field", tiltedComponent{coupled, 0, 0.2}, 2},
	} {
		k := must[*mcmc.InternalSymmetry](t)(mcmc.NewInternalSymmetry(c.action))
		rng := rand.New(rand.NewPCG(3, 4))
		l := c.action.Layout()
		phi := make([]float64, l.Size())
		mcmc.HotStart(rng, phi)
		s := c.action.Value(phi)
		const n = 4000
		visits := map[[2]float64]float64{}
		sum, last := make([]float64, l.Components*l.Components), slices.Clone(phi)
		square := 0.0
		for range n {
			info := must[mcmc.Info](t)(k.Step(t.Context(), rng, phi))
			if d := c.action.Value(phi) - s; math.Abs(d) > 1e-9*(1+math.Abs(s)) || info.AcceptProb != 1 || info.DeltaH != 0 {
				t.Fatalf("%s: S changed by %v, %+v", c.name, d, info)
			}
			if info.Accepted == slices.Equal(phi, last) {
				t.Fatalf("%s: a field that changed %t", c.name, !info.Accepted)
			}
			copy(last, phi)
			visits[[2]float64{phi[0], phi[l.Volume()]}]++
			for a := range l.Components {
				for b := range l.Components {
					sum[a*l.Components+b] += phi[a*l.Volume()] * phi[b*l.Volume()] / n
				}
			}
			square = 0
			for a := range l.Components {
				square += phi[a*l.Volume()] * phi[a*l.Volume()]
			}
		}
		if c.images == 0 {
			// ⟨φ_a φ_b⟩ = δ_ab |φ|²/3 on the sphere, with a spread of at most |φ|²/√n·√(4/45).
			for i, v := range sum {
				want := 0.0
				if i%4 == 0 {
					want = square / 3
				}
				// Reflections by random directions remember a little of the step before.
				if math.Abs(v-want) > 5*2*square*math.Sqrt(4./45/n) {
					t.Errorf("%s: ⟨φφ⟩_%d = %v, expected %v", c.name, i, v, want)
				}
			}
			continue
		}
		if len(visits) != c.images {
			t.Errorf("%s: %d images, expected %d", c.name, len(visits), c.images)
		}
		p := 1 / float64(c.images)
		for _, v := range visits {
			if math.Abs(v-n*p) > 5*math.Sqrt(n*p*(1-p)) {
				t.Errorf("%s: an image in %v of %d steps, expected %v", c.name, v, n, n*p)
			}
		}
		if _, err := k.Step(t.Context(), rng, phi[1:]); err == nil {
			t.Errorf("%s: field of another size: expected an error", c.name)
		}
	}
	for name, a := range map[string]lattice.Action{"one component": phi4(t, 0.2, 0.1, 4), "no action": nil} {
		if _, err := mcmc.NewInternalSymmetry(a); err == nil || !strings.HasPrefix(err.Error(), "mcmc: ") {
			t.Errorf("%s: expected an error, got %v", name, err)
		}
	}
}
