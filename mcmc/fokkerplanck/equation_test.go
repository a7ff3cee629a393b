package fokkerplanck_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/mcmc/fokkerplanck"
)

// TestConservation: any density keeps its integral, in steps of any length.
func TestConservation(t *testing.T) {
	e := equation(t, -1, 0.4, fokkerplanck.Config{Lo: -7, Hi: 7, Cells: 200})
	for _, dtau := range []float64{1e-3, 0.1, 10} {
		p := make([]float64, e.Cells())
		p[30], p[120] = 0.25/e.Step(), 0.75/e.Step()
		it := must[*fokkerplanck.Integrator](t)(e.Integrator(dtau))
		for range 50 {
			it.Step(p)
		}
		// Every step solves a system whose elements are of the order of 1 + 2Δτ/h².
		bound := 50 * 0x1p-52 * (1 + 2*dtau/(e.Step()*e.Step()))
		if d := e.Mean(p, one) - 1; math.Abs(d) > max(bound, 1e-14) {
			t.Errorf("Δτ = %v: the probability changed by %.2g, bound %.2g", dtau, d, bound)
		}
	}
}

// TestStationarity: e^{-S/α} by itself, not only up to O(h²), stays as it is, and
// agrees with quadrature on another grid.
func TestStationarity(t *testing.T) {
	for _, alpha := range []float64{1, 0.5} {
		e := equation(t, -1, 0.4, fokkerplanck.Config{Lo: -7.5, Hi: 7.5, Cells: 60, Alpha: alpha})
		s := toy(t, -1, 0.4)
		p := e.Equilibrium(nil)
		x := e.Points(nil)
		for i := range x[1:] {
			ratio := math.Log(p[i+1] / p[i])
			want := (s.Value(x[i:i+1]) - s.Value(x[i+1:i+2])) / alpha
			if math.Abs(ratio-want) > 1e-10 {
				t.Fatalf("expected the log-ratio %v of neighbours, got %v", want, ratio)
			}
		}
		var z, m2 float64
		for i := -3000; i <= 3000; i++ {
			v := []float64{float64(i) * 0.003}
			w := math.Exp(-s.Value(v) / alpha)
			z += w
			m2 += w * v[0] * v[0]
		}
		if got := e.Mean(p, square); math.Abs(got-m2/z) > 1e-6 {
			t.Errorf("α = %v: expected ⟨φ²⟩ = %v, got %v", alpha, m2/z, got)
		}
		it := must[*fokkerplanck.Integrator](t)(e.Integrator(0.3))
		for range 100 {
			it.Step(p)
		}
		for i, want := range e.Equilibrium(nil) {
			if math.Abs(p[i]-want) > 1e-12 {
				t.Fatalf("the equilibrium moved at φ = %v from %v to %v", x[i], want, p[i])
			}
		}
	}
}

// oscillator returns the mean and the second moment of the harmonic process at time τ
// from N(mean, sd²), the Ornstein–Uhlenbeck process.
func oscillator(mu2, alpha, mean, sd, tau float64) (m, m2 float64) {
	d := math.Exp(-mu2 * tau)
	m = mean * d
	v := alpha/mu2 + (sd*sd-alpha/mu2)*d*d
	return m, v + m*m
}

// TestOscillator: relaxation of the harmonic process against the closed form, with
// errors that fall with the square of the width of the cells and of the time step.
func TestOscillator(t *testing.T) {
	const mu2, alpha, mean, sd, tau = 1.7, 0.8, 1.3, 0.4, 0.6
	deviation := func(cells, steps int) float64 {
		e := equation(t, mu2, 0, fokkerplanck.Config{Lo: -6, Hi: 6, Cells: cells, Alpha: alpha})
		p := must[[]float64](t)(e.Gaussian(nil, mean, sd))
		it := must[*fokkerplanck.Integrator](t)(e.Integrator(tau / float64(steps)))
		for range steps {
			it.Step(p)
		}
		m, m2 := oscillator(mu2, alpha, mean, sd, tau)
		return math.Hypot(e.Mean(p, field)-m, e.Mean(p, square)-m2)
	}
	order := func(what string, coarse, fine, best float64) {
		t.Helper()
		if fine > best {
			t.Errorf("%s: deviation %.2g, expected below %.2g", what, fine, best)
		}
		if o := math.Log2(coarse / fine); math.Abs(o-2) > 0.1 {
			t.Errorf("%s: expected an error of second order, got %.2f from %.3g and %.3g", what, o, coarse, fine)
		}
	}
	order("cells", deviation(100, 2000), deviation(200, 2000), 2e-3)
	order("time steps", deviation(6400, 5), deviation(6400, 10), 2e-3)
}

