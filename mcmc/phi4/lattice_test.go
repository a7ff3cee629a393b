package phi4_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/phi4"
)

// The matrix A of S = φᵀAφ/2 in log Z = ½ log det(2πA⁻¹), and A⁻¹ for the rest.
func TestFreeFieldMatrix(t *testing.T) {
	for _, c := range []struct {
		dims  []int
		kappa float64
	}{{[]int{4, 3}, 0.2}, {[]int{2, 3, 2}, -0.15}, {[]int{1, 4}, 0.2}, {[]int{2, 2, 3, 1}, 0.1}} {
		lat := newLattice(t, c.dims...)
		v := lat.Volume()
		a := mat.NewSymDense(v, nil)
		h := mat.NewDense(v, v, nil)
		for x := range v {
			a.SetSym(x, x, a.At(x, x)+2)
			for mu := range lat.Dim() {
				y := int(lat.Forward(mu)[x])
				h.Set(x, y, h.At(x, y)+0.5)
				h.Set(y, x, h.At(y, x)+0.5)
				if x == y {
					a.SetSym(x, x, a.At(x, x)-4*c.kappa)
				} else {
					a.SetSym(x, y, a.At(x, y)-2*c.kappa)
				}
			}
		}
		var chol mat.Cholesky
		if !chol.Factorize(a) {
			t.Fatal("not positive definite")
		}
		var g mat.SymDense
		if err := chol.InverseTo(&g); err != nil {
			t.Fatal(err)
		}
		// The hopping is φᵀhφ: mean tr hG, variance 2 tr hGhG.
		var hg, hghg mat.Dense
		hg.Mul(h, &g)
		hghg.Mul(&hg, &hg)
		phi2 := g.At(0, 0)
		sites := float64(v)
		chi := mat.Sum(&g) / sites
		for _, n := range []int{1, 2, 5} {
			f := float64(n)
			logZ := f * (sites/2*math.Log(2*math.Pi) - chol.LogDet()/2)
			abs := math.Sqrt(2*chi/sites) * math.Gamma((f+1)/2) / math.Gamma(f/2)
			same(t, fmt.Sprintf("%v, N = %d", lat, n), must[phi4.Exact](t)(phi4.FreeField(lattice.Vector(lat, n), c.kappa)), phi4.Exact{
				Volume: v, LogZ: logZ, FreeEnergy: -logZ / sites, Phi2: f * phi2, Phi4: f * (f + 2) * phi2 * phi2,
				Hopping: f * mat.Trace(&hg) / sites, HoppingVariance: 2 * f * mat.Trace(&hghg) / sites,
				ActionDensity: f / 2, Chi: f * chi, AbsM: abs,
			}, 1e-12)
		}
	}
}

func TestFreeFieldErrors(t *testing.T) {
	for _, f := range []func() error{
		func() error { _, err := phi4.FreeField(lattice.Scalar(nil), 0); return err },
		func() error {
			_, err := phi4.FreeField(lattice.Vector(newLattice(t, 4), 0), 0)
			return err
		},
		func() error { _, err := phi4.FreeField(lattice.Scalar(newLattice(t, 4, 4)), -0.25); return err },
		func() error { _, err := phi4.FreeField(lattice.Scalar(newLattice(t, 4, 4)), math.NaN()); return err },
	} {
		if err := f(); err == nil {
			t.Error("expected an error")
		}
	}
}

