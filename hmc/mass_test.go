package hmc

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

var shapes = [][]int{{1}, {2}, {7}, {8}, {1, 1}, {1, 6}, {6, 1}, {4, 6}, {5, 3}, {3, 2, 4}, {2, 3, 1, 5}}

// component returns Σ_x φ(x) exp(-ikx) / √V by the definition, k = 2πn/L.
func component(lat *lattice.Lattice, phi []float64, k int) complex128 {
	n, x := lat.Coord(nil, k), make([]int, lat.Dim())
	var sum complex128
	for i, v := range phi {
		lat.Coord(x, i)
		angle := 0.0
		for mu := range n {
			angle += 2 * math.Pi * float64(n[mu]*x[mu]) / float64(lat.Extent(mu))
		}
		sum += complex(v, 0) * cmplx.Rect(1, -angle)
	}
	return sum / complex(math.Sqrt(float64(len(phi))), 0)
}

// The transform against the definition, in one to four dimensions, for even and odd
// extents: M⁻¹ multiplies every component by 1/M_k.
func TestMassAgainstDefinition(t *testing.T) {
	for _, dims := range shapes {
		lat := mustLattice(t, dims...)
		free, err := lattice.NewFreeField(lat, 0.11)
		if err != nil {
			t.Fatal(err)
		}
		spectrum, err := free.FreeSpectrum(nil)
		if err != nil {
			t.Fatal(err)
		}
		mass, err := NewFreeMass(lat, 0.11, 0)
		if err != nil {
			t.Fatal(err)
		}
		src := gaussian(rand.New(rand.NewPCG(71, 72)), lat.Volume())
		dst := make([]float64, lat.Volume())
		lattice.NewFourier(lat).Filter(dst, src, mass.inverse)
		for k := range src {
			got, want := component(lat, dst, k), component(lat, src, k)*complex(spectrum[k], 0)
			if cmplx.Abs(got-want) > 1e-12 {
				t.Errorf("%v: component %d: expected %v, got %v", lat, k, want, got)
			}
		}
	}
}

// The momenta have ⟨|π_k|²⟩ = M_k. |π_k|² has a relative variance of 1 where k ≠ -k
// and of 2 where k = -k.
func TestMassRefresh(t *testing.T) {
	const n = 20000
	for _, dims := range [][]int{{5}, {4, 4}, {3, 4}} {
		lat := mustLattice(t, dims...)
		mass, err := NewFreeMass(lat, 0.2, 0)
		if err != nil {
			t.Fatal(err)
		}
		free, err := lattice.NewFreeField(lat, 0.2)
		if err != nil {
			t.Fatal(err)
		}
		spectrum, err := free.FreeSpectrum(nil)
		if err != nil {
			t.Fatal(err)
		}
		d := newAccelerated(free, mass)
		src := newNormalSource(81)
		power := make([]float64, lat.Volume())
		energy := 0.0
		for range n {
			d.refresh(src)
			for k := range power {
				c := component(lat, d.pi, k)
				power[k] += real(c * cmplx.Conj(c))
			}
			energy += d.hamiltonian()
		}
		for k, p := range power {
			if got := p / n * spectrum[k]; math.Abs(got-1) > 5*math.Sqrt(2./n) {
				t.Errorf("%v: expected ⟨|π_k|²⟩/M_k = 1 for k = %d, got %v", lat, k, got)
			}
		}
		v := float64(lat.Volume())
		if got := energy / n; math.Abs(got-v/2) > 5*math.Sqrt(v/2/n) {
			t.Errorf("%v: expected the kinetic energy V/2 = %v, got %v", lat, v/2, got)
		}
	}
}

