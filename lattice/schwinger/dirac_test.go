package schwinger_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/lattice/schwinger"
)

var shapes = [][]int{{2, 2}, {2, 4}, {4, 2}, {4, 4}, {6, 4}, {4, 6}}

// With constant links D is diagonal in momentum space, and the determinant is
// Π_p [(1 - 2κ Σ cos p_µ)² + 4κ² Σ sin² p_µ] with p shifted by the links: antiperiodic in
// direction 0.
func TestFreeDeterminant(t *testing.T) {
	for _, dims := range append(shapes, []int{8, 8}) {
		for _, kappa := range []float64{0, 0.1, 0.24, 0.3, -0.2} {
			for _, shift := range [][2]float64{{0, 0}, {0.3, -0.2}} {
				d := newDirac(t, kappa, dims...)
				v := d.Layout().Volume()
				links := make([]float64, 2*v)
				for x := range v {
					links[x], links[v+x] = shift[0], shift[1]
				}
				want := 0.0
				for n0 := range dims[0] {
					for n1 := range dims[1] {
						p0 := 2*math.Pi*(float64(n0)+0.5)/float64(dims[0]) + shift[0]
						p1 := 2*math.Pi*float64(n1)/float64(dims[1]) + shift[1]
						c := 1 - 2*kappa*(math.Cos(p0)+math.Cos(p1))
						s := 4 * kappa * kappa * (math.Pow(math.Sin(p0), 2) + math.Pow(math.Sin(p1), 2))
						want += math.Log(c*c + s)
					}
				}
				got, sign := d.LogDet(links)
				near(t, fmt.Sprintf("log det at κ = %v on %v", kappa, dims), got, want, 1e-11)
				if sign != 1 {
					t.Errorf("κ = %v on %v: the sign is %d", kappa, dims, sign)
				}
			}
		}
	}
}

// The determinant of the even sites is that of the dense matrix, by gonum on real blocks,
// whose determinant is |det D|²; its sign is that of (-1)^V Π λ over the eigenvalues of the
// Hermitian γ_5D.
func TestDeterminantAgainstDenseMatrix(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	negative := 0
	for _, dims := range shapes {
		for _, kappa := range []float64{0.2, 0.26, 0.35, 0.6, 1.5} {
			d := newDirac(t, kappa, dims...)
			links := rough(rng, d.Layout().Size(), 1.5)
			n := d.Layout().Size()
			matrix := d.Matrix(links)
			var lu mat.LU
			lu.Factorize(blocks(matrix, n))
			want, positive := lu.LogDet()
			got, sign := d.LogDet(links)
			name := fmt.Sprintf("log|det D| at κ = %v on %v", kappa, dims)
			near(t, name, got, want/2, 1e-10*(1+math.Abs(want)))
			if positive != 1 {
				t.Errorf("%s: |det D|² has the sign %v", name, positive)
			}
			hermitian := mat.NewSymDense(2*n, nil)
			g := make([]complex128, len(matrix))
			for i, v := range matrix {
				g[i] = v
				if i/n%2 == 1 {
					g[i] = -v
				}
			}
			real := blocks(g, n)
			for i := range 2 * n {
				for j := range i {
					if math.Abs(real.At(i, j)-real.At(j, i)) > 1e-12 {
						t.Fatalf("%s: γ_5D is not Hermitian", name)
					}
				}
				for j := range 2 * n {
					hermitian.SetSym(i, j, real.At(i, j))
				}
			}
			var eigen mat.EigenSym
			if !eigen.Factorize(hermitian, false) {
				t.Fatal("no eigenvalues")
			}
			below := 0
			for _, v := range eigen.Values(nil) {
				if v < 0 {
					below++
				}
			}
			// Every eigenvalue is there twice. γ_5 has V eigenvalues -1, an even number.
			expected := 1 - 2*(below/2%2)
			if sign != expected {
				t.Errorf("%s: the sign is %d, expected %d", name, sign, expected)
			}
			if sign < 0 {
				negative++
			}
		}
	}
	if negative == 0 {
		t.Error("no negative determinant among the examples: the test says nothing about signs")
	}
}

