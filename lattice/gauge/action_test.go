package gauge_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

// Drift and Difference against Value, on lattices of every kind.
func TestActionDerivatives(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, w := range weights {
		for _, dims := range shapes {
			a := newAction(t, w, dims...)
			if err := lattice.CheckDrift(a); err != nil {
				t.Error(err)
			}
			links := hot(rng, a.Layout().Size())
			before := a.Value(links)
			for i := range links {
				old, v := links[i], 20*rng.Float64()
				got := a.Difference(links, i, v)
				links[i] = v
				near(t, fmt.Sprintf("difference of %s", lattice.Describe(a)), got, a.Value(links)-before, 1e-10)
				links[i] = old
			}
		}
	}
}

// The action of Wilson's weight is -β times the sum of the cosines.
func TestWilsonValue(t *testing.T) {
	a := must[*gauge.Action](t)(gauge.NewWilson(newLattice(t, 3, 4, 2), 1.5))
	links := hot(rand.New(rand.NewPCG(2, 1)), a.Layout().Size())
	sum := 0.0
	for _, theta := range a.Plaquettes(nil, links) {
		sum += math.Cos(theta)
	}
	near(t, "S", a.Value(links), -1.5*sum, 1e-12)
}

// Villain's weight against the bare sums, at every angle.
func TestVillain(t *testing.T) {
	for _, beta := range []float64{0.05, 0.3, 0.49, 0.51, 1, 7} {
		w := gauge.Villain{Beta: beta}
		for theta := -7.0; theta < 7; theta += 0.37 {
			direct, slope, dual := 0.0, 0.0, 0.0
			for m := -200; m <= 200; m++ {
				v := theta + 2*math.Pi*float64(m)
				e := math.Exp(-beta * v * v / 2)
				direct += e
				slope += beta * v * e
				dual += math.Exp(-float64(m*m)/(2*beta)) * math.Cos(float64(m)*theta) / math.Sqrt(2*math.Pi*beta)
			}
			name := fmt.Sprintf("β = %v, θ = %v", beta, theta)
			near(t, name, math.Exp(-w.Energy(theta)), direct, 1e-13)
			near(t, name+", dual", math.Exp(-w.Energy(theta)), dual, 1e-13)
			near(t, name+", derivative", w.Derivative(theta), slope/direct, 1e-11)
		}
	}
}

// What models and ensembles need of an action of the library.
func TestActionIdentity(t *testing.T) {
	wilson, villain := newAction(t, gauge.Wilson{Beta: 2}, 4, 4), newAction(t, gauge.Villain{Beta: 2}, 4, 4)
	if lattice.Fingerprint(wilson) == lattice.Fingerprint(villain) {
		t.Error("two weights have one fingerprint")
	}
	if p := lattice.Params(wilson); p["beta"] != 2 {
		t.Errorf("expected β = 2 among the couplings, got %v", p)
	}
	s := must[lattice.Symmetries](t)(lattice.MeasureSymmetries(wilson))
	if !s.Sign || !s.Translation {
		t.Errorf("expected charge conjugation and translations, got %+v", s)
	}
}

// odd is a weight that is not even.
type odd struct{ gauge.Wilson }

func (odd) Energy(theta float64) float64     { return math.Sin(theta) }
func (odd) Derivative(theta float64) float64 { return math.Cos(theta) }

// open is a weight that is not periodic.
type open struct{ gauge.Wilson }

func (open) Energy(theta float64) float64     { return theta * theta }
func (open) Derivative(theta float64) float64 { return 2 * theta }

// steep has another derivative than its own.
type steep struct{ gauge.Wilson }

func (s steep) Derivative(theta float64) float64 { return 1.1 * s.Wilson.Derivative(theta) }

func TestActionErrors(t *testing.T) {
	lat := newLattice(t, 4, 4)
	for _, w := range []gauge.Weight{
		nil, gauge.Wilson{Beta: math.NaN()}, gauge.Wilson{Beta: math.Inf(1)}, gauge.Villain{}, gauge.Villain{Beta: -1},
		gauge.Villain{Beta: math.NaN()}, odd{}, open{}, steep{gauge.Wilson{Beta: 1}},
	} {
		if _, err := gauge.New(lat, w); err == nil {
			t.Errorf("the weight %#v was accepted", w)
		}
	}
	if _, err := gauge.NewWilson(lat, -1); err == nil {
		t.Error("a negative β was accepted")
	}
	if _, err := gauge.NewWilson(nil, 1); err == nil {
		t.Error("no lattice was accepted")
	}
	if _, err := gauge.NewVillain(newLattice(t, 8), 1); err == nil {
		t.Error("one dimension was accepted")
	}
}
