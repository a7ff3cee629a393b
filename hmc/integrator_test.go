package hmc

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

var integrators = []struct {
	Integrator
	order  float64
	forces int
}{{Leapfrog, 2, 1}, {Omelyan, 2, 2}, {Omelyan4, 4, 5}, {Integrator{}, 2, 1}}

// line returns the layout of n variables.
func line(n int) lattice.Layout {
	lat, err := lattice.New(n)
	if err != nil {
		panic(err)
	}
	return lattice.Scalar(lat)
}

// fall is a constant force.
type fall struct{ force float64 }

func (fall) Layout() lattice.Layout        { return line(1) }
func (a fall) Value(phi []float64) float64 { return -a.force * phi[0] }
func (a fall) Drift(dst, phi []float64) []float64 {
	dst[0] = a.force
	return dst
}

// oscillators are independent, S = ½ Σ ω²φ².
type oscillators struct{ omega []float64 }

func (a oscillators) Layout() lattice.Layout { return line(len(a.omega)) }

func (a oscillators) Value(phi []float64) float64 {
	s := 0.0
	for i, w := range a.omega {
		s += w * w * phi[i] * phi[i] / 2
	}
	return s
}

func (a oscillators) Drift(dst, phi []float64) []float64 {
	for i, w := range a.omega {
		dst[i] = -w * w * phi[i]
	}
	return dst
}

// kepler is the attraction of a unit mass in the plane, S = -1/r.
type kepler struct{}

func (kepler) Layout() lattice.Layout      { return line(2) }
func (kepler) Value(phi []float64) float64 { return -1 / math.Hypot(phi[0], phi[1]) }
func (kepler) Drift(dst, phi []float64) []float64 {
	r := math.Hypot(phi[0], phi[1])
	dst[0], dst[1] = -phi[0]/(r*r*r), -phi[1]/(r*r*r)
	return dst
}

func distance(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = math.Hypot(d, a[i]-b[i])
	}
	return d
}

// A symmetric scheme of order two or more has no error for a constant force.
func TestFreeFall(t *testing.T) {
	for _, in := range integrators {
		phi, pi := []float64{0.3}, []float64{-1.2}
		in.Integrate(fall{2.5}, phi, pi, 0.125, 16)
		wantPhi, wantPi := 0.3-1.2*2+2.5*2*2/2, -1.2+2.5*2
		if math.Abs(phi[0]-wantPhi) > 1e-13 || math.Abs(pi[0]-wantPi) > 1e-13 {
			t.Errorf("%s: expected (%v, %v), got (%v, %v)", in.Name, wantPhi, wantPi, phi[0], pi[0])
		}
	}
}

// orders checks that error(n) falls as n^-order: log₂ of the ratio of the errors
// with n and 2n steps approaches the order, faster with every doubling, because the
// next term of the error is smaller by ε².
func orders(t *testing.T, name string, order float64, n int, errorOf func(n int) float64) {
	t.Helper()
	e1, e2, e4 := errorOf(n), errorOf(2*n), errorOf(4*n)
	coarse, fine := math.Log2(e1/e2)-order, math.Log2(e2/e4)-order
	if math.Abs(fine) > 0.05 || math.Abs(fine) > math.Abs(coarse)/2 {
		t.Errorf("%s: expected order %v, got it up to %.4f and %.4f (errors %.3g, %.3g, %.3g)",
			name, order, coarse, fine, e1, e2, e4)
	}
}

func TestHarmonicOscillator(t *testing.T) {
	omega := []float64{1, 0.5, 1.7}
	for _, in := range integrators {
		orders(t, in.Name, in.order, 8, func(n int) float64 {
			phi, pi := []float64{0.3, -1, 2}, []float64{1, 0.4, -0.7}
			want := make([]float64, 6)
			for i, w := range omega {
				c, s := math.Cos(2*w), math.Sin(2*w)
				want[i], want[3+i] = phi[i]*c+pi[i]/w*s, pi[i]*c-phi[i]*w*s
			}
			in.Integrate(oscillators{omega}, phi, pi, 2/float64(n), n)
			return distance(append(phi, pi...), want)
		})
	}
}

// Leapfrog on an oscillator is a rotation by θ = arccos(1 - ε²ω²/2) per step on an
// ellipse whose axes have the ratio ω√(1 - ε²ω²/4).
func TestLeapfrogClosedForm(t *testing.T) {
	const omega, eps, n = 1.3, 0.4, 7
	phi, pi := []float64{0.3}, []float64{-0.8}
	theta, axis := n*math.Acos(1-eps*eps*omega*omega/2), omega*math.Sqrt(1-eps*eps*omega*omega/4)
	wantPhi := phi[0]*math.Cos(theta) + pi[0]/axis*math.Sin(theta)
	wantPi := pi[0]*math.Cos(theta) - phi[0]*axis*math.Sin(theta)
	Leapfrog.Integrate(oscillators{[]float64{omega}}, phi, pi, eps, n)
	if math.Abs(phi[0]-wantPhi) > 1e-13 || math.Abs(pi[0]-wantPi) > 1e-13 {
		t.Errorf("expected (%v, %v), got (%v, %v)", wantPhi, wantPi, phi[0], pi[0])
	}
}

// An orbit of semi-major axis 1 and eccentricity 0.5 closes after the period 2π,
// and its angular momentum is conserved to rounding by every splitting scheme.
func TestKeplerOrbit(t *testing.T) {
	const eccentricity = 0.5
	start := []float64{1 - eccentricity, 0}
	speed := []float64{0, math.Sqrt((1 + eccentricity) / (1 - eccentricity))}
	for _, in := range integrators {
		orders(t, in.Name, in.order, 400, func(n int) float64 {
			phi, pi := slices.Clone(start), slices.Clone(speed)
			in.Integrate(kepler{}, phi, pi, 2*math.Pi/float64(n), n)
			if l := phi[0]*pi[1] - phi[1]*pi[0]; math.Abs(l-start[0]*speed[1]) > 1e-12 {
				t.Errorf("%s: expected angular momentum %v, got %v", in.Name, start[0]*speed[1], l)
			}
			return distance(append(phi, pi...), append(slices.Clone(start), speed...))
		})
	}
}

