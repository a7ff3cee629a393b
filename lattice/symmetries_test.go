package lattice_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// valueAction is any function of the field as an action.
type valueAction struct {
	layout lattice.Layout
	value  func(phi []float64) float64
}

func (a valueAction) Layout() lattice.Layout             { return a.layout }
func (a valueAction) Value(phi []float64) float64        { return a.value(phi) }
func (a valueAction) Drift(dst, phi []float64) []float64 { panic("a drift that nobody asks for") }

// links is Σ_x Σ_μ w_μ f(φ(x), φ(x+μ̂)) with w_μ = 1 where w ends.
func links(l *lattice.Lattice, phi []float64, f func(a, b float64) float64, w ...float64) float64 {
	s := 0.0
	for mu := range l.Dim() {
		weight := 1.0
		if mu < len(w) {
			weight = w[mu]
		}
		for x, y := range l.Forward(mu) {
			s += weight * f(phi[x], phi[y])
		}
	}
	return s
}

func sites(phi []float64, f func(v float64) float64) float64 {
	s := 0.0
	for _, v := range phi {
		s += f(v)
	}
	return s
}

func TestMeasureSymmetries(t *testing.T) {
	product := func(a, b float64) float64 { return a * b }
	potential := func(v float64) float64 { return v*v + 0.3*v*v*v*v }
	without := func(change func(s *lattice.Symmetries)) lattice.Symmetries {
		s := lattice.Symmetries{Sign: true, Translation: true, Reflection: true, Exchange: true}
		change(&s)
		return s
	}
	all := without(func(*lattice.Symmetries) {})
	for _, c := range []struct {
		name string
		dims []int
		term func(l *lattice.Lattice, phi []float64) float64
		want lattice.Symmetries
	}{
		{"cubic term", []int{4, 4}, func(l *lattice.Lattice, phi []float64) float64 {
			return 0.1 * sites(phi, func(v float64) float64 { return v * v * v })
		}, without(func(s *lattice.Symmetries) { s.Sign = false })},
		{"weak uniform field", []int{3, 4}, func(l *lattice.Lattice, phi []float64) float64 {
			return 1e-6 * sites(phi, func(v float64) float64 { return v })
		}, without(func(s *lattice.Symmetries) { s.Sign = false })},
		{"anisotropic hopping", []int{4, 4}, func(l *lattice.Lattice, phi []float64) float64 {
			return links(l, phi, product, 0.2, 0.3)
		}, without(func(s *lattice.Symmetries) { s.Exchange = false })},
		{"anisotropic hopping without equal extents", []int{4, 6}, func(l *lattice.Lattice, phi []float64) float64 {
			return links(l, phi, product, 0.2, 0.3)
		}, all},
		{"one of three directions anisotropic", []int{3, 4, 3}, func(l *lattice.Lattice, phi []float64) float64 {
			return links(l, phi, product, 0.2, 0.3, 0.2)
		}, all},
		{"field at one site", []int{4, 4}, func(l *lattice.Lattice, phi []float64) float64 {
			return 0.01 * phi[l.Index(1, 2)]
		}, lattice.Symmetries{}},
		{"mass at one site, the origin", []int{4, 4}, func(l *lattice.Lattice, phi []float64) float64 {
			return 0.01 * phi[0] * phi[0]
		}, without(func(s *lattice.Symmetries) { s.Translation = false })},
		{"staggered mass", []int{4, 4}, func(l *lattice.Lattice, phi []float64) float64 {
			s := 0.0
			for x, v := range phi {
				s += 0.1 * float64(1-2*((x/4+x%4)%2)) * v * v
			}
			return s
		}, without(func(s *lattice.Symmetries) { s.Translation = false })},
		{"translations in one direction only", []int{4, 6}, func(l *lattice.Lattice, phi []float64) float64 {
			s := 0.0
			for x, v := range phi {
				s += 0.1 * math.Cos(2*math.Pi*float64(x%6)/6) * v * v
			}
			return s
		}, without(func(s *lattice.Symmetries) { s.Translation = false })},
		{"a direction that is not its opposite", []int{4, 4}, func(l *lattice.Lattice, phi []float64) float64 {
			return 0.1 * links(l, phi, func(a, b float64) float64 { return a * a * a * b })
		}, without(func(s *lattice.Symmetries) { s.Reflection = false })},
		{"a diagonal", []int{4, 4}, func(l *lattice.Lattice, phi []float64) float64 {
			s := 0.0
			for x, v := range phi {
				s += 0.1 * v * phi[l.Forward(0)[l.Forward(1)[x]]]
			}
			return s
		}, without(func(s *lattice.Symmetries) { s.Reflection = false })},
	} {
		l := newLattice(t, c.dims...)
		got, err := lattice.MeasureSymmetries(valueAction{lattice.Scalar(l), func(phi []float64) float64 {
			return sites(phi, potential) - 0.4*links(l, phi, product) + c.term(l, phi)
		}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, expected %+v", c.name, got, c.want)
		}
	}
}

func TestSymmetriesOfPhi4(t *testing.T) {
	want := lattice.Symmetries{Sign: true, Translation: true, Reflection: true, Exchange: true}
	for _, dims := range append(shapes, []int{32, 32}) {
		for _, c := range [][2]float64{{0.27, 0.022}, {0.01, 0}, {-0.2, 300}, {0, 1e-3}} {
			if got, err := lattice.MeasureSymmetries(newPhi4(t, c[0], c[1], dims...)); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("φ⁴ on %v: %+v, %v", dims, got, err)
			}
		}
	}
	toy, err := lattice.NewToy(-1, 0.4, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := lattice.MeasureSymmetries(toy); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("toy model: %+v, %v", got, err)
	}
}

