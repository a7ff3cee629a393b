package lattice_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"gonum.org/v1/gonum/mat"
)

// directValue is (4.2) written down again, from the coordinates of the sites.
func directValue(l *lattice.Lattice, kappa, lambda float64, phi []float64) float64 {
	s := 0.0
	for x, v := range phi {
		for mu := range l.Dim() {
			coord := l.Coord(nil, x)
			coord[mu]++
			s -= 2 * kappa * v * phi[l.Index(coord...)]
		}
		s += (1-2*lambda)*v*v + lambda*math.Pow(v, 4)
	}
	return s
}

// localActions calls f with an action of every kind and a field for it.
func localActions(t *testing.T, f func(t *testing.T, a lattice.LocalAction, phi []float64)) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, dims := range shapes {
		for _, c := range [][2]float64{{0.27, 0.022}, {-0.1, 1.5}, {0, 0}, {0.06, 0}} {
			t.Run(lattice.FormatDims(dims), func(t *testing.T) {
				a := newPhi4(t, c[0], c[1], dims...)
				f(t, a, gaussian(rng, a.Layout().Volume()))
			})
		}
	}
	for _, dims := range shapes {
		for n := 1; n <= 3; n++ {
			t.Run(fmt.Sprintf("O(%d)/%s", n, lattice.FormatDims(dims)), func(t *testing.T) {
				a := newON(t, n, 0.27, 0.4, dims...)
				f(t, a, gaussian(rng, a.Layout().Size()))
			})
		}
		for _, c := range [][]float64{{0, 0.3, 0.8, 0.1, 0.1}, {1, 0, 2, 0, 0, 0}, {0, 0, -1, 0, 0.5}} {
			kappa := 0.2 / float64(len(dims))
			t.Run(fmt.Sprintf("%v/%s", c, lattice.FormatDims(dims)), func(t *testing.T) {
				a := newPolynomial(t, kappa, c, dims...)
				f(t, a, gaussian(rng, a.Layout().Size()))
			})
		}
	}
	for _, c := range [][2]float64{{1, 0.4}, {-1, 0.4}, {2, 0}} {
		t.Run("toy", func(t *testing.T) {
			a, err := lattice.NewToy(c[0], c[1], 3)
			if err != nil {
				t.Fatal(err)
			}
			f(t, a, gaussian(rng, 3))
		})
	}
}

// The five-point difference quotient is exact for a polynomial of degree four.
func TestDriftIsMinusGradient(t *testing.T) {
	localActions(t, func(t *testing.T, a lattice.LocalAction, phi []float64) {
		const h = 0.25
		k := a.Drift(nil, phi)
		for x, v := range phi {
			s := func(d float64) float64 {
				phi[x] = v + d
				defer func() { phi[x] = v }()
				return a.Value(phi)
			}
			want := -(s(-2*h) - 8*s(-h) + 8*s(h) - s(2*h)) / (12 * h)
			if !near(k[x], want, 1e-10) {
				t.Fatalf("drift %v at site %d, expected %v", k[x], x, want)
			}
		}
		dst := make([]float64, len(phi))
		if got := a.Drift(dst, phi); &got[0] != &dst[0] || got[0] != k[0] {
			t.Error("Drift does not write into dst")
		}
		if !panics(func() { a.Drift(make([]float64, len(phi)+1), phi) }) {
			t.Error("Drift into a slice of another length did not panic")
		}
	})
}

func TestDifference(t *testing.T) {
	localActions(t, func(t *testing.T, a lattice.LocalAction, phi []float64) {
		before := a.Value(phi)
		for x, old := range phi {
			for _, v := range []float64{0, -old, old + 1.5} {
				got := a.Difference(phi, x, v)
				phi[x] = v
				want := a.Value(phi) - before
				phi[x] = old
				if !near(got, want, 1e-10) {
					t.Fatalf("difference %v at site %d, expected %v", got, x, want)
				}
			}
		}
	})
}

func TestActionsOfBadFields(t *testing.T) {
	localActions(t, func(t *testing.T, a lattice.LocalAction, phi []float64) {
		x := len(phi) / 2
		phi[x] = math.NaN()
		if v := a.Value(phi); !math.IsNaN(v) {
			t.Errorf("action %v of a field with a NaN", v)
		}
		if k := a.Drift(nil, phi); !math.IsNaN(k[x]) {
			t.Errorf("drift %v of a NaN", k[x])
		}
		if d := a.Difference(phi, x, 1); !math.IsNaN(d) {
			t.Errorf("difference %v from a NaN", d)
		}
		if p, ok := a.(*lattice.Phi4); ok {
			if !panics(func() { p.Value(phi[1:]) }) || !panics(func() { p.Drift(nil, append(phi, 0)) }) {
				t.Error("a field of another length did not panic")
			}
		}
	})
}

