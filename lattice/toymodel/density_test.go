package toymodel

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

func density(t *testing.T, mu2, g float64) *Density {
	t.Helper()
	action, err := lattice.NewToy(mu2, g)
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(action)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s: expected %.15g, got %.15g", what, want, got)
	}
}

// The harmonic potential stays Gaussian, with variance 1/μ² + σ².
func TestGaussian(t *testing.T) {
	for _, mu2 := range []float64{0.01, 1, 300} {
		d := density(t, mu2, 0)
		near(t, "log Z", d.LogZ(), 0.5*math.Log(2*math.Pi/mu2), 1e-13)
		near(t, "⟨φ²⟩", d.Moment(2)*mu2, 1, 1e-12)
		near(t, "width", d.Width()*math.Sqrt(mu2), 1, 1e-13)
		near(t, "range", d.Range(2), 2/math.Sqrt(mu2), 1e-9)
		for _, sigma := range []float64{0, 1e-3, 0.1, 1, 10, 1000} {
			v := 1/mu2 + sigma*sigma
			for _, u := range []float64{0, 0.3, -2, 8} {
				x := u * math.Sqrt(v)
				n := d.Noisy(x, sigma)
				near(t, "log p", n.Log, -0.5*u*u-0.5*math.Log(2*math.Pi*v), 1e-10)
				near(t, "score", n.Score*math.Sqrt(v), -u, 1e-9)
				near(t, "slope", n.Slope*v, -1, 1e-6)
				near(t, "flow", n.Flow()*v, 0.5*(u*u-1), 1e-6)
			}
		}
		normal := distuv.Normal{Sigma: 1 / math.Sqrt(mu2)}
		for _, u := range []float64{-9, -3, -1, 0, 0.2, 2.5, 9} {
			x := u * normal.Sigma
			near(t, "below", d.Below(x), normal.CDF(x), 1e-6)
		}
	}
}

// The quartic potential in closed form: ∫ exp(-gφ⁴/24) dφ = ½ (24/g)^{1/4} Γ(1/4).
func TestQuartic(t *testing.T) {
	const g = 0.4
	d := density(t, 0, g)
	near(t, "log Z", d.LogZ(), math.Log(0.5*math.Pow(24/g, 0.25)*math.Gamma(0.25)), 1e-13)
	near(t, "⟨φ²⟩", d.Moment(2), math.Sqrt(24/g)*math.Gamma(0.75)/math.Gamma(0.25), 1e-13)
	// ⟨φ S′⟩ = 1.
	near(t, "⟨φ⁴⟩", d.Moment(4), 6/g, 1e-13)
}

