package diffusion

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// Whatever transformation the training draws, the action stays as it is: for vectors,
// inequivalent components, components that can be exchanged, and an action without signs.
func TestAugmentationKeepsAction(t *testing.T) {
	lat, err := lattice.New(3, 4)
	if err != nil {
		t.Fatal(err)
	}
	vector, err := lattice.NewON(lat, 3, 0.2, 0.4)
	if err != nil {
		t.Fatal(err)
	}
	odd, err := lattice.NewPolynomial(lat, 0.1, []float64{0, 0.3, 0.8, 0.1, 0.1})
	if err != nil {
		t.Fatal(err)
	}
	for name, action := range map[string]lattice.Action{
		"vector": vector, "odd": odd,
		"two masses": coupled{lattice.Vector(lat, 2), [2]float64{1, 0.5}, 0},
		"one mass":   coupled{lattice.Vector(lat, 2), [2]float64{1, 1}, 0},
		"mixed":      coupled{lattice.Vector(lat, 2), [2]float64{1, 0.5}, 0.3},
	} {
		s, err := lattice.MeasureSymmetries(action)
		if err != nil {
			t.Fatal(err)
		}
		layout := action.Layout()
		m := &Model{gaussianPart: gaussianPart{layout: layout}, cfg: ModelConfig{Symmetries: &s}}
		rng := rand.New(rand.NewPCG(1, 2))
		phi, image := make([]float64, layout.Size()), make([]float32, layout.Size())
		for i := range phi {
			phi[i] = rng.NormFloat64()
		}
		want, changed, flipped := action.Value(phi), false, make([]bool, layout.Components)
		for range 64 {
			m.augmentation(rng).apply(layout, image, phi)
			back := make([]float64, len(image))
			for i, v := range image {
				back[i] = float64(v)
			}
			if got := action.Value(back); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("%s: the action went from %v to %v", name, want, got)
			}
			for c := range flipped {
				flipped[c] = flipped[c] || lattice.Magnetization(layout.Component(back, c))*lattice.Magnetization(layout.Component(phi, c)) < 0
			}
			changed = changed || math.Abs(back[0]-phi[0]) > 1e-3
		}
		if !changed {
			t.Errorf("%s: nothing was transformed", name)
		}
		for c, f := range flipped {
			if f != (name != "odd") {
				t.Errorf("%s: sign of component %d flipped: %v", name, c, f)
			}
		}
	}
}

// coupled are two scalars without neighbours, S = Σ [m₁φ₁² + m₂φ₂² + φ₁²φ₂² + eφ₁φ₂].
type coupled struct {
	layout lattice.Layout
	mass   [2]float64
	linear float64
}

func (a coupled) Layout() lattice.Layout { return a.layout }

func (a coupled) Value(phi []float64) (s float64) {
	second := a.layout.Component(phi, 1)
	for x, u := range a.layout.Component(phi, 0) {
		v := second[x]
		s += a.mass[0]*u*u + a.mass[1]*v*v + u*u*v*v + a.linear*u*v
	}
	return s
}

func (a coupled) Drift(dst, phi []float64) []float64 {
	if dst == nil {
		dst = make([]float64, len(phi))
	}
	n := a.layout.Volume()
	for x := range n {
		u, v := phi[x], phi[n+x]
		dst[x], dst[n+x] = -2*u*(a.mass[0]+v*v)-a.linear*v, -2*v*(a.mass[1]+u*u)-a.linear*u
	}
	return dst
}
