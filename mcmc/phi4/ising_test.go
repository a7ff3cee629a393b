package phi4_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/phi4"
)

// spins calls f with all configurations of v signs.
func spins(v int, f func(s []float64)) {
	s := make([]float64, v)
	for c := range 1 << v {
		for x := range s {
			s[x] = float64(c>>x&1)*2 - 1
		}
		f(s)
	}
}

// hopping is Σ_x Σ_µ φ(x)φ(x+µ̂).
func hopping(lat *lattice.Lattice, phi []float64) float64 {
	return lat.Hopping(phi) * float64(lat.Volume())
}

func TestIsingEnumeration(t *testing.T) {
	for _, dims := range [][]int{{1}, {2}, {5}, {6}, {1, 4}, {3, 1}, {1, 1}, {2, 2}, {3, 4}, {4, 3}, {4, 4}, {2, 6}, {5, 3}, {1, 2, 4}} {
		lat := newLattice(t, dims...)
		v := float64(lat.Volume())
		// The number of configurations with each hopping and M².
		type key struct{ hop, m float64 }
		count := map[key]float64{}
		spins(lat.Volume(), func(s []float64) {
			m := 0.0
			for _, x := range s {
				m += x
			}
			count[key{hopping(lat, s), m * m}]++
		})
		critical := math.Asinh(1) / 4
		for _, kappa := range []float64{0, 1e-3, 0.1, critical, 0.3, 1, -0.01, -0.2, -critical, -0.7} {
			what := fmt.Sprintf("%v, κ = %v", lat, kappa)
			e, err := phi4.Ising(lat, kappa)
			odd, extents := false, 0
			for _, l := range dims {
				odd = odd || l > 1 && l%2 == 1
				if l > 1 {
					extents++
				}
			}
			if odd && extents == 2 && kappa < 0 {
				if err == nil {
					t.Errorf("%s: expected an error", what)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			var z, h, hh, chi float64
			for k, n := range count {
				w := n * math.Exp(2*kappa*k.hop)
				z += w
				h += w * k.hop
				hh += w * k.hop * k.hop
				chi += w * k.m
			}
			h /= z
			near(t, what+": log Z", e.LogZ, math.Log(z), 1e-12)
			near(t, what+": free energy", e.FreeEnergy, -math.Log(z)/v, 1e-12)
			near(t, what+": hopping", e.Hopping, h/v, 1e-12)
			near(t, what+": variance", e.HoppingVariance, (hh/z-h*h)/v, 1e-10)
			near(t, what+": S/V", e.ActionDensity, -2*kappa*h/v, 1e-12)
			if !math.IsNaN(e.Chi) {
				near(t, what+": χ", e.Chi, chi/z/v, 1e-12)
			} else if extents < 2 {
				t.Errorf("%s: no χ", what)
			}
		}
	}
}

// The critical point in infinite volume: log Z/V = ½ log 2 + 2G/π with Catalan's
// constant, hopping √2, and for the L x L torus corrections that are known as well:
// log Z - V f → log(2^{-3/4} + ...) is a constant of order 1, the hopping deviates as 1/L.
func TestIsingLarge(t *testing.T) {
	const catalan = 0.915965594177219015
	critical := math.Asinh(1) / 4
	last := math.Inf(1)
	for _, l := range []int{32, 128, 512} {
		e := must[phi4.Exact](t)(phi4.Ising(newLattice(t, l, l), critical))
		v := float64(l * l)
		// Ferdinand and Fisher, Phys. Rev. 185, 832 (1969): 0.639912 at the square shape.
		near(t, fmt.Sprintf("L = %d: log Z - V f", l), e.LogZ-v*(math.Ln2/2+2*catalan/math.Pi), 0.639912, 3e-2/float64(l))
		d := (e.Hopping - math.Sqrt2) * float64(l)
		if !(d > 0 && math.Abs(d-last) < 0.01 || math.IsInf(last, 1)) {
			t.Errorf("L = %d: (hopping - √2) L = %v after %v", l, d, last)
		}
		last = d
	}
	// Derivatives in a lattice of other extents, on both sides of the transition.
	for _, kappa := range []float64{0.18, 0.2203, 0.26, 5} {
		lat := newLattice(t, 20, 64)
		const h = 1e-4
		e := must[phi4.Exact](t)(phi4.Ising(lat, kappa))
		up, down := must[phi4.Exact](t)(phi4.Ising(lat, kappa+h)), must[phi4.Exact](t)(phi4.Ising(lat, kappa-h))
		near(t, "hopping", (down.FreeEnergy-up.FreeEnergy)/(2*h), 2*e.Hopping, 1e-4)
		near(t, "variance", (up.Hopping-down.Hopping)/(2*h), 2*e.HoppingVariance, 1e-4)
		other := must[phi4.Exact](t)(phi4.Ising(newLattice(t, 64, 20), kappa))
		same(t, "transposed", other, e, 1e-11)
	}
}

func TestIsingErrors(t *testing.T) {
	for _, f := range []func() error{
		func() error { _, err := phi4.Ising(nil, 0.1); return err },
		func() error { _, err := phi4.Ising(newLattice(t, 2, 2, 2), 0.1); return err },
		func() error { _, err := phi4.Ising(newLattice(t, 2, 2), math.NaN()); return err },
		func() error { _, err := phi4.Ising(newLattice(t, 2, 2), 101); return err },
	} {
		if err := f(); err == nil {
			t.Error("expected an error")
		}
	}
}