// What gauge invariance and γ_5 promise.
func TestGaugeCovariance(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, dims := range shapes {
		d := newDirac(t, 0.27, dims...)
		l := must[*gauge.Links](t)(gauge.NewLinks(d.Layout().Lattice))
		v := d.Layout().Volume()
		links := rough(rng, 2*v, 1)
		moved := append([]float64(nil), links...)
		alpha := rough(rng, v, 2)
		l.Transform(moved, alpha)
		before, after := d.Matrix(links), d.Matrix(moved)
		for i := range before {
			x, y := i/(2*v)/2, i%(2*v)/2
			want := cmplx.Rect(1, alpha[x]-alpha[y]) * before[i]
			if cmplx.Abs(after[i]-want) > 1e-12 {
				t.Fatalf("%v: D is not covariant at %d", dims, i)
			}
		}
		a, sa := d.LogDet(links)
		b, sb := d.LogDet(moved)
		near(t, fmt.Sprintf("%v: log|det D|", dims), b, a, 1e-10)
		if sa != sb {
			t.Errorf("%v: the sign changed", dims)
		}
		p, q := must[*schwinger.Propagator](t)(d.Propagator(links)), must[*schwinger.Propagator](t)(d.Propagator(moved))
		near(t, fmt.Sprintf("%v: condensate", dims), q.Condensate(), p.Condensate(), 1e-10)
		c := p.Pion(nil)
		for time, w := range q.Pion(nil) {
			near(t, fmt.Sprintf("%v: pion at %d", dims, time), w, c[time], 1e-9*c[time])
		}
		// Charge conjugation.
		for i := range moved {
			moved[i] = -links[i]
		}
		c1, _ := d.LogDet(moved)
		near(t, fmt.Sprintf("%v: log|det D| of conjugate links", dims), c1, a, 1e-10)
	}
}

// The gradient of every link by differences of the determinant.
func TestGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const step = 1e-4
	for _, dims := range shapes {
		for _, kappa := range []float64{0.1, 0.25} {
			d := newDirac(t, kappa, dims...)
			links := rough(rng, d.Layout().Size(), 0.7)
			gradient := d.Gradient(nil, links)
			for i := range links {
				value := func(shift float64) float64 {
					old := links[i]
					defer func() { links[i] = old }()
					links[i] += shift
					v, _ := d.LogDet(links)
					return v
				}
				want := (8*(value(step)-value(-step)) - (value(2*step) - value(-2*step))) / (12 * step)
				near(t, fmt.Sprintf("κ = %v on %v: gradient of link %d", kappa, dims, i), gradient[i], want, 1e-8*(1+math.Abs(want)))
			}
		}
	}
}

func TestActionDrift(t *testing.T) {
	for _, dims := range shapes {
		a := newAction(t, 2, 0.24, dims...)
		if err := lattice.CheckDrift(a); err != nil {
			t.Error(err)
		}
		if p := lattice.Params(a); p["kappa"] != 0.24 || p["beta"] != 2 {
			t.Errorf("expected both couplings, got %v", p)
		}
	}
}