// TestDamping: a start in a single cell leaves no oscillation behind, even in steps
// that are far longer than a cell allows for.
func TestDamping(t *testing.T) {
	e := equation(t, 1, 0, fokkerplanck.Config{Lo: -7, Hi: 7, Cells: 1000})
	p := make([]float64, e.Cells())
	p[700] = 1 / e.Step()
	it := must[*fokkerplanck.Integrator](t)(e.Integrator(0.1))
	for range 10 {
		it.Step(p)
	}
	x := e.Points(nil)
	for i := range p {
		m, m2 := oscillator(1, 1, x[700], 0, 1)
		v := m2 - m*m
		want := math.Exp(-(x[i]-m)*(x[i]-m)/(2*v)) / math.Sqrt(2*math.Pi*v)
		if math.Abs(p[i]-want) > 2e-3 {
			t.Fatalf("expected P(%.3f) = %v, got %v", x[i], want, p[i])
		}
	}
}

func TestErrors(t *testing.T) {
	s := toy(t, 1, 0)
	for name, cfg := range map[string]fokkerplanck.Config{
		"no interval":  {},
		"reversed":     {Lo: 1, Hi: -1},
		"infinite":     {Lo: 0, Hi: math.Inf(1)},
		"NaN":          {Lo: math.NaN(), Hi: 1},
		"two cells":    {Lo: -1, Hi: 1, Cells: 2},
		"negative α":   {Lo: -1, Hi: 1, Alpha: -1},
		"NaN α":        {Lo: -1, Hi: 1, Alpha: math.NaN()},
		"action large": {Lo: -1e200, Hi: 1e200},
	} {
		if _, err := fokkerplanck.New(s, cfg); err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
	if _, err := fokkerplanck.New(nil, fokkerplanck.Config{Lo: -1, Hi: 1}); err == nil {
		t.Error("expected an error for no action")
	}
	e := equation(t, 1, 0, fokkerplanck.Config{Lo: -5, Hi: 5, Cells: 100})
	for _, dtau := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := e.Integrator(dtau); err == nil {
			t.Errorf("Δτ = %v: expected an error", dtau)
		}
	}
	for _, p := range [][2]float64{{0, 0.01}, {0, math.NaN()}, {0, 3}, {4, 0.5}, {math.NaN(), 0.5}} {
		if _, err := e.Gaussian(nil, p[0], p[1]); err == nil {
			t.Errorf("N(%v, %v²): expected an error", p[0], p[1])
		}
	}
	wide := must[*fokkerplanck.Spectrum](t)(equation(t, 1, 0, fokkerplanck.Config{Lo: -60, Hi: 60, Cells: 100}).Spectrum())
	p := make([]float64, 100)
	p[0] = 1
	if _, err := wide.Amplitudes(p, field); err == nil {
		t.Error("expected an error for a density where e^{-S} underflows")
	}
}

func TestPanics(t *testing.T) {
	e := equation(t, 1, 0, fokkerplanck.Config{Lo: -5, Hi: 5, Cells: 10})
	s := must[*fokkerplanck.Spectrum](t)(e.Spectrum())
	it := must[*fokkerplanck.Integrator](t)(e.Integrator(1))
	short := make([]float64, 9)
	for name, f := range map[string]func(){
		"Points":        func() { e.Points(short) },
		"Mean":          func() { e.Mean(short, one) },
		"Step":          func() { it.Step(short) },
		"Eigenfunction": func() { s.Eigenfunction(nil, 10) },
		"Amplitudes":    func() { s.Amplitudes(short, one) },
		"Relax":         func() { s.Relax(short, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: expected a panic", name)
				}
			}()
			f()
		}()
	}
}