// With the mass matrix of the free field every mode has frequency 1, and a quarter
// of a period maps the momenta to the field whatever the start was. Leapfrog turns
// by arccos(1 - ε²/2) a step, on an ellipse of axes ratio √(1 - ε²/4), so with
// ε = 2 sin(π/4n) the n steps are an exact quarter too: φ(end) = M⁻¹π/√(1 - ε²/4).
func TestMassDecorrelatesFreeField(t *testing.T) {
	const n = 5
	eps := 2 * math.Sin(math.Pi/(4*n))
	for _, dims := range shapes {
		lat := mustLattice(t, dims...)
		free, err := lattice.NewFreeField(lat, 0.12)
		if err != nil {
			t.Fatal(err)
		}
		mass, err := NewFreeMass(lat, 0.12, 0)
		if err != nil {
			t.Fatal(err)
		}
		spectrum, err := free.FreeSpectrum(nil)
		if err != nil {
			t.Fatal(err)
		}
		d := newAccelerated(free, mass)
		for seed := range uint64(2) {
			d.load(gaussian(rand.New(rand.NewPCG(91, seed)), lat.Volume()))
			d.refresh(newNormalSource(92))
			pi := append([]float64(nil), d.pi...)
			Leapfrog.run(d, eps, n)
			for k := range pi {
				want := component(lat, pi, k) * complex(spectrum[k]/math.Sqrt(1-eps*eps/4), 0)
				if got := component(lat, d.phi, k); cmplx.Abs(got-want) > 1e-12 {
					t.Errorf("%v: component %d: expected %v, got %v", lat, k, want, got)
				}
			}
		}
	}
}

// The chain as a user runs it: the spectrum of the free field, and no correlation
// of the slowest mode between successive fields, where unit masses leave a strong
// one.
func TestFourierAcceleration(t *testing.T) {
	const n = 5000
	lat := mustLattice(t, 6, 6)
	free, err := lattice.NewFreeField(lat, 0.24)
	if err != nil {
		t.Fatal(err)
	}
	spectrum, err := free.FreeSpectrum(nil)
	if err != nil {
		t.Fatal(err)
	}
	mass, err := NewFreeMass(lat, 0.24, 0)
	if err != nil {
		t.Fatal(err)
	}
	// correlation returns that of the zero mode over one trajectory.
	correlation := func(cfg Config) float64 {
		h := mustNew(t, free, cfg)
		rng := rand.New(rand.NewPCG(101, 102))
		phi := make([]float64, 36)
		power := make([]float64, 36)
		last, sum, norm := 0.0, 0.0, 0.0
		for i := range n + 100 {
			if _, err := h.Step(t.Context(), rng, phi); err != nil {
				t.Fatal(err)
			}
			m := lattice.Magnetization(phi)
			if i >= 100 {
				sum += m * last
				norm += m * m
				for k := range power {
					c := component(lat, phi, k)
					power[k] += real(c * cmplx.Conj(c))
				}
			}
			last = m
		}
		if cfg.Mass != nil {
			for k, p := range power {
				if got := p / n / spectrum[k]; math.Abs(got-1) > 5*math.Sqrt(2./n) {
					t.Errorf("expected ⟨|φ_k|²⟩ = %v for k = %d, got %v", spectrum[k], k, p/n)
				}
			}
		}
		return sum / norm
	}
	// The 20 steps turn by π/2 up to 4e-4, far below the statistical error.
	if c := correlation(Config{Length: math.Pi / 2, Steps: 20, Mass: mass}); math.Abs(c) > 5/math.Sqrt(n) {
		t.Errorf("expected no correlation with the mass matrix, got %v", c)
	}
	if c := correlation(Config{Length: math.Pi / 2, Steps: 20}); c < 0.8 {
		t.Errorf("expected a strong correlation with unit masses, got %v", c)
	}
}

func TestMassErrors(t *testing.T) {
	lat := mustLattice(t, 2, 3)
	for name, spectrum := range map[string][]float64{
		"nil":        nil,
		"too few":    {1, 1, 1, 1, 1},
		"zero":       {1, 1, 1, 0, 1, 1},
		"negative":   {1, 1, 1, -1, 1, 1},
		"NaN":        {1, 1, 1, math.NaN(), 1, 1},
		"infinite":   {1, 1, 1, math.Inf(1), 1, 1},
		"asymmetric": {1, 1, 2, 1, 1, 1},
	} {
		if m, err := NewMass(lat, spectrum); err == nil || m != nil {
			t.Errorf("%s: expected an error, got %v, %v", name, m, err)
		}
	}
	if _, err := NewMass(nil, []float64{1}); err == nil {
		t.Error("nil lattice: expected an error, got none")
	}
	if _, err := NewFreeMass(nil, 0.1, 0); err == nil {
		t.Error("nil lattice: expected an error, got none")
	}
	if _, err := NewFreeMass(lat, 0.25, 0); err == nil {
		t.Error("massless: expected an error, got none")
	}
	if _, err := NewFreeMass(lat, 0.25, 0.1); err != nil {
		t.Errorf("massive: %v", err)
	}
}
