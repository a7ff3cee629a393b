package gauge_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/stats"
)

// Moments ⟨cos nθ⟩ = I_n/I_0, the sign, and at large κ those of a Gaussian with the first
// correction, ⟨θ²⟩ = 1/κ + 1/(2κ²) + ….
func TestVonMises(t *testing.T) {
	const draws = 100000
	for i, kappa := range []float64{0, 1e-300, 1e-20, 1e-9, 1e-3, 0.2, 1, 4, 25, 1e3, 1e6, 1e12} {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		theta := make([]float64, draws)
		for j := range theta {
			theta[j] = gauge.VonMises(rng, kappa)
		}
		check := func(what string, exact float64, f func(theta float64) float64) {
			t.Helper()
			x := make([]float64, draws)
			for j, v := range theta {
				x[j] = f(v)
			}
			e := must[stats.Estimate](t)(stats.Mean(x))
			if pull := e.Pull(exact); math.Abs(pull) > 4.5 {
				t.Errorf("κ = %v: %s is %v, expected %v (%.1f standard errors away)", kappa, what, e, exact, pull)
			}
		}
		check("⟨sin θ⟩", 0, math.Sin)
		if kappa <= 25 {
			for n := 1; n <= 4; n++ {
				check(fmt.Sprintf("⟨cos %dθ⟩", n), bessel(n, kappa)/bessel(0, kappa), func(v float64) float64 { return math.Cos(float64(n) * v) })
			}
			continue
		}
		check("κ⟨θ²⟩", 1+1/(2*kappa), func(v float64) float64 { return kappa * v * v })
		check("κ²⟨θ⁴⟩", 3+4/kappa, func(v float64) float64 { return kappa * kappa * v * v * v * v })
	}
}

// The whole distribution of the draws of a weight, against its integral.
func TestDraw(t *testing.T) {
	const draws, points = 50000, 20000
	for i, w := range []gauge.Drawer{
		gauge.Wilson{}, gauge.Wilson{Beta: 0.5}, gauge.Wilson{Beta: 7}, gauge.Wilson{Beta: 300}, gauge.Wilson{Beta: -2},
		gauge.Villain{Beta: 0.2}, gauge.Villain{Beta: 2},
	} {
		cdf := make([]float64, points+1)
		width := 2 * math.Pi / points
		for k := range points {
			cdf[k+1] = cdf[k] + math.Exp(w.Energy(0)-w.Energy(-math.Pi+(float64(k)+0.5)*width))
		}
		rng := rand.New(rand.NewPCG(2, uint64(i)))
		theta := make([]float64, draws)
		for j := range theta {
			theta[j] = w.Draw(rng)
		}
		ks, err := stats.KolmogorovSmirnov(theta, func(v float64) float64 {
			u := (v + math.Pi) / width
			k := min(int(u), points-1)
			return (cdf[k] + (u-float64(k))*(cdf[k+1]-cdf[k])) / cdf[points]
		}, draws)
		if err != nil {
			t.Fatal(err)
		}
		if ks.P < 1e-5 {
			t.Errorf("%#v: Kolmogorov–Smirnov gives p = %v", w, ks.P)
		}
	}
}
