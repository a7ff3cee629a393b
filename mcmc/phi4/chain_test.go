package phi4_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/phi4"
)

func chain(t *testing.T, n int, kappa, lambda float64, extent int) *phi4.Chain {
	t.Helper()
	return must[*phi4.Chain](t)(phi4.NewChain(n, kappa, lambda, extent))
}

func TestChainFreeField(t *testing.T) {
	for _, n := range []int{1, 2, 3, 6} {
		for _, kappa := range []float64{0.27, 0.45, -0.3, 0} {
			for _, l := range []int{1, 2, 3, 16, 101} {
				what := fmt.Sprintf("N = %d, κ = %v, L = %d", n, kappa, l)
				want := without(must[phi4.Exact](t)(phi4.FreeField(lattice.Vector(newLattice(t, l), n), kappa)), variance, absM)
				c := chain(t, n, kappa, 0, l)
				same(t, what, c.Exact(), want, 1e-10)
				// The poles of 1 - 2κ cos k are at cosh(1/ξ) = 1/(2|κ|).
				if kappa != 0 {
					near(t, what+": ξ", c.CorrelationLength(), 1/math.Acosh(1/(2*math.Abs(kappa))), 1e-9)
				}
				g := 0.0
				for k := range l {
					p := 2 * math.Pi * float64(k) / float64(l)
					g += float64(n) * math.Cos(2*p) / (2 * (1 - 2*kappa*math.Cos(p))) / float64(l)
				}
				near(t, what+": G(2)", c.Correlator(2), g, 1e-10)
			}
		}
	}
}

func TestChainInfinite(t *testing.T) {
	free := chain(t, 2, -0.3, 0, 0).Exact()
	// Integrals over the Brillouin zone.
	root := math.Sqrt(1 - 0.36)
	near(t, "φ²", free.Phi2, 1/root, 1e-11)
	near(t, "χ", free.Chi, 1/1.6, 1e-11)
	near(t, "free energy", free.FreeEnergy, math.Log((1+root)/2)-math.Log(math.Pi), 1e-11)
	if free.Volume != 0 || !math.IsNaN(free.LogZ) {
		t.Errorf("V = %d, log Z = %v of the infinite chain", free.Volume, free.LogZ)
	}
	for _, n := range []int{1, 2, 3} {
		for _, kappa := range []float64{0.5, -0.5} {
			c, long := chain(t, n, kappa, 0.3, 0), chain(t, n, kappa, 0.3, 200)
			want := c.Exact()
			want.Volume, want.LogZ = 200, math.NaN()
			same(t, "L = 200", long.Exact(), want, 1e-10)
			near(t, "G(7)", long.Correlator(-7), c.Correlator(7), 1e-10)
			near(t, "G(-7)", c.Correlator(-7), c.Correlator(7), 0)
			near(t, "ratio", math.Abs(c.Correlator(41)/c.Correlator(40)), math.Exp(-1/c.CorrelationLength()), 1e-10)
			if (c.Correlator(41) < 0) != (kappa < 0) {
				t.Errorf("G(41) = %v at κ = %v", c.Correlator(41), kappa)
			}
		}
		// r times the states of N = 3 with l = 0 are the odd ones of N = 1: T has the kernel
		// rr′ 4π sinh(z)/z = (π/κ) 2sinh(2κrr′).
		one, three := chain(t, 1, 0.5, 0.3, 0), chain(t, 3, 0.5, 0.3, 0)
		near(t, "N = 3 from N = 1", -three.Exact().FreeEnergy, -one.Exact().FreeEnergy-1/one.CorrelationLength()+math.Log(math.Pi/0.5), 1e-10)
	}
}

func TestChainIdentities(t *testing.T) {
	for _, n := range []int{1, 2, 3} {
		for _, lambda := range []float64{0.022, 0.5, 5, 50, 1e4} {
			for _, kappa := range []float64{-0.2, 0.27, 0.7} {
				for _, l := range []int{1, 2, 3, 16} {
					what := fmt.Sprintf("N = %d, κ = %v, λ = %v, L = %d", n, kappa, lambda, l)
					c := chain(t, n, kappa, lambda, l)
					e := c.Exact()
					identities(t, what, e, n, kappa, lambda, 1e-12*(1+e.Phi4))
					sum := 0.0
					for x := range l {
						sum += c.Correlator(x)
					}
					near(t, what+": Σ G", sum, e.Chi, 1e-12)
					if lambda > 50 || l == 3 {
						continue
					}
					const h = 1e-4
					up, down := chain(t, n, kappa+h, lambda, l).Exact(), chain(t, n, kappa-h, lambda, l).Exact()
					near(t, what+": d log Z/dκ", (up.LogZ-down.LogZ)/(2*h), 2*float64(l)*e.Hopping, 1e-6*(1+e.Phi4))
				}
			}
		}
	}
}