// The free field, and the limits of independent sites and of the Ising model.
func TestPlaquetteLimits(t *testing.T) {
	lat := newLattice(t, 2, 2)
	for _, n := range []int{1, 2} {
		for _, kappa := range []float64{0.2, -0.2} {
			want := without(must[phi4.Exact](t)(phi4.FreeField(lattice.Vector(lat, n), kappa)), variance)
			if n > 1 {
				want = without(want, absM)
			}
			same(t, fmt.Sprintf("N = %d, κ = %v", n, kappa), must[phi4.Exact](t)(phi4.Plaquette(n, kappa, 0)), want, 1e-9)
		}
	}
	for _, lambda := range []float64{0.022, 0.5, 50} {
		site := must[phi4.Exact](t)(phi4.OneSite(1, 0, lambda, 0))
		e := must[phi4.Exact](t)(phi4.Plaquette(1, 0, lambda))
		near(t, "log Z", e.LogZ, 4*site.LogZ, 1e-11)
		near(t, "χ", e.Chi, site.Phi2, 1e-11)
	}
	for _, kappa := range []float64{0.2, -0.1} {
		ising := must[phi4.Exact](t)(phi4.Ising(lat, kappa))
		e := must[phi4.Exact](t)(phi4.Plaquette(1, kappa, 1e6))
		near(t, "hopping", e.Hopping, ising.Hopping, 1e-5)
		abs, z := 0.0, 0.0
		spins(4, func(s []float64) {
			w := math.Exp(2 * kappa * hopping(lat, s))
			z += w
			abs += w * math.Abs(s[0]+s[1]+s[2]+s[3]) / 4
		})
		// The fluctuations of the four lengths, of relative size λ^{-1/2}, keep |M| from 0.
		near(t, "|M|", e.AbsM, abs/z, 1e-3)
	}
}

// The four fields by the trapezoidal rule, which converges exponentially for analytic
// integrands, and for the kink of |M| as a series in h².
func TestPlaquetteDirect(t *testing.T) {
	for _, c := range []struct{ kappa, lambda, reach float64 }{{0.27, 0.022, 6.5}, {0.3, 0.5, 3}, {-0.2, 0.8, 2.6}} {
		var direct phi4.Exact
		var abs []float64
		for _, n := range []int{61, 121, 241} {
			direct = trapezoidal2x2(c.kappa, c.lambda, c.reach, n)
			abs = append(abs, direct.AbsM)
		}
		first, second := (4*abs[1]-abs[0])/3, (4*abs[2]-abs[1])/3
		direct.AbsM = (16*second - first) / 15
		what := fmt.Sprintf("κ = %v, λ = %v", c.kappa, c.lambda)
		e := must[phi4.Exact](t)(phi4.Plaquette(1, c.kappa, c.lambda))
		same(t, what, e, direct, 1e-9)
		identities(t, what, e, 1, c.kappa, c.lambda, 1e-10)
	}
}

// trapezoidal2x2 returns the values on 2x2 from n points between ±reach for every field.
func trapezoidal2x2(kappa, lambda, reach float64, n int) phi4.Exact {
	h := 2 * reach / float64(n-1)
	// The sums s of the two fields on a diagonal have a convolution as their density.
	var p, p2, p4 = make([]float64, 2*n-1), make([]float64, 2*n-1), make([]float64, 2*n-1)
	x, w := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = h * float64(i-n/2)
		y := x[i] * x[i]
		w[i] = math.Exp(-y * (1 - 2*lambda + lambda*y))
	}
	for i, v := range x {
		for j := range x {
			f := w[i] * w[j] * h
			p[i+j] += f
			p2[i+j] += f * v * v
			p4[i+j] += f * v * v * v * v
		}
	}
	e := phi4.Exact{Volume: 4}
	z := 0.0
	for i, a := range p {
		s := h * float64(i-(n-1))
		for j, b := range p {
			u := h * float64(j-(n-1))
			f := math.Exp(4*kappa*s*u) * h * h * b
			z += f * a
			e.Phi2 += f * p2[i]
			e.Phi4 += f * p4[i]
			// Eight links, two between all neighbours, of four sites.
			e.Hopping += f * a * s * u * 2 / 4
			e.Chi += f * a * (s + u) * (s + u) / 4
			e.AbsM += f * a * math.Abs(s+u) / 4
		}
	}
	for _, v := range []*float64{&e.Phi2, &e.Phi4, &e.Hopping, &e.Chi, &e.AbsM} {
		*v /= z
	}
	e.LogZ = math.Log(z)
	e.FreeEnergy = -e.LogZ / 4
	e.ActionDensity = -2*kappa*e.Hopping + (1-2*lambda)*e.Phi2 + lambda*e.Phi4
	e.HoppingVariance = math.NaN()
	return e
}

