package gauge_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice/gauge"
)

func TestWrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		v := 100 * (rng.Float64() - 0.5)
		w := gauge.Wrap(v)
		if !(w > -math.Pi && w <= math.Pi) || cmplx.Abs(cmplx.Rect(1, w)-cmplx.Rect(1, v)) > 1e-13 {
			t.Fatalf("Wrap(%v) = %v", v, w)
		}
	}
	for v, want := range map[float64]float64{math.Pi: math.Pi, -math.Pi: math.Pi, 0: 0, 2 * math.Pi: 0, 3 * math.Pi: math.Pi} {
		if got := gauge.Wrap(v); got != want {
			t.Errorf("Wrap(%v) = %v, expected %v", v, got, want)
		}
	}
}

// shapes have two to four dimensions, extents of one and two, rectangles.
var shapes = [][]int{{1, 1}, {1, 4}, {4, 1}, {2, 2}, {2, 5}, {4, 6}, {3, 4, 5}, {1, 2, 3}, {2, 2, 2, 2}, {3, 2, 4, 2}}

// Plaquettes from the links by coordinates, as complex numbers, in every plane.
func TestPlaquettes(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, dims := range shapes {
		lat := newLattice(t, dims...)
		l := must[*gauge.Links](t)(gauge.NewLinks(lat))
		links := hot(rng, l.Layout().Size())
		got := l.Plaquettes(nil, links)
		sum := 0.0
		u := func(mu int, coord []int) complex128 {
			return cmplx.Rect(1, links[mu*lat.Volume()+lat.Index(coord...)])
		}
		step := func(coord []int, mu int) []int {
			out := slices.Clone(coord)
			out[mu]++
			return out
		}
		for p, plane := range l.Planes() {
			mu, nu := plane[0], plane[1]
			for x := range lat.Volume() {
				c := lat.Coord(nil, x)
				want := u(mu, c) * u(nu, step(c, mu)) * cmplx.Conj(u(mu, step(c, nu))) * cmplx.Conj(u(nu, c))
				if d := cmplx.Abs(cmplx.Rect(1, got[p*lat.Volume()+x]) - want); d > 1e-12 {
					t.Fatalf("%v: plaquette (%d,%d) at %v is %g off", dims, mu, nu, c, d)
				}
				sum += real(want)
			}
		}
		near(t, fmt.Sprintf("%v: mean plaquette", dims), l.MeanPlaquette(links), sum/float64(len(got)), 1e-13)
	}
}

// Everything gauge-invariant stays as it is, and links themselves do not.
func TestGaugeInvariance(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, dims := range shapes {
		if slices.Min(dims) == 1 {
			// The links of such a direction, and some loops, do not exist or do not move.
			continue
		}
		a := newAction(t, gauge.Wilson{Beta: 1.7}, dims...)
		links := hot(rng, a.Layout().Size())
		moved := slices.Clone(links)
		a.RandomGauge(rng, moved, nil)
		if gauge.Wrap(moved[0]-links[0]) == 0 {
			t.Errorf("%v: the links did not move", dims)
		}
		near(t, fmt.Sprintf("%v: S", dims), a.Value(moved), a.Value(links), 1e-10)
		nearAngles(t, fmt.Sprintf("%v: plaquettes", dims), a.Plaquettes(nil, moved), a.Plaquettes(nil, links), 1e-11)
		for mu := range a.Layout().Dim() {
			p, q := must[complex128](t)(a.PolyakovLoop(links, mu)), must[complex128](t)(a.PolyakovLoop(moved, mu))
			if cmplx.Abs(p-q) > 1e-12 {
				t.Errorf("%v: Polyakov loop %d is %v, expected %v", dims, mu, q, p)
			}
		}
		w, v := must[float64](t)(a.WilsonLoop(links, 1, 0, 2, 2)), must[float64](t)(a.WilsonLoop(moved, 1, 0, 2, 2))
		near(t, fmt.Sprintf("%v: 2x2 loop", dims), v, w, 1e-12)
	}
}