func TestReversibility(t *testing.T) {
	phi4 := mustPhi4(t, 0.27, 0.022, 4, 8)
	for _, in := range integrators {
		rng := rand.New(rand.NewPCG(7, 8))
		phi0, pi0 := gaussian(rng, 32), gaussian(rng, 32)
		check := func(name string, phi, pi []float64) {
			t.Helper()
			if d := distance(phi, phi0) + distance(pi, pi0); d > 1e-12 {
				t.Errorf("%s: %s: the way back ends %v from the start", in.Name, name, d)
			}
		}
		// Backwards in time.
		phi, pi := slices.Clone(phi0), slices.Clone(pi0)
		in.Integrate(phi4, phi, pi, 0.1, 10)
		if distance(phi, phi0) < 0.1 {
			t.Fatalf("%s: the trajectory goes nowhere", in.Name)
		}
		in.Integrate(phi4, phi, pi, -0.1, 10)
		check("negative step", phi, pi)

		// Forwards with reversed momenta.
		reverse := func() {
			for x := range pi {
				pi[x] = -pi[x]
			}
		}
		in.Integrate(phi4, phi, pi, 0.1, 10)
		reverse()
		in.Integrate(phi4, phi, pi, 0.1, 10)
		reverse()
		check("reversed momenta", phi, pi)

		// The fused passes.
		p, err := newFused(phi4)
		if err != nil {
			t.Fatal(err)
		}
		p.load(phi0)
		copy(p.pi, pi0)
		in.run(p, 0.1, 10)
		in.run(p, -0.1, 10)
		check("fused", p.phi, p.pi)
	}
}

// The Jacobian J of a trajectory obeys JᵀΩJ = Ω, which implies det J = 1. It is
// taken by central differences of an anharmonic, coupled system.
func TestSymplecticity(t *testing.T) {
	const n, h = 3, 1e-5
	action := mustPhi4(t, 0.27, 0.1, n)
	for _, in := range integrators {
		flow := func(z []float64) []float64 {
			w := slices.Clone(z)
			in.Integrate(action, w[:n], w[n:], 0.3, 4)
			return w
		}
		z := gaussian(rand.New(rand.NewPCG(1, 9)), 2*n)
		var jacobian [2 * n][]float64
		for i := range jacobian {
			up, down := slices.Clone(z), slices.Clone(z)
			up[i] += h
			down[i] -= h
			jacobian[i] = flow(up)
			for j, v := range flow(down) {
				jacobian[i][j] = (jacobian[i][j] - v) / (2 * h)
			}
		}
		for i := range jacobian {
			for j := range jacobian {
				got, want := 0.0, 0.0
				for k := range n {
					got += jacobian[i][k]*jacobian[j][n+k] - jacobian[i][n+k]*jacobian[j][k]
				}
				if j == i+n {
					want = 1
				} else if i == j+n {
					want = -1
				}
				if math.Abs(got-want) > 1e-8 {
					t.Errorf("%s: expected %v for the bracket of %d and %d, got %v", in.Name, want, i, j, got)
				}
			}
		}
	}
}

func TestNewIntegrator(t *testing.T) {
	for _, in := range integrators {
		c := in.Coefficients()
		got, err := NewIntegrator("copy", c...)
		if err != nil {
			t.Errorf("%s: %v", in.Name, err)
		}
		if in.Forces() != in.forces || got.Forces() != in.forces {
			t.Errorf("%s: expected %d forces per step, got %d and %d", in.Name, in.forces, in.Forces(), got.Forces())
		}
		c[0] = 17
		if got.Coefficients()[0] == 17 || in.Coefficients()[0] == 17 {
			t.Errorf("%s: the coefficients can be changed from outside", in.Name)
		}
	}
	for _, c := range [][]float64{
		nil, {1}, {0.5, 0.5}, {0.5, 1, 0.25, 1}, {0.4, 1, 0.6}, {0.5, 0.9, 0.5}, {0.4, 1, 0.4},
		{0.5, math.NaN(), 0.5}, {math.Inf(1), 1, math.Inf(1)},
	} {
		if _, err := NewIntegrator("bad", c...); err == nil {
			t.Errorf("%v: expected an error, got none", c)
		}
	}
}

func TestIntegratePanics(t *testing.T) {
	defer func() {
		if r := recover(); r != "hmc: field and momenta differ in length" {
			t.Errorf("expected a panic about lengths, got %v", r)
		}
	}()
	Leapfrog.Integrate(fall{1}, make([]float64, 1), make([]float64, 2), 0.1, 1)
}

// The energy violation over a trajectory of fixed length falls as ε² or ε⁴, for the
// same starting fields and momenta at every ε.
func TestEnergyViolationScaling(t *testing.T) {
	action := mustPhi4(t, 0.27, 0.022, 8, 8)
	for _, in := range integrators {
		orders(t, in.Name, in.order, 12, func(n int) float64 {
			rng := rand.New(rand.NewPCG(11, 12))
			var src normalSource
			p, err := newFused(action)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for range 50 {
				p.load(gaussian(rng, 64))
				src.seed(rng)
				p.refresh(&src)
				h := p.hamiltonian()
				in.run(p, 1/float64(n), n)
				d := p.hamiltonian() - h
				sum += d * d
			}
			return math.Sqrt(sum / 50)
		})
	}
}