func TestSymmetriesOfVectors(t *testing.T) {
	for _, n := range []int{2, 3} {
		with := func(change func(s *lattice.Symmetries)) lattice.Symmetries {
			s := lattice.Symmetries{
				Sign: true, Translation: true, Reflection: true, Exchange: true, Rotation: true, Permutation: true,
				Signs: slices.Repeat([]bool{true}, n),
			}
			change(&s)
			return s
		}
		l := vectors(t, n, 3, 3)
		for _, c := range []struct {
			name string
			term func(phi []float64) float64
			want lattice.Symmetries
		}{
			{"O(N)", func(phi []float64) float64 { return 0 }, with(func(*lattice.Symmetries) {})},
			{"cubic anisotropy", func(phi []float64) float64 {
				return 0.1 * sites(phi, func(v float64) float64 { return v * v * v * v })
			}, with(func(s *lattice.Symmetries) { s.Rotation = false })},
			{"mass of the last component", func(phi []float64) float64 {
				return 1e-3 * sites(l.Component(phi, n-1), func(v float64) float64 { return v * v })
			}, with(func(s *lattice.Symmetries) { s.Rotation, s.Permutation = false, false })},
			{"field along the last component", func(phi []float64) float64 {
				return 1e-3 * sites(l.Component(phi, n-1), func(v float64) float64 { return v })
			}, with(func(s *lattice.Symmetries) {
				s.Sign, s.Rotation, s.Permutation = false, false, false
				s.Signs[n-1] = false
			})},
			{"field along the diagonal", func(phi []float64) float64 {
				return 0.01 * sites(phi, func(v float64) float64 { return v })
			}, with(func(s *lattice.Symmetries) {
				s.Sign, s.Rotation = false, false
				clear(s.Signs)
			})},
			// Invariant under SO(2) for n = 2, but not under the reflections of O(2).
			{"vector product of neighbours", func(phi []float64) float64 {
				s, a, b := 0.0, l.Component(phi, 0), l.Component(phi, 1)
				for mu := range l.Dim() {
					for x, y := range l.Forward(mu) {
						s += 0.1 * (a[x]*b[y] - b[x]*a[y])
					}
				}
				return s
			}, with(func(s *lattice.Symmetries) {
				s.Reflection, s.Rotation, s.Permutation = false, false, false
				s.Signs[0], s.Signs[1] = false, false
			})},
			{"product of two components", func(phi []float64) float64 {
				s := 0.0
				for x, v := range l.Component(phi, 0) {
					s += 1e-3 * v * l.Component(phi, 1)[x]
				}
				return s
			}, with(func(s *lattice.Symmetries) {
				s.Rotation, s.Permutation = false, n == 2
				s.Signs[0], s.Signs[1] = false, false
			})},
		} {
			got, err := lattice.MeasureSymmetries(valueAction{l, func(phi []float64) float64 {
				s := -0.4 * float64(l.Volume()) * l.Hopping(phi)
				for x := range l.Volume() {
					q := 0.0
					for c := range n {
						q += l.Component(phi, c)[x] * l.Component(phi, c)[x]
					}
					s += q + 0.3*q*q
				}
				return s + c.term(phi)
			}})
			if err != nil {
				t.Errorf("N = %d, %s: %v", n, c.name, err)
			} else if !reflect.DeepEqual(got, c.want) {
				t.Errorf("N = %d, %s: %+v, expected %+v", n, c.name, got, c.want)
			}
		}
	}
}