// A rectangular loop in two dimensions has the angle of the sum of its plaquettes, and a
// loop of one plaquette is the plaquette.
func TestWilsonLoopIsProductOfPlaquettes(t *testing.T) {
	torus := newTorus(t, 4, 6)
	rng := rand.New(rand.NewPCG(4, 1))
	links := hot(rng, torus.Layout().Size())
	theta := torus.Plaquettes(nil, links)
	for _, side := range [][2]int{{1, 1}, {2, 3}, {4, 2}, {3, 6}, {4, 6}} {
		want := 0.0
		for x := range theta {
			c, sum := torus.Layout().Coord(nil, x), 0.0
			for i := range side[0] {
				for j := range side[1] {
					sum += theta[torus.Layout().Index(c[0]+i, c[1]+j)]
				}
			}
			want += math.Cos(sum) / float64(len(theta))
		}
		near(t, fmt.Sprintf("loop %v", side), must[float64](t)(torus.WilsonLoop(links, 0, 1, side[0], side[1])), want, 1e-12)
		near(t, fmt.Sprintf("loop %v, the other way", side), must[float64](t)(torus.WilsonLoop(links, 1, 0, side[1], side[0])), want, 1e-12)
	}
	near(t, "1x1 loop", must[float64](t)(torus.WilsonLoop(links, 0, 1, 1, 1)), torus.MeanPlaquette(links), 1e-14)
}

// A loop that winds around one direction is a product of two Polyakov loops.
func TestPolyakovLoop(t *testing.T) {
	l := must[*gauge.Links](t)(gauge.NewLinks(newLattice(t, 3, 4)))
	links := make([]float64, 24)
	// Constant links φ_0 = a, φ_1 = b have the loops e^{3ia} and e^{4ib}.
	for x := range 12 {
		links[x], links[12+x] = 0.3, -0.7
	}
	for mu, angle := range []float64{0.9, -2.8} {
		if p := must[complex128](t)(l.PolyakovLoop(links, mu)); cmplx.Abs(p-cmplx.Rect(1, angle)) > 1e-14 {
			t.Errorf("Polyakov loop %d is %v", mu, p)
		}
	}
}

// The links of the tree vanish, there are V-1 of them, and nothing gauge-invariant changes.
func TestTreeGauge(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, dims := range shapes {
		l := must[*gauge.Links](t)(gauge.NewLinks(newLattice(t, dims...)))
		links := hot(rng, l.Layout().Size())
		fixed := slices.Clone(links)
		l.Transform(fixed, l.TreeGauge(nil, links))
		vanishing := 0
		for _, v := range fixed {
			if math.Abs(v) < 1e-11 {
				vanishing++
			}
		}
		if want := l.Layout().Volume() - 1; vanishing != want {
			t.Errorf("%v: expected %d links that vanish, got %d", dims, want, vanishing)
		}
		nearAngles(t, fmt.Sprintf("%v: plaquettes", dims), l.Plaquettes(nil, fixed), l.Plaquettes(nil, links), 1e-10)
		// A gauge that is fixed already is left alone.
		for x, alpha := range l.TreeGauge(nil, fixed) {
			if math.Abs(gauge.Wrap(alpha)) > 1e-10 {
				t.Fatalf("%v: the gauge of the tree is moved by %v at site %d", dims, alpha, x)
			}
		}
	}
}

func TestLinksErrors(t *testing.T) {
	if _, err := gauge.NewLinks(nil); err == nil {
		t.Error("no lattice was accepted")
	}
	if _, err := gauge.NewLinks(newLattice(t, 4)); err == nil {
		t.Error("one dimension was accepted")
	}
	if _, err := gauge.NewTorus(newLattice(t, 2, 2, 2)); err == nil {
		t.Error("a charge in three dimensions was accepted")
	}
	l := must[*gauge.Links](t)(gauge.NewLinks(newLattice(t, 3, 4)))
	links := make([]float64, 24)
	for _, c := range [][4]int{{0, 0, 1, 1}, {-1, 0, 1, 1}, {0, 2, 1, 1}, {0, 1, 0, 1}, {0, 1, 4, 1}, {0, 1, 1, 5}} {
		if _, err := l.WilsonLoop(links, c[0], c[1], c[2], c[3]); err == nil {
			t.Errorf("the loop %v was accepted", c)
		}
	}
	for _, mu := range []int{-1, 2} {
		if _, err := l.PolyakovLoop(links, mu); err == nil {
			t.Errorf("the direction %d was accepted", mu)
		}
	}
}