// The noisy density of interacting potentials, against Gauss–Legendre quadrature of its
// definition, and its derivatives against differences of it.
func TestNoisy(t *testing.T) {
	for _, p := range [][2]float64{{1, 0.4}, {-1, 0.4}, {-1, 4}, {-6, 0.4}, {0, 1e-3}} {
		d := density(t, p[0], p[1])
		reach := d.Range(45)
		for _, sigma := range []float64{0.02, 0.1, 0.3, 0.9, 1.1, 3, 9.85, 100} {
			h := 1e-3 * min(1, sigma)
			for _, u := range []float64{0, 0.1, 0.5, -0.9, 2, -7} {
				x := u * math.Sqrt(d.Moment(2)+sigma*sigma)
				n := d.Noisy(x, sigma)
				if math.Abs(u) < 1 {
					integrand := func(y float64) float64 {
						return math.Exp(-d.value(y) - d.logZ - 0.5*(x-y)*(x-y)/(sigma*sigma))
					}
					from, to := max(-reach, x-20*sigma), min(reach, x+20*sigma)
					want := quad.Fixed(integrand, from, to, 1200, quad.Legendre{}, 0) / (math.Sqrt(2*math.Pi) * sigma)
					near(t, "log p", n.Log, math.Log(want), 1e-10)
				}
				up, down := d.Noisy(x+h, sigma), d.Noisy(x-h, sigma)
				// The differences are off by h² times the next odd derivative.
				scale := math.Sqrt(math.Abs(n.Slope)) + math.Abs(n.Score)
				near(t, "score", n.Score, (up.Log-down.Log)/(2*h), 1e-4*max(1, scale*scale*scale))
				near(t, "slope", n.Slope, (up.Score-down.Score)/(2*h), 1e-4*max(1, scale*scale*scale*scale))
				wider, narrower := d.Noisy(x, sigma*1.001), d.Noisy(x, sigma*0.999)
				difference := (wider.Log - narrower.Log) / (0.004 * sigma * sigma)
				near(t, "flow", n.Flow()*sigma*sigma, difference*sigma*sigma, 1e-4*max(1, math.Abs(n.Log)))
				if mirror := d.Noisy(-x, sigma); mirror.Log != n.Log && math.Abs(mirror.Log-n.Log) > 1e-10*math.Abs(n.Log) {
					t.Errorf("μ² = %v, g = %v, σ = %v: p(%v) = e^%v, p(%v) = e^%v", p[0], p[1], sigma, x, n.Log, -x, mirror.Log)
				}
			}
		}
		// Little noise changes little, none nothing.
		for _, x := range []float64{0, 0.4, -1.7} {
			clean, little := d.Noisy(x, 0), d.Noisy(x, 1e-5)
			near(t, "log p without noise", clean.Log, -d.action.Value([]float64{x})-d.LogZ(), 1e-15)
			near(t, "log p at σ → 0", little.Log, clean.Log, 1e-8)
			near(t, "score at σ → 0", little.Score, d.action.Drift(nil, []float64{x})[0], 1e-8)
			near(t, "slope at σ → 0", little.Slope, clean.Slope, 1e-6)
		}
	}
}

// Draws have the density, and the density the moments of Schwinger–Dyson's equation.
func TestDraw(t *testing.T) {
	for _, p := range [][2]float64{{1, 0.4}, {-1, 0.4}} {
		d := density(t, p[0], p[1])
		near(t, "⟨φK⟩", p[0]*d.Moment(2)+p[1]/6*d.Moment(4), 1, 1e-12)
		near(t, "odd moment", d.Moment(3), 0, 0)
		rng := rand.New(rand.NewPCG(1, 2))
		x := make([]float64, 20000)
		square := make([]float64, len(x))
		for i := range x {
			x[i] = d.Draw(rng)
			square[i] = x[i] * x[i]
		}
		if ks, err := stats.KolmogorovSmirnov(x, d.Below, 0); err != nil || ks.P < 1e-6 {
			t.Errorf("μ² = %v: p = %v, %v", p[0], ks.P, err)
		}
		if e, err := stats.Mean(square); err != nil || math.Abs(e.Pull(d.Moment(2))) > 5 {
			t.Errorf("μ² = %v: expected ⟨φ²⟩ = %v, got %v, %v", p[0], d.Moment(2), e, err)
		}
		if d.Below(-1e3) != 0 || d.Below(1e3) != 1 {
			t.Errorf("μ² = %v: probabilities %v and %v far out", p[0], d.Below(-1e3), d.Below(1e3))
		}
		if r := d.Range(3); math.Abs(d.value(r)-d.Least()-3) > 1e-9 {
			t.Errorf("μ² = %v: S(%v) is %v above its minimum", p[0], r, d.value(r)-d.Least())
		}
	}
	near(t, "⟨φ²⟩ of the double well", density(t, -1, 0.4).Moment(2), 13.673033753895648, 1e-12)
}

func TestBadInput(t *testing.T) {
	d := density(t, 1, 0.4)
	for _, x := range [][2]float64{{math.NaN(), 1}, {math.Inf(1), 1}, {0, math.NaN()}, {0, -1}, {0, math.Inf(1)}} {
		if n := d.Noisy(x[0], x[1]); !math.IsNaN(n.Log) || !math.IsNaN(n.Score) || !math.IsNaN(n.Slope) {
			t.Errorf("expected NaN at φ = %v, σ = %v, got %v", x[0], x[1], n)
		}
	}
	action, err := lattice.NewToy(-1e4, 0.4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(action); err == nil {
		t.Error("expected an error for wells far apart")
	}
}
