package lattice_test

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// directTransform is the unitary transform as the sum that defines it.
func directTransform(l *lattice.Lattice, phi []float64) []complex128 {
	out := make([]complex128, len(phi))
	for k := range out {
		for x, v := range phi {
			out[k] += complex(v/math.Sqrt(float64(len(phi))), 0) * cmplx.Exp(complex(0, -phase(l, k, x)))
		}
	}
	return out
}

func TestTransform(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, dims := range append(shapes, []int{11, 13}, []int{32, 32}) {
		l := newLattice(t, dims...)
		f := lattice.NewFourier(l)
		phi := gaussian(rng, l.Volume())
		got, power := f.Transform(nil, phi), f.Power(nil, phi)
		sum, norm := 0.0, 0.0
		for k, want := range directTransform(l, phi) {
			if cmplx.Abs(got[k]-want) > 1e-11 {
				t.Fatalf("%v: mode %d is %v, expected %v", l, k, got[k], want)
			}
			if !near(power[k], real(want*cmplx.Conj(want)), 1e-11) {
				t.Fatalf("%v: power %v of mode %d, expected that of %v", l, power[k], k, want)
			}
			sum += power[k]
		}
		for _, v := range phi {
			norm += v * v
		}
		if !near(sum, norm, 1e-12) {
			t.Errorf("%v: Σ|φ_k|² = %v, Σφ² = %v", l, sum, norm)
		}
		wantNear(t, "inverse transform", f.Inverse(nil, got), phi, 1e-12)
		// In place and with a nil destination alike.
		own := append([]float64(nil), phi...)
		wantNear(t, "power in place", f.Power(own, own), power, 0)
	}
}

func TestTwoPoint(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, dims := range shapes {
		l := newLattice(t, dims...)
		f := lattice.NewFourier(l)
		phi := gaussian(rng, l.Volume())
		want := make([]float64, l.Volume())
		for x := range want {
			moved := l.Translate(nil, phi, l.Coord(nil, x)...) // φ(y-x)
			for y, v := range phi {
				want[x] += v * moved[y] / float64(len(phi))
			}
		}
		g := f.TwoPoint(nil, phi)
		wantNear(t, "two-point function", g, want, 1e-12)
		if !near(g[0], lattice.Phi2(phi), 1e-12) {
			t.Errorf("%v: G(0) = %v, φ² = %v", l, g[0], lattice.Phi2(phi))
		}
		hop := 0.0
		for mu := range l.Dim() {
			hop += g[l.Forward(mu)[0]]
			want := make([]float64, l.Extent(mu))
			for x, v := range g {
				want[l.Coord(nil, x)[mu]] += v
			}
			corr := l.Correlator(nil, phi, mu)
			wantNear(t, "correlator", corr, want, 1e-12)
			sum := 0.0
			for _, v := range corr {
				sum += v
			}
			if m := lattice.Magnetization(phi); !near(sum, float64(l.Volume())*m*m, 1e-12) {
				t.Errorf("%v: Σ_t G(t) = %v, V M² = %v", l, sum, float64(l.Volume())*m*m)
			}
			power := f.Power(nil, phi)
			for n := range l.Extent(mu) {
				k := make([]int, l.Dim())
				k[mu] = n
				if got, want := l.Mode(phi, mu, n), power[l.Index(k...)]; !near(got, want, 1e-12) {
					t.Errorf("%v: mode %d in direction %d is %v, expected %v", l, n, mu, got, want)
				}
			}
		}
		if !near(hop, l.Hopping(phi), 1e-12) {
			t.Errorf("%v: hopping term %v, expected %v", l, l.Hopping(phi), hop)
		}
		shift := make([]int, l.Dim())
		for mu := range shift {
			shift[mu] = mu + 1
		}
		moved := l.Translate(nil, phi, shift...)
		wantNear(t, "two-point function of the translated field", f.TwoPoint(nil, moved), g, 1e-12)
		wantNear(t, "power of the translated field", f.Power(nil, moved), f.Power(nil, phi), 1e-12)
	}
}

