package lattice_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// One component of O(N), and the polynomial with its coefficients, are φ⁴.
func TestOneComponentIsPhi4(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, dims := range shapes {
		for _, c := range [][2]float64{{0.27, 0.022}, {-0.1, 1.5}, {0.06, 0}, {0.3, 50}} {
			kappa, lambda := c[0], c[1]
			phi4 := newPhi4(t, kappa, lambda, dims...)
			phi := gaussian(rng, phi4.Layout().Size())
			for _, a := range []lattice.LocalAction{
				newON(t, 1, kappa, lambda, dims...),
				newPolynomial(t, kappa, []float64{0, 0, 1 - 2*lambda, 0, lambda}, dims...),
			} {
				if got, want := a.Value(phi), phi4.Value(phi); !near(got, want, 1e-13*(1+100*lambda)) {
					t.Errorf("%s: S = %v, expected %v", lattice.Describe(a), got, want)
				}
				wantNear(t, "drift", a.Drift(nil, phi), phi4.Drift(nil, phi), 1e-13*(1+100*lambda))
				for x := range phi {
					v := rng.NormFloat64()
					if got, want := a.Difference(phi, x, v), phi4.Difference(phi, x, v); !near(got, want, 1e-13*(1+100*lambda)) {
						t.Fatalf("%s: difference %v, expected %v", lattice.Describe(a), got, want)
					}
				}
			}
		}
	}
}

// The action of several components, written with coordinates.
func TestONValue(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const kappa, lambda = 0.2, 0.3
	for _, dims := range shapes {
		for n := 2; n <= 4; n++ {
			a := newON(t, n, kappa, lambda, dims...)
			l := a.Layout()
			phi := gaussian(rng, l.Size())
			want := 0.0
			for x := range l.Volume() {
				q := 0.0
				for c := range n {
					v := phi[c*l.Volume()+x]
					q += v * v
					for mu := range l.Dim() {
						coord := l.Coord(nil, x)
						coord[mu]++
						want -= 2 * kappa * v * phi[c*l.Volume()+l.Index(coord...)]
					}
				}
				want += (1-2*lambda)*q + lambda*q*q
			}
			if got := a.Value(phi); !near(got, want, 1e-12) {
				t.Errorf("%s: S = %v, expected %v", lattice.Describe(a), got, want)
			}
		}
	}
}

// The potential of φ⁶ at a few fields, with c₀.
func TestPolynomialValue(t *testing.T) {
	c := []float64{0.7, -0.3, 0.5, 0.2, -1, 0, 0.25}
	a := newPolynomial(t, 0, c, 1)
	for _, v := range []float64{-1.3, 0, 0.4, 2} {
		want := 0.0
		for n, k := range c {
			want += k * math.Pow(v, float64(n))
		}
		if got := a.Value([]float64{v}); !near(got, want, 1e-13) {
			t.Errorf("V(%v) = %v, expected %v", v, got, want)
		}
	}
}

// What the library measures about the theories.
func TestSymmetriesOfTheories(t *testing.T) {
	for _, c := range []struct {
		action                    lattice.Action
		sign, rotation, component bool
	}{
		{newON(t, 1, 0.2, 0.1, 4, 4), true, false, false},
		{newON(t, 3, 0.2, 0.1, 4, 4), true, true, true},
		{newPolynomial(t, 0.2, []float64{0, 0.3, 0.8, 0.1, 0.1}, 4, 4), false, false, false},
		{newPolynomial(t, 0.2, []float64{0, 0, 0.8, 0, -0.1, 0, 0.1}, 4, 4), true, false, false},
		{newPolynomial(t, 0.2, []float64{0, 1e-6, 0.8, 0, 0.1}, 4, 4), false, false, false},
	} {
		s, err := lattice.MeasureSymmetries(c.action)
		if err != nil {
			t.Fatal(err)
		}
		want := lattice.Symmetries{Sign: c.sign, Translation: true, Reflection: true, Exchange: true, Rotation: c.rotation, Permutation: c.component}
		if n := c.action.Layout().Components; n > 1 {
			want.Signs = slices.Repeat([]bool{true}, n)
		}
		if !reflect.DeepEqual(s, want) {
			t.Errorf("%s: measured %+v, expected %+v", lattice.Describe(c.action), s, want)
		}
	}
}

func TestParamsOfTheories(t *testing.T) {
	if got, want := newON(t, 2, 0.2, 0.1, 4).Params(), map[string]float64{"kappa": 0.2, "lambda": 0.1}; !maps.Equal(got, want) {
		t.Errorf("parameters %v, expected %v", got, want)
	}
	a := newPolynomial(t, 0.2, []float64{0, 0.3, 0.8, 0, 0.1, 0}, 4)
	if got, want := a.Params(), map[string]float64{"kappa": 0.2, "c1": 0.3, "c2": 0.8, "c4": 0.1}; !maps.Equal(got, want) {
		t.Errorf("parameters %v, expected %v", got, want)
	}
	if c := a.Coefficients(); len(c) != 5 || c[1] != 0.3 {
		t.Errorf("coefficients %v", c)
	}
	prints := map[string]bool{}
	for _, p := range []lattice.Action{a, newPolynomial(t, 0.2, []float64{0, 0.3, 0.8, 1e-5, 0.1}, 4), newON(t, 2, 0.2, 0.1, 4), newON(t, 3, 0.2, 0.1, 4)} {
		prints[lattice.Fingerprint(p)] = true
	}
	if len(prints) != 4 {
		t.Errorf("four theories have %d fingerprints", len(prints))
	}
}

func TestTheoryErrors(t *testing.T) {
	l := newLattice(t, 4, 4)
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		n             int
		kappa, lambda float64
	}{{0, 0.2, 0.1}, {-1, 0.2, 0.1}, {lattice.MaxComponents + 1, 0.2, 0.1}, {2, nan, 0.1}, {2, 0.2, inf}, {2, 0.2, -1}, {2, 0.25, 0}} {
		if _, err := lattice.NewON(l, c.n, c.kappa, c.lambda); err == nil {
			t.Errorf("NewON(%+v) gave no error", c)
		}
	}
	if _, err := lattice.NewON(nil, 2, 0.2, 0.1); err == nil {
		t.Error("NewON without a lattice gave no error")
	}
	for _, c := range [][]float64{
		nil, {1}, {0, 1}, {0, 0, 0}, {0, 0, -1}, {0, 0, 0.8}, {0, 0, 1, 0.1}, {0, 0, 1, 0, -0.1},
		{0, 0, 1, 0, 1, 0.1}, {0, nan, 1, 0, 1}, {0, 0, 1, 0, inf},
	} {
		if _, err := lattice.NewPolynomial(l, 0.2, c); err == nil {
			t.Errorf("NewPolynomial(%v) gave no error", c)
		}
	}
	for _, kappa := range []float64{nan, inf} {
		if _, err := lattice.NewPolynomial(l, kappa, []float64{0, 0, 1, 0, 1}); err == nil {
			t.Errorf("NewPolynomial at κ = %v gave no error", kappa)
		}
	}
	if _, err := lattice.NewPolynomial(nil, 0.2, []float64{0, 0, 1}); err == nil {
		t.Error("NewPolynomial without a lattice gave no error")
	}
	two := newON(t, 2, 0.2, 0.1, 4, 4)
	if !panics(func() { two.Value(make([]float64, 16)) }) || !panics(func() { two.Drift(nil, make([]float64, 16)) }) {
		t.Error("a field of one component did not panic")
	}
}
