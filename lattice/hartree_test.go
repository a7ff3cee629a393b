package lattice_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// The spectrum of the free field is exact, and that of φ⁴ theory solves its equation, written
// down by hand, beyond the hopping parameter where the free field ends too.
func TestHartreeSpectrum(t *testing.T) {
	lat, err := lattice.New(6, 4)
	if err != nil {
		t.Fatal(err)
	}
	free, err := lattice.NewFreeField(lat, 0.21)
	if err != nil {
		t.Fatal(err)
	}
	want, err := free.FreeSpectrum(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := lattice.HartreeSpectrum(free)
	if err != nil {
		t.Fatal(err)
	}
	for k := range want {
		if math.Abs(got[k]-want[k]) > 1e-10*want[k] {
			t.Fatalf("mode %d of the free field has %v, exact %v", k, got[k], want[k])
		}
	}
	for _, kappa := range []float64{0.1, 0.27, 0.4} {
		const lambda = 0.022
		a, err := lattice.NewPhi4(lat, kappa, lambda)
		if err != nil {
			t.Fatal(err)
		}
		c, err := lattice.HartreeSpectrum(a)
		if err != nil {
			t.Fatal(err)
		}
		v := 0.0
		for _, x := range c {
			v += x / float64(lat.Volume())
		}
		for k := range c {
			n := lat.Coord(nil, k)
			cos := math.Cos(2*math.Pi*float64(n[0])/6) + math.Cos(2*math.Pi*float64(n[1])/4)
			if want := 1 / (2*(1-2*lambda) + 12*lambda*v - 4*kappa*cos); math.Abs(c[k]-want) > 1e-9*want {
				t.Fatalf("κ = %v: mode %d has %v, the equation gives %v", kappa, k, c[k], want)
			}
		}
	}
}

// Of all Gaussians with a mass of their own it is the one with the least ⟨S⟩ - entropy, here
// with a potential of sixth order; ⟨S⟩ by the moments of a normal distribution.
func TestHartreeSpectrumIsLeast(t *testing.T) {
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	a, err := lattice.NewPolynomial(lat, 0.2, []float64{0, 0, -0.3, 0, 0.2, 0, 0.05})
	if err != nil {
		t.Fatal(err)
	}
	c, err := lattice.HartreeSpectrum(a)
	if err != nil {
		t.Fatal(err)
	}
	site := a.SitePotential()
	couplings := make([]float64, len(c))
	for k := range c {
		couplings[k] = 1/c[k] - 1/c[0] // up to a constant, which joins the mass
	}
	free := func(shift float64) float64 {
		v, kinetic, entropy := 0.0, 0.0, 0.0
		for k := range c {
			s := 1 / (1/c[k] + shift)
			v += s / float64(len(c))
			kinetic += couplings[k] * s / 2
			entropy += math.Log(s) / 2
		}
		// The couplings between different sites have the mean zero over all modes.
		mean := 0.0
		for _, x := range couplings {
			mean += x / float64(len(c))
		}
		kinetic -= mean * v / 2 * float64(len(c))
		return float64(len(c))*(site[2]*v+3*site[4]*v*v+15*site[6]*v*v*v) + kinetic - entropy
	}
	const h = 1e-3
	slope, curvature := (free(h)-free(-h))/(2*h), (free(h)-2*free(0)+free(-h))/(h*h)
	if math.Abs(slope) > 1e-4*curvature || !(curvature > 0) {
		t.Errorf("the free energy has the slope %v and the curvature %v", slope, curvature)
	}
}

func TestHartreeSpectrumRefuses(t *testing.T) {
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	odd, err := lattice.NewPolynomial(lat, 0.2, []float64{0, 0, 1, 0.1, 0.2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lattice.HartreeSpectrum(odd); err == nil {
		t.Error("a potential with a cubic term was accepted")
	}
	if _, err := lattice.HartreeSpectrum(nil); err == nil {
		t.Error("no action was accepted")
	}
}