// The inverse of the free operator -K, applied by its spectrum, undoes it.
func TestFilter(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, dims := range shapes {
		l := newLattice(t, dims...)
		a, err := lattice.NewFreeField(l, 0.8/(2*float64(l.Dim())))
		if err != nil {
			t.Fatal(err)
		}
		mult, err := a.FreeSpectrum(nil)
		if err != nil {
			t.Fatal(err)
		}
		f := lattice.NewFourier(l)
		phi := gaussian(rng, l.Volume())
		k := a.Drift(nil, phi)
		for x := range k {
			k[x] = -k[x]
		}
		got := f.Filter(nil, k, mult)
		wantNear(t, "filter on "+l.String(), got, phi, 1e-11)
		wantNear(t, "filter in place", f.Filter(k, k, mult), got, 0)
		// A filter is a convolution with the propagator of its multiplier.
		g := f.Propagator(nil, mult)
		want := make([]float64, l.Volume())
		for y, v := range phi {
			for x, w := range l.Translate(nil, g, l.Coord(nil, y)...) {
				want[x] += v * w
			}
		}
		wantNear(t, "convolution", f.Filter(nil, phi, mult), want, 1e-11)
	}
}

func TestFourierPanics(t *testing.T) {
	f := lattice.NewFourier(newLattice(t, 2, 3))
	five, six := make([]float64, 5), make([]float64, 6)
	for name, call := range map[string]func(){
		"Transform":      func() { f.Transform(nil, five) },
		"Transform, dst": func() { f.Transform(make([]complex128, 5), six) },
		"Inverse":        func() { f.Inverse(nil, make([]complex128, 5)) },
		"Power":          func() { f.Power(five, six) },
		"Filter":         func() { f.Filter(nil, six, five) },
		"Propagator":     func() { f.Propagator(nil, five) },
		"Gaussian":       func() { f.Gaussian(nil, five, rand.New(rand.NewPCG(1, 2))) },
		"PowerSpectrum":  func() { lattice.NewPowerSpectrum(lattice.Scalar(f.Lattice())).Add(five) },
		"Merge": func() {
			lattice.NewPowerSpectrum(lattice.Scalar(f.Lattice())).Merge(lattice.NewPowerSpectrum(lattice.Scalar(newLattice(t, 6))))
		},
		"Symmetrize":      func() { f.Lattice().Symmetrize(nil, five) },
		"Correlator":      func() { f.Lattice().Correlator(nil, five, 0) },
		"Correlator, dst": func() { f.Lattice().Correlator(five, six, 0) },
		"length":          func() { f.Lattice().CorrelationLength(five, 0) },
	} {
		if !panics(call) {
			t.Errorf("%s: misuse of shapes did not panic", name)
		}
	}
}