// At κ = 0 the sites are independent, and L = 1 is one site with a loop.
func TestChainOneSite(t *testing.T) {
	for _, n := range []int{1, 2, 4} {
		for _, lambda := range []float64{0.022, 1, 1000} {
			want := without(must[phi4.Exact](t)(phi4.OneSite(n, 0, lambda, 0)), absM, variance)
			want.Volume, want.LogZ = 5, 5*want.LogZ
			same(t, fmt.Sprintf("N = %d, λ = %v", n, lambda), chain(t, n, 0, lambda, 5).Exact(), want, 1e-11)
		}
	}
	if xi := chain(t, 1, 0, 1, 4).CorrelationLength(); xi != 0 {
		t.Errorf("ξ = %v at κ = 0", xi)
	}
}

// Two sites and their two links by quadrature over the fields themselves; for N = 2 over
// both lengths and the angle between them.
func TestChainTwoSites(t *testing.T) {
	for _, c := range []struct{ kappa, lambda float64 }{{0.27, 0.022}, {0.3, 0.5}, {-0.4, 1.5}} {
		v := func(r float64) float64 { return r * r * (1 - 2*c.lambda + c.lambda*r*r) }
		var reach float64
		for reach = 1; v(reach)-2*math.Abs(c.kappa)*reach*reach < 45; reach += 0.1 {
		}
		check := func(n int, average func(f func(r, s, dot float64) float64) float64) {
			e := chain(t, n, c.kappa, c.lambda, 2).Exact()
			z := average(func(_, _, _ float64) float64 { return 1 })
			what := fmt.Sprintf("N = %d, κ = %v, λ = %v", n, c.kappa, c.lambda)
			near(t, what+": log Z", e.LogZ, math.Log(z), 1e-10)
			near(t, what+": φ²", e.Phi2, average(func(r, _, _ float64) float64 { return r * r })/z, 1e-10)
			near(t, what+": φ⁴", e.Phi4, average(func(r, _, _ float64) float64 { return r * r * r * r })/z, 1e-10)
			near(t, what+": φφ′", e.Hopping, average(func(_, _, dot float64) float64 { return dot })/z, 1e-10)
			near(t, what+": χ", e.Chi, average(func(r, s, dot float64) float64 { return (r*r + s*s + 2*dot) / 2 })/z, 1e-10)
		}
		check(1, func(f func(r, s, dot float64) float64) float64 {
			return integral(func(r float64) float64 {
				return integral(func(s float64) float64 {
					return math.Exp(-v(r)-v(s)+4*c.kappa*r*s) * f(r, s, r*s)
				}, -reach, reach)
			}, -reach, reach)
		})
		check(2, func(f func(r, s, dot float64) float64) float64 {
			const angles = 64
			return integral(func(r float64) float64 {
				return integral(func(s float64) float64 {
					sum := 0.0
					for i := range angles {
						dot := r * s * math.Cos(2*math.Pi*float64(i)/angles)
						sum += math.Exp(-v(r)-v(s)+4*c.kappa*dot) * f(r, s, dot)
					}
					return sum * 4 * math.Pi * math.Pi / angles * r * s
				}, 0, reach)
			}, 0, reach)
		})
	}
}

// At large λ the chain is the ring of Ising spins, up to the weight of the sites, with
// corrections of order 1/λ.
func TestChainIsing(t *testing.T) {
	const lambda = 1e7
	for _, kappa := range []float64{0.4, -0.3} {
		for _, l := range []int{2, 5, 16} {
			what := fmt.Sprintf("κ = %v, L = %d", kappa, l)
			ising := must[phi4.Exact](t)(phi4.Ising(newLattice(t, l), kappa))
			site := must[phi4.Exact](t)(phi4.OneSite(1, 0, lambda, 0))
			c := chain(t, 1, kappa, lambda, l)
			e := c.Exact()
			near(t, what+": hopping", e.Hopping, ising.Hopping, 1e-6)
			near(t, what+": χ", e.Chi, ising.Chi, 1e-6)
			near(t, what+": log Z", e.LogZ-float64(l)*(site.LogZ-math.Ln2)-ising.LogZ, 0, 1e-5)
			near(t, what+": ξ", 1/c.CorrelationLength(), -math.Log(math.Tanh(2*math.Abs(kappa))), 1e-6)
		}
	}
	// Two eigenvalues that differ by 1e-17.
	near(t, "gap", 1/chain(t, 1, 10, lambda, 4).CorrelationLength()/(2*math.Exp(-40)), 1, 1e-4)
}

func TestChainErrors(t *testing.T) {
	for _, c := range []struct {
		n             int
		kappa, lambda float64
		extent        int
	}{{0, 0, 1, 4}, {1, math.Inf(1), 1, 4}, {1, 0, math.NaN(), 4}, {1, 0, 1, -1}, {1, 0.5, 0, 4}, {1, -0.5, 0, 4}, {1, 0.4999999, 0, 4}, {2, 5, 0.001, 2}, {1, -2, 1, 3}} {
		if _, err := phi4.NewChain(c.n, c.kappa, c.lambda, c.extent); err == nil {
			t.Errorf("expected an error for %+v", c)
		}
	}
	// The tunnelling between the wells is beyond rounding; nothing else depends on it.
	deep := chain(t, 1, 1, 0.022, 0)
	if xi, chi := deep.CorrelationLength(), deep.Exact().Chi; !math.IsNaN(xi) || !math.IsNaN(chi) {
		t.Errorf("ξ = %v, χ = %v deep in the broken phase", xi, chi)
	}
}
