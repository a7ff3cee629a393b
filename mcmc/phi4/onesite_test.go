package phi4_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/latdiff/latdiff/mcmc/phi4"
)

// λ = 0: the Gaussian with ⟨|φ|^p⟩ = Γ((N+p)/2)/Γ(N/2) a^{-p/2} at the coefficient a.
func TestOneSiteGaussian(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 10} {
		for _, kappa := range []float64{0, 0.2, -0.7} {
			a := 1 - 4*kappa
			e := must[phi4.Exact](t)(phi4.OneSite(n, kappa, 0, 2))
			what := fmt.Sprintf("N = %d, κ = %v", n, kappa)
			moment := func(p float64) float64 {
				x, _ := math.Lgamma((float64(n) + p) / 2)
				y, _ := math.Lgamma(float64(n) / 2)
				return math.Exp(x-y) * math.Pow(a, -p/2)
			}
			near(t, what+": log Z", e.LogZ, float64(n)/2*math.Log(math.Pi/a), 1e-13)
			near(t, what+": φ²", e.Phi2, moment(2), 1e-13)
			near(t, what+": φ⁴", e.Phi4, moment(4), 1e-13)
			near(t, what+": |M|", e.AbsM, moment(1), 1e-13)
			near(t, what+": variance", e.HoppingVariance, 4*(moment(4)-moment(2)*moment(2)), 1e-12)
			for _, p := range []float64{0, 2, 6, 7.5, 20} {
				near(t, fmt.Sprintf("%s: moment %v", what, p), must[float64](t)(phi4.OneSiteMoment(n, kappa, 0, 2, p)), moment(p), 1e-12)
			}
		}
	}
}

// λ = ½ and no loop: exp(-½φ⁴), with ∫ r^{k} e^{-½r⁴} dr = ¼ Γ((k+1)/4) 2^{(k+1)/4}.
func TestOneSiteQuartic(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7} {
		radial := func(k float64) float64 { return math.Gamma((k+1)/4) * math.Pow(2, (k+1)/4) / 4 }
		k := float64(n - 1)
		sphere := 2 * math.Pow(math.Pi, float64(n)/2) / math.Gamma(float64(n)/2)
		e := must[phi4.Exact](t)(phi4.OneSite(n, 0.3, 0.5, 0))
		what := fmt.Sprintf("N = %d", n)
		near(t, what+": log Z", e.LogZ, math.Log(sphere*radial(k)), 1e-13)
		near(t, what+": φ²", e.Phi2, radial(k+2)/radial(k), 1e-13)
		near(t, what+": φ⁴", e.Phi4, float64(n)/2, 1e-13)
		near(t, what+": χ", e.Chi, e.Phi2, 0)
		near(t, what+": hopping", e.Hopping, 0, 0)
		near(t, what+": ⟨φ¹²⟩", must[float64](t)(phi4.OneSiteMoment(n, 0.3, 0.5, 0, 12)), radial(k+12)/radial(k), 1e-12)
	}
}

// Between the limits: the identities, d log Z/dκ, and the moments by the recursion
// 4λ⟨φ^{p+2}⟩ = (N+p-2)⟨φ^{p-2}⟩ - 2m⟨φ^p⟩ of the integral of a derivative.
func TestOneSiteAnyCoupling(t *testing.T) {
	for _, n := range []int{1, 2, 5} {
		for _, lambda := range []float64{1e-9, 1e-4, 0.022, 0.5, 1, 5, 50, 1000} {
			for _, kappa := range []float64{-1, 0, 0.4, 2} {
				what := fmt.Sprintf("N = %d, κ = %v, λ = %v", n, kappa, lambda)
				e := must[phi4.Exact](t)(phi4.OneSite(n, kappa, lambda, 1))
				// Terms as large as λ⟨φ⁴⟩ cancel.
				identities(t, what, e, n, kappa, lambda, 1e-12*(1+e.Phi4))
				const h = 1e-4
				up := must[phi4.Exact](t)(phi4.OneSite(n, kappa+h, lambda, 1))
				down := must[phi4.Exact](t)(phi4.OneSite(n, kappa-h, lambda, 1))
				near(t, what+": d log Z/dκ", (up.LogZ-down.LogZ)/(2*h), 2*e.Hopping, 1e-6*(1+e.HoppingVariance))
				near(t, what+": d hopping/dκ", (up.Hopping-down.Hopping)/(2*h), 2*e.HoppingVariance, 1e-5*(1+e.HoppingVariance))
				m := 1 - 2*lambda - 2*kappa
				moment := func(p float64) float64 { return must[float64](t)(phi4.OneSiteMoment(n, kappa, lambda, 1, p)) }
				near(t, what+": moment 2", moment(2), e.Phi2, 1e-12)
				near(t, what+": moment 4", moment(4), e.Phi4, 1e-12)
				scale := 4*lambda*moment(8) + 1
				near(t, what+": moment 8", (4*lambda*moment(8)+2*m*moment(6))/scale, float64(n+4)*moment(4)/scale, 1e-12)
			}
		}
	}
}

func TestOneSiteErrors(t *testing.T) {
	for _, f := range []func() error{
		func() error { _, err := phi4.OneSite(0, 0, 1, 0); return err },
		func() error { _, err := phi4.OneSite(1, math.NaN(), 1, 0); return err },
		func() error { _, err := phi4.OneSite(1, 0, -1, 0); return err },
		func() error { _, err := phi4.OneSite(1, 0, math.Inf(1), 0); return err },
		func() error { _, err := phi4.OneSite(1, 0, 1, -1); return err },
		func() error { _, err := phi4.OneSite(1, 0.25, 0, 2); return err },
		func() error { _, err := phi4.OneSiteMoment(1, 0, 1, 0, -1); return err },
		func() error { _, err := phi4.OneSiteMoment(0, 0, 1, 0, 1); return err },
	} {
		if err := f(); err == nil {
			t.Error("expected an error")
		}
	}
}