func TestPhi4Value(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, dims := range shapes {
		l := newLattice(t, dims...)
		a := newPhi4(t, 0.27, 0.022, dims...)
		phi := gaussian(rng, l.Volume())
		got, want := a.Value(phi), directValue(l, 0.27, 0.022, phi)
		if !near(got, want, 1e-12) {
			t.Errorf("%v: S = %v, expected %v", l, got, want)
		}
		v := float64(l.Volume())
		if d := a.ActionDensity(phi); !near(d*v, want, 1e-12) {
			t.Errorf("%v: S/V = %v, expected %v", l, d, want/v)
		}
		if d := a.Potential(phi) - 2*0.27*l.Hopping(phi); !near(d*v, want, 1e-12) {
			t.Errorf("%v: potential and hopping give S/V = %v, expected %v", l, d, want/v)
		}
		for x := range phi {
			phi[x] = 1.5
		}
		// S/V = (1 - 2λ - 2κd)c² + λc⁴ for a constant field c.
		want = v * ((1-2*0.022-2*0.27*float64(l.Dim()))*2.25 + 0.022*5.0625)
		if got := a.Value(phi); !near(got, want, 1e-12) {
			t.Errorf("%v: S = %v for a constant field, expected %v", l, got, want)
		}
	}
}

// Moved fields have the same action, and the drift moves with the field.
func TestSymmetries(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, dims := range shapes {
		a := newPhi4(t, 0.27, 0.022, dims...)
		l := a.Layout().Lattice
		phi := gaussian(rng, l.Volume())
		s, k := a.Value(phi), a.Drift(nil, phi)
		check := func(name string, move func(phi []float64) []float64) {
			moved := move(phi)
			if got := a.Value(moved); !near(got, s, 1e-12) {
				t.Errorf("%v, %s: S = %v, expected %v", l, name, got, s)
			}
			wantNear(t, name, a.Drift(nil, moved), move(k), 1e-12)
		}
		shift := make([]int, l.Dim())
		for mu := range l.Dim() {
			shift[mu] = 2*mu + 1
			check("reflection", func(f []float64) []float64 { return l.Reflect(nil, f, mu) })
			for nu := range mu {
				if l.Extent(mu) == l.Extent(nu) {
					check("exchange", func(f []float64) []float64 { return l.Exchange(nil, f, mu, nu) })
				}
			}
		}
		check("translation", func(f []float64) []float64 { return l.Translate(nil, f, shift...) })
		check("φ → -φ", func(f []float64) []float64 {
			g := make([]float64, len(f))
			for x, v := range f {
				g[x] = -v
			}
			return g
		})
	}
}

func TestMoves(t *testing.T) {
	l := newLattice(t, 2, 3)
	phi := []float64{0, 1, 2, 3, 4, 5}
	wantNear(t, "translation", l.Translate(nil, phi, 1, 1), []float64{5, 3, 4, 2, 0, 1}, 0)
	wantNear(t, "reflection", l.Reflect(nil, phi, 1), []float64{0, 2, 1, 3, 5, 4}, 0)
	sq := newLattice(t, 2, 2)
	wantNear(t, "exchange", sq.Exchange(nil, phi[:4], 0, 1), []float64{0, 2, 1, 3}, 0)
}

// The free action is a quadratic form ½ φᵀAφ; its covariance is the inverse matrix.
func TestFreeSpectrumAgainstMatrixInverse(t *testing.T) {
	for _, dims := range shapes {
		l := newLattice(t, dims...)
		for _, kappa := range []float64{0.9 / (2 * float64(l.Dim())), -0.05, 0} {
			a, err := lattice.NewFreeField(l, kappa)
			if err != nil {
				t.Fatal(err)
			}
			v := l.Volume()
			form := mat.NewDense(v, v, nil)
			unit := make([]float64, v)
			for y := range v {
				unit[y] = 1
				for x, k := range a.Drift(nil, unit) {
					form.Set(x, y, -k)
				}
				unit[y] = 0
			}
			var cov mat.Dense
			if err := cov.Inverse(form); err != nil {
				t.Fatal(err)
			}
			got, err := a.FreeSpectrum(nil)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float64, v)
			for k := range want {
				for x := range v {
					for y := range v {
						want[k] += cov.At(x, y) * math.Cos(phase(l, k, x)-phase(l, k, y)) / float64(v)
					}
				}
			}
			wantNear(t, "spectrum on "+l.String(), got, want, 1e-11)
		}
	}
}

// phase returns k·x for a momentum and a site given as indices.
func phase(l *lattice.Lattice, k, x int) float64 {
	p := 0.0
	xc := l.Coord(nil, x)
	for mu, n := range l.Coord(nil, k) {
		p += 2 * math.Pi * float64(n*xc[mu]) / float64(l.Extent(mu))
	}
	return p
}