func TestMeasureSymmetriesErrors(t *testing.T) {
	l := vectors(t, 1, 4)
	var nothing *lattice.Phi4
	for name, a := range map[string]lattice.Action{
		"no action":   nil,
		"nil pointer": nothing,
		"no layout":   valueAction{},
		"NaN":         valueAction{l, func([]float64) float64 { return math.NaN() }},
		"infinite":    valueAction{l, func(phi []float64) float64 { return math.Inf(1) }},
	} {
		if s, err := lattice.MeasureSymmetries(a); err == nil || !reflect.DeepEqual(s, lattice.Symmetries{}) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

type coupled struct {
	valueAction
	params map[string]float64
}

func (a coupled) Params() map[string]float64 { return a.params }

func TestDescribeAndFingerprint(t *testing.T) {
	a := newPhi4(t, 0.27, 0.022, 4, 4)
	if got, want := lattice.Describe(a), "*lattice.Phi4 on 4x4, kappa = 0.27, lambda = 0.022"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
	if p := lattice.Params(a); len(p) != 2 || p["kappa"] != 0.27 || p["lambda"] != 0.022 {
		t.Errorf("couplings %v", p)
	}
	bare := func(l lattice.Layout, field float64) valueAction {
		return valueAction{l, func(phi []float64) float64 {
			return sites(phi, func(v float64) float64 { return v*v + field*v })
		}}
	}
	l := vectors(t, 2, 4)
	if lattice.Params(bare(l, 1)) != nil {
		t.Error("couplings of an action without Params")
	}
	if got, want := lattice.Describe(bare(l, 1)), "lattice_test.valueAction on 4 (2 components)"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
	// All these differ, and each is the same when asked again.
	actions := map[string]lattice.Action{
		"κ":                    newPhi4(t, 0.27, 0.022, 4, 4),
		"another κ":            newPhi4(t, 0.270001, 0.022, 4, 4),
		"another λ":            newPhi4(t, 0.27, 0.0220001, 4, 4),
		"another lattice":      newPhi4(t, 0.27, 0.022, 2, 8),
		"without Params":       bare(l, 1),
		"another field":        bare(l, 1+1e-6),
		"no components":        bare(vectors(t, 1, 8), 1),
		"components elsewhere": bare(vectors(t, 4, 2), 1),
		// A coupling that S does not show.
		"told":  coupled{bare(l, 1), map[string]float64{"h": 1}},
		"other": coupled{bare(l, 1), map[string]float64{"h": 2}},
		"name":  coupled{bare(l, 1), map[string]float64{"g": 1}},
	}
	seen := map[string]string{}
	for name, a := range actions {
		f := lattice.Fingerprint(a)
		if f != lattice.Fingerprint(a) {
			t.Errorf("%s: two fingerprints", name)
		}
		if other, ok := seen[f]; ok {
			t.Errorf("%s and %s have the fingerprint %s", name, other, f)
		}
		seen[f] = name
	}
	if lattice.Fingerprint(newPhi4(t, 0.27, 0.022, 4, 4)) != lattice.Fingerprint(a) {
		t.Error("equal actions have different fingerprints")
	}
	// The last bits of S, which differ between machines, do not matter.
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		noise := 1 + 1e-14*rng.NormFloat64()
		noisy := valueAction{l, func(phi []float64) float64 { return noise * bare(l, 1).value(phi) }}
		if lattice.Fingerprint(noisy) != lattice.Fingerprint(bare(l, 1)) {
			t.Fatal("rounding changes the fingerprint")
		}
	}
}
