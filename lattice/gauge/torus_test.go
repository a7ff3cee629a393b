package gauge_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice/gauge"
)

// instanton returns links of the constant flux 2πQ/V through every plaquette: the charge is Q.
func instanton(t *testing.T, torus *gauge.Torus, q int) []float64 {
	v := torus.Layout().Volume()
	flux := slices.Repeat([]float64{2 * math.Pi * float64(q) / float64(v)}, v)
	return must[[]float64](t)(torus.FromPlaquettes(nil, flux, 0.4, -0.2))
}

func TestCharge(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, dims := range [][]int{{4, 6}, {5, 5}, {1, 9}} {
		torus := newTorus(t, dims...)
		for q := -4; q <= 4; q++ {
			links := instanton(t, torus, q)
			if got := torus.Charge(links); got != q {
				t.Errorf("%v: a flux of charge %d has %d", dims, q, got)
			}
			torus.RandomGauge(rng, links, nil)
			if got := torus.Charge(links); got != q {
				t.Errorf("%v: after a gauge transformation the charge %d is %d", dims, q, got)
			}
		}
		// Against the definition, on links without any structure.
		links := hot(rng, torus.Layout().Size())
		sum := 0.0
		for _, theta := range torus.Plaquettes(nil, links) {
			sum += theta
		}
		near(t, "Σθ/2π", sum/(2*math.Pi), float64(torus.Charge(links)), 1e-11)
	}
}

// Links go to plaquettes, holonomies and a gauge, and come back.
func TestFromPlaquettesRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, dims := range [][]int{{1, 1}, {1, 4}, {4, 1}, {2, 2}, {4, 6}, {7, 3}} {
		torus := newTorus(t, dims...)
		links := hot(rng, torus.Layout().Size())
		theta := torus.Plaquettes(nil, links)
		h0, h1 := torus.Holonomies(links)
		back := must[[]float64](t)(torus.FromPlaquettes(nil, theta, h0, h1))
		fixed := slices.Clone(links)
		alpha := torus.TreeGauge(nil, links)
		torus.Transform(fixed, alpha)
		nearAngles(t, fmt.Sprintf("%v: links in the gauge of the tree", dims), back, fixed, 1e-10)
		for x := range alpha {
			alpha[x] = -alpha[x]
		}
		torus.Transform(back, alpha)
		nearAngles(t, fmt.Sprintf("%v: links", dims), back, links, 1e-10)
	}
}

// Plaquettes outside of (-π, π] are those that they wrap to, and holonomies are what was
// asked for.
func TestFromPlaquettesOfLifts(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	torus := newTorus(t, 3, 5)
	theta := make([]float64, 15)
	sum := 0.0
	for x := range theta[1:] {
		theta[x] = 8 * rng.NormFloat64()
		sum += theta[x]
	}
	theta[14] = 6*math.Pi - sum
	links := must[[]float64](t)(torus.FromPlaquettes(nil, theta, 2.5, -1.25))
	nearAngles(t, "plaquettes", torus.Plaquettes(nil, links), theta, 1e-11)
	h0, h1 := torus.Holonomies(links)
	nearAngles(t, "holonomies", []float64{h0, h1}, []float64{2.5, -1.25}, 1e-12)
	for _, v := range links {
		if !(v > -math.Pi && v <= math.Pi) {
			t.Fatalf("expected links in (-π, π], got %v", v)
		}
	}
	for _, wrong := range []float64{1e-3, math.NaN(), math.Inf(1)} {
		bad := slices.Clone(theta)
		bad[3] += wrong
		if _, err := torus.FromPlaquettes(nil, bad, 0, 0); err == nil {
			t.Errorf("a sum that is off by %v was accepted", wrong)
		}
	}
}