func TestActionErrors(t *testing.T) {
	l := newLattice(t, 4, 4)
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range [][2]float64{{nan, 1}, {inf, 1}, {0.2, nan}, {0.2, inf}, {0.2, -0.022}, {0.25, 0}, {-0.25, 0}, {0.3, 0}} {
		if _, err := lattice.NewPhi4(l, c[0], c[1]); err == nil {
			t.Errorf("NewPhi4(%v) gave no error", c)
		}
	}
	if _, err := lattice.NewPhi4(nil, 0.2, 0.022); err == nil {
		t.Error("NewPhi4 without a lattice gave no error")
	}
	if _, err := lattice.NewFreeField(l, 0.25); err == nil {
		t.Error("NewFreeField at the critical point gave no error")
	}
	if _, err := newPhi4(t, 0.27, 0.022, 4, 4).FreeSpectrum(nil); err == nil {
		t.Error("FreeSpectrum beyond the critical point gave no error")
	}
	for _, c := range [][2]float64{{nan, 1}, {1, nan}, {inf, 1}, {1, inf}, {1, -1}, {0, 0}, {-1, 0}} {
		if _, err := lattice.NewToy(c[0], c[1]); err == nil {
			t.Errorf("NewToy(%v) gave no error", c)
		}
		if _, err := lattice.NewPhi4Bare(l, c[0], c[1]); err == nil {
			t.Errorf("NewPhi4Bare(%v) gave no error", c)
		}
		if _, err := lattice.NewPhi4Coupling(l, c[0], c[1]); err == nil {
			t.Errorf("NewPhi4Coupling(%v) gave no error", c)
		}
	}
	if _, err := lattice.NewPhi4Bare(nil, 1, 1); err == nil {
		t.Error("NewPhi4Bare without a lattice gave no error")
	}
	for _, kappa := range []float64{0, -0.1} {
		if _, _, _, err := newPhi4(t, kappa, 1, 4, 4).Bare(); err == nil {
			t.Errorf("Bare at κ = %v gave no error", kappa)
		}
	}
}

// The three forms of the action have the same value on the rescaled field.
func TestParameters(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, dims := range [][]int{{6}, {4, 4}, {1, 2}, {3, 4, 2}, {2, 2, 3, 2}} {
		l := newLattice(t, dims...)
		for _, c := range [][2]float64{{0.5, 0}, {0.3, 1.2}, {-0.8, 2}, {-4, 6.975}, {-20, 0.5}, {1e-3, 1e-6}, {-2 * float64(len(dims)), 3}} {
			m2, g := c[0], c[1]
			phi := gaussian(rng, l.Volume())

			a, err := lattice.NewPhi4Coupling(l, m2, g)
			if err != nil {
				t.Fatal(err)
			}
			m2Back, gBack, scale, err := a.Coupling()
			if err != nil || !near(m2Back, m2, 1e-12) || !near(gBack, g, 1e-12) {
				t.Errorf("(m², g) = (%v, %v) comes back as (%v, %v), %v", m2, g, m2Back, gBack, err)
			}
			want := 0.0
			for x := range phi {
				v := scale * phi[x]
				want += m2*v*v + g*v*v*v*v
				for mu := range l.Dim() {
					d := scale*phi[l.Forward(mu)[x]] - v
					want += d * d
				}
			}
			if got := a.Value(phi); !near(got, want, 1e-11) {
				t.Errorf("%v, m² = %v, g = %v: S = %v, expected %v", l, m2, g, got, want)
			}

			m02, lambda0 := m2, g
			if a, err = lattice.NewPhi4Bare(l, m02, lambda0); err != nil {
				t.Fatal(err)
			}
			m02Back, lambda0Back, scale, err := a.Bare()
			if err != nil || !near(m02Back, m02, 1e-12) || !near(lambda0Back, lambda0, 1e-12) {
				t.Errorf("(m₀², λ₀) = (%v, %v) comes back as (%v, %v), %v", m02, lambda0, m02Back, lambda0Back, err)
			}
			want = 0.0
			for x := range phi {
				v := scale * phi[x]
				want += m02/2*v*v + lambda0/24*v*v*v*v
				for mu := range l.Dim() {
					d := scale*phi[l.Forward(mu)[x]] - v
					want += d * d / 2
				}
			}
			if got := a.Value(phi); !near(got, want, 1e-11) {
				t.Errorf("%v, m₀² = %v, λ₀ = %v: S = %v, expected %v", l, m02, lambda0, got, want)
			}
		}
	}
	// The ensemble of the flow literature with m² = -4, λ = ½, L = 6.
	a, err := lattice.NewPhi4Coupling(newLattice(t, 6, 6), -4, 6.975)
	if err != nil {
		t.Fatal(err)
	}
	if !near(a.Kappa(), 0.267740, 5e-6) || !near(a.Lambda(), 0.5, 1e-12) {
		t.Errorf("κ = %v, λ = %v, expected 0.267740 and ½", a.Kappa(), a.Lambda())
	}
}