// G·D = 1, and the condensate is a derivative of the determinant: with D = 1 - κH,
// Tr D⁻¹ = 2V - κ ∂log det D/∂κ.
func TestPropagator(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for _, dims := range shapes {
		const kappa, step = 0.24, 1e-4
		d := newDirac(t, kappa, dims...)
		v := d.Layout().Volume()
		links := rough(rng, 2*v, 1)
		p := must[*schwinger.Propagator](t)(d.Propagator(links))
		matrix := d.Matrix(links)
		for i := range 2 * v {
			for j := range 2 * v {
				var sum complex128
				for k := range 2 * v {
					sum += p.At(i/2, i%2, k/2, k%2) * matrix[k*2*v+j]
				}
				if i == j {
					sum--
				}
				if cmplx.Abs(sum) > 1e-11 {
					t.Fatalf("%v: (GD)_{%d,%d} is %v off", dims, i, j, sum)
				}
			}
		}
		value := func(shift float64) float64 {
			s, _ := newDirac(t, kappa+shift, dims...).LogDet(links)
			return s
		}
		slope := (8*(value(step)-value(-step)) - (value(2*step) - value(-2*step))) / (12 * step)
		near(t, fmt.Sprintf("%v: condensate", dims), p.Condensate(), 2*kappa*(2-kappa*slope/float64(v)), 1e-9)
	}
}

// The free pion from the propagators in momentum space, D(p)⁻¹ = (c - i Σ σ_µ s_µ)/(c² + Σ s_µ²) with
// c = 1 - 2κΣcos p_µ, s_µ = 2κ sin p_µ.
func TestFreePion(t *testing.T) {
	const kappa, l0, l1 = 0.22, 8, 6
	d := newDirac(t, kappa, l0, l1)
	c := must[*schwinger.Propagator](t)(d.Propagator(make([]float64, 2*l0*l1))).Pion(nil)
	for time := range l0 {
		want := 0.0
		for x1 := range l1 {
			var unit, sigma0, sigma1 complex128
			for n0 := range l0 {
				for n1 := range l1 {
					p0, p1 := 2*math.Pi*(float64(n0)+0.5)/l0, 2*math.Pi*float64(n1)/l1
					cos := 1 - 2*kappa*(math.Cos(p0)+math.Cos(p1))
					s0, s1 := 2*kappa*math.Sin(p0), 2*kappa*math.Sin(p1)
					wave := cmplx.Rect(1/(cos*cos+s0*s0+s1*s1)/(l0*l1), p0*float64(time)+p1*float64(x1))
					unit += wave * complex(cos, 0)
					sigma0 += wave * complex(0, -s0)
					sigma1 += wave * complex(0, -s1)
				}
			}
			// In the trace of GG† the products of different matrices vanish.
			for _, g := range []complex128{unit, sigma0, sigma1} {
				want += 2 * real(g*cmplx.Conj(g))
			}
		}
		near(t, fmt.Sprintf("C(%d)", time), c[time], 4*kappa*kappa*want, 1e-13)
	}
	// The correlator falls from the source to the middle, symmetrically.
	for time := 1; time < l0/2; time++ {
		near(t, "symmetry", c[time], c[l0-time], 1e-13)
	}
	m := lattice.EffectiveMass(nil, c)
	if !(m[l0/2] > 0) {
		t.Errorf("expected a positive effective mass in the middle, got %v", m)
	}
}

func TestErrors(t *testing.T) {
	for _, dims := range [][]int{{4}, {3, 4}, {4, 3}, {4, 4, 4}} {
		lat := must[*lattice.Lattice](t)(lattice.New(dims...))
		if _, err := schwinger.NewDirac(lat, 0.2); err == nil {
			t.Errorf("%v was accepted", dims)
		}
	}
	lat := must[*lattice.Lattice](t)(lattice.New(4, 4))
	for _, kappa := range []float64{math.NaN(), math.Inf(1)} {
		if _, err := schwinger.NewDirac(lat, kappa); err == nil {
			t.Errorf("κ = %v was accepted", kappa)
		}
	}
	if _, err := schwinger.NewDirac(nil, 0.2); err == nil {
		t.Error("no lattice was accepted")
	}
	if _, err := schwinger.New(nil, 0.2); err == nil {
		t.Error("no gauge action was accepted")
	}
	d := newDirac(t, 0.2, 4, 4)
	for _, links := range [][]float64{nil, make([]float64, 31), append(make([]float64, 31), math.NaN())} {
		if _, err := d.Propagator(links); err == nil {
			t.Errorf("%d links were accepted", len(links))
		}
	}
}