func TestFourierAllocatesNothing(t *testing.T) {
	f := lattice.NewFourier(newLattice(t, 8, 6))
	phi, dst := gaussian(rand.New(rand.NewPCG(1, 2)), 48), make([]float64, 48)
	modes := make([]complex128, 48)
	if n := testing.AllocsPerRun(10, func() {
		f.Power(dst, phi)
		f.Filter(dst, phi, phi)
		f.Propagator(dst, phi)
		f.Transform(modes, phi)
		f.Inverse(dst, modes)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Every mode of the sampled free field has the variance of the spectrum. |φ_k|² has
// the relative standard deviation 1 for a complex mode and √2 for a real one.
func TestGaussian(t *testing.T) {
	const n = 4000
	for _, dims := range [][]int{{4, 6}, {5}, {2, 3, 2}} {
		l := newLattice(t, dims...)
		a, err := lattice.NewFreeField(l, 0.9/(2*float64(l.Dim())))
		if err != nil {
			t.Fatal(err)
		}
		want, err := a.FreeSpectrum(nil)
		if err != nil {
			t.Fatal(err)
		}
		f, s := lattice.NewFourier(l), lattice.NewPowerSpectrum(lattice.Scalar(l))
		rng := rand.New(rand.NewPCG(9, 10))
		phi := make([]float64, l.Volume())
		action := 0.0
		for range n {
			f.Gaussian(phi, want, rng)
			s.Add(phi)
			action += a.Value(phi)
		}
		for k, got := range s.Mean(nil) {
			if sigma := want[k] * math.Sqrt(2.0/n); math.Abs(got-want[k]) > 5*sigma {
				t.Errorf("%v: power %v of mode %d, expected %v ± %v", l, got, k, want[k], sigma)
			}
		}
		// S is half a chi-squared variable with V degrees of freedom.
		v := float64(l.Volume())
		if sigma := math.Sqrt(v / 2 / n); math.Abs(action/n-v/2) > 5*sigma {
			t.Errorf("%v: ⟨S⟩ = %v, expected %v ± %v", l, action/n, v/2, sigma)
		}
	}
}

func TestPowerSpectrum(t *testing.T) {
	e := goldenEnsemble(t, 7, 4, 4)
	s := e.PowerSpectrum()
	f := lattice.NewFourier(e.Lattice)
	want := make([]float64, 16)
	for _, phi := range e.All() {
		for k, p := range f.Power(nil, phi) {
			want[k] += p / 7
		}
	}
	wantNear(t, "mean", s.Mean(nil), want, 1e-12)
	halves := e.Slice(0, 3).PowerSpectrum()
	halves.Merge(e.Slice(3, 7).PowerSpectrum())
	if halves.Len() != 7 {
		t.Errorf("Len %d after merging 3 and 4", halves.Len())
	}
	wantNear(t, "merged mean", halves.Mean(nil), want, 1e-12)
	wantNear(t, "symmetrised", s.Symmetrized(nil), e.Lattice.Symmetrize(nil, want), 1e-12)
	if m := lattice.NewPowerSpectrum(lattice.Scalar(e.Lattice)).Mean(nil); !math.IsNaN(m[3]) {
		t.Errorf("mean %v of no configurations", m)
	}
	s.Add(append(make([]float64, 15), math.NaN()))
	if m := s.Mean(nil); !math.IsNaN(m[3]) {
		t.Errorf("mean %v with a NaN", m)
	}
}

// Symmetrize is the average over the elements of the group, made here one by one.
func TestSymmetrize(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, dims := range shapes {
		l := newLattice(t, dims...)
		f := gaussian(rng, l.Volume())
		want := make([]float64, l.Volume())
		n := 0.0
		permutations(l, f, 0, func(g []float64) {
			for mask := range 1 << l.Dim() {
				h := g
				for mu := range l.Dim() {
					if mask>>mu&1 == 1 {
						h = l.Reflect(nil, h, mu)
					}
				}
				for x, v := range h {
					want[x] += v
				}
				n++
			}
		})
		for x := range want {
			want[x] /= n
		}
		got := l.Symmetrize(nil, f)
		wantNear(t, "symmetric part on "+l.String(), got, want, 1e-12)
		wantNear(t, "in place", l.Symmetrize(f, f), got, 0)
	}
}

// permutations calls visit with f under all permutations of dimensions of equal extent.
func permutations(l *lattice.Lattice, f []float64, mu int, visit func([]float64)) {
	if mu == l.Dim() {
		visit(f)
		return
	}
	for nu := mu; nu < l.Dim(); nu++ {
		if l.Extent(nu) == l.Extent(mu) {
			permutations(l, l.Exchange(nil, f, mu, nu), mu+1, visit)
		}
	}
}

// The propagator of the free field: at zero spatial momentum a pure cosh, with a
// second-moment correlation length of 1/m₀ on every lattice.
func TestFreePropagator(t *testing.T) {
	for _, dims := range [][]int{{12}, {8, 8}, {6, 9}, {4, 6, 5}, {2, 3, 4, 6}} {
		a := newPhi4(t, 0.95/(2*float64(len(dims))), 0, dims...)
		l := a.Layout().Lattice
		power, err := a.FreeSpectrum(nil)
		if err != nil {
			t.Fatal(err)
		}
		m02, _, _, err := a.Bare()
		if err != nil {
			t.Fatal(err)
		}
		g := lattice.NewFourier(l).Propagator(nil, power)
		for mu, n := range dims {
			if xi := l.CorrelationLength(power, mu); !near(xi, 1/math.Sqrt(m02), 1e-11) {
				t.Errorf("%v: ξ = %v in direction %d, expected %v", l, xi, mu, 1/math.Sqrt(m02))
			}
			corr := make([]float64, n)
			for x, v := range g {
				corr[l.Coord(nil, x)[mu]] += v
			}
			m := math.Acosh((1 - 2*a.Kappa()*float64(l.Dim()-1)) / (2 * a.Kappa()))
			for time, got := range lattice.EffectiveMass(nil, corr) {
				if time == 0 {
					if !math.IsNaN(got) {
						t.Errorf("%v: effective mass %v at t = 0", l, got)
					}
				} else if !near(got, m, 1e-9) {
					t.Errorf("%v: effective mass %v at t = %d in direction %d, expected %v", l, got, time, mu, m)
				}
			}
		}
	}
	if xi := newLattice(t, 1, 4).CorrelationLength([]float64{4, 3, 2, 3}, 0); !math.IsNaN(xi) {
		t.Errorf("ξ = %v on an extent of one", xi)
	}
	if xi := lattice.SecondMoment(1, 2, 8); !math.IsNaN(xi) {
		t.Errorf("ξ = %v for a propagator that grows", xi)
	}
}