// An extent of 1 is a smaller quadratic coefficient, which rescaling of the field turns into
// other couplings without one.
func TestSolveLoops(t *testing.T) {
	const kappa, lambda = 0.15, 0.3
	// With φ = √c ψ: m = c(1-2λ-2κ), λ′ = c²λ, κ′ = cκ, and m = 1-2λ′.
	m := 1 - 2*lambda - 2*kappa
	c := (-m + math.Sqrt(m*m+8*lambda)) / (4 * lambda)
	for _, dims := range [][]int{{7, 1}, {2, 1, 2}, {1}} {
		loops := must[phi4.Exact](t)(phi4.Solve(lattice.Scalar(newLattice(t, dims...)), kappa, lambda))
		var plain phi4.Exact
		switch len(dims) {
		case 1:
			plain = must[phi4.Exact](t)(phi4.OneSite(1, 0, c*c*lambda, 0))
		case 2:
			plain = must[phi4.Exact](t)(phi4.Solve(lattice.Scalar(newLattice(t, 7)), c*kappa, c*c*lambda))
		default:
			plain = must[phi4.Exact](t)(phi4.Plaquette(1, c*kappa, c*c*lambda))
		}
		what := fmt.Sprint(dims)
		near(t, what+": log Z", loops.LogZ, plain.LogZ+float64(plain.Volume)/2*math.Log(c), 1e-10)
		near(t, what+": φ²", loops.Phi2, c*plain.Phi2, 1e-10)
		near(t, what+": φ⁴", loops.Phi4, c*c*plain.Phi4, 1e-10)
		near(t, what+": χ", loops.Chi, c*plain.Chi, 1e-10)
		near(t, what+": hopping", loops.Hopping, c*plain.Hopping+c*plain.Phi2, 1e-10)
		identities(t, what, loops, 1, kappa, lambda, 1e-10)
	}
}

func TestSolve(t *testing.T) {
	const kappa, lambda = 0.2, 0.4
	ring, square, cube := newLattice(t, 6), newLattice(t, 2, 2), newLattice(t, 3, 2, 4)
	same(t, "chain", must[phi4.Exact](t)(phi4.Solve(lattice.Vector(ring, 2), kappa, lambda)), chain(t, 2, kappa, lambda, 6).Exact(), 0)
	same(t, "2x2", must[phi4.Exact](t)(phi4.Solve(lattice.Scalar(square), kappa, lambda)), must[phi4.Exact](t)(phi4.Plaquette(1, kappa, lambda)), 0)
	same(t, "free", must[phi4.Exact](t)(phi4.Solve(lattice.Vector(cube, 3), 0.1, 0)), must[phi4.Exact](t)(phi4.FreeField(lattice.Vector(cube, 3), 0.1)), 0)
	same(t, "Ising", must[phi4.Exact](t)(phi4.Solve(lattice.Scalar(square), kappa, math.Inf(1))), must[phi4.Exact](t)(phi4.Ising(square, kappa)), 0)
	// Independent sites, against those of the free field where both are known.
	for _, lat := range []*lattice.Lattice{cube, newLattice(t, 1, 5, 1), newLattice(t, 1, 1)} {
		for _, n := range []int{1, 3} {
			want := must[phi4.Exact](t)(phi4.FreeField(lattice.Vector(lat, n), 0))
			if lat.Volume() > 1 {
				want = without(want, absM)
			}
			same(t, "κ = 0", must[phi4.Exact](t)(phi4.Solve(lattice.Vector(lat, n), 0, 1e-14)), want, 1e-11)
		}
	}
	for _, f := range []func() error{
		func() error { _, err := phi4.Solve(lattice.Scalar(nil), 0, 1); return err },
		func() error { _, err := phi4.Solve(lattice.Scalar(cube), 0.1, 1); return err },
		func() error { _, err := phi4.Solve(lattice.Vector(cube, 0), 0, 1); return err },
		func() error {
			_, err := phi4.Solve(lattice.Vector(square, 2), 0.1, math.Inf(1))
			return err
		},
		func() error { _, err := phi4.Solve(lattice.Scalar(ring), 0.1, math.Inf(-1)); return err },
		func() error { _, err := phi4.Plaquette(1, 0.25, 0); return err },
	} {
		if err := f(); err == nil {
			t.Error("expected an error")
		}
	}
}
