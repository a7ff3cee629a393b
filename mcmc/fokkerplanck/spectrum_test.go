package fokkerplanck_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/mcmc/fokkerplanck"
)

// TestHarmonicSpectrum: E_n = n μ², whatever α is, with an error of second order in the
// width of the cells.
func TestHarmonicSpectrum(t *testing.T) {
	const mu2 = 0.7
	for _, alpha := range []float64{1, 0.5} {
		reach := 9 * math.Sqrt(alpha/mu2)
		spectrum := func(cells int) []float64 {
			e := equation(t, mu2, 0, fokkerplanck.Config{Lo: -reach, Hi: reach, Cells: cells, Alpha: alpha})
			return must[*fokkerplanck.Spectrum](t)(e.Spectrum()).Values
		}
		coarse, fine := spectrum(150), spectrum(300)
		if math.Abs(fine[0]) > 1e-10 {
			t.Errorf("α = %v: expected the ground state at 0, got %v", alpha, fine[0])
		}
		for n := 1; n <= 6; n++ {
			want := float64(n) * mu2
			a, b := coarse[n]-want, fine[n]-want
			if math.Abs(b) > 0.005*want {
				t.Errorf("α = %v: expected E_%d = %v, got %v", alpha, n, want, fine[n])
			}
			if o := math.Log2(a / b); !(math.Abs(o-2) < 0.1) {
				t.Errorf("α = %v, E_%d: expected an error of second order, got %v", alpha, n, o)
			}
		}
	}
}

// TestGap: the gap against the decay of a density by the integrator, which does not know
// the eigenvalues.
func TestGap(t *testing.T) {
	for _, well := range []struct{ mu2, reach float64 }{{-1, 7.5}, {1, 6}} {
		e := equation(t, well.mu2, 0.4, fokkerplanck.Config{Lo: -well.reach, Hi: well.reach, Cells: 240})
		s := must[*fokkerplanck.Spectrum](t)(e.Spectrum())
		p := must[[]float64](t)(e.Gaussian(nil, 1.5, 0.5))
		it := must[*fokkerplanck.Integrator](t)(e.Integrator(0.01))
		advance := func(steps int) float64 {
			for range steps {
				it.Step(p)
			}
			return e.Mean(p, field)
		}
		first, second := advance(1500), advance(500)
		if rate := math.Log(first/second) / 5; math.Abs(rate/s.Values[1]-1) > 1e-4 {
			t.Errorf("μ² = %v: expected the decay rate %v, got %v", well.mu2, s.Values[1], rate)
		}
	}
}

// TestPassage: over a high barrier 1/E_1 is the mean time of the first passage to φ = 0,
// averaged over the equilibrium of one well,
//
//	⟨T⟩ = ∫_0^∞ e^{S(y)} (∫_y^∞ e^{-S})² dy / ∫_0^∞ e^{-S},
//
// by quadrature. The averages over the higher modes make it shorter than 1/E_1 by no more
// than their share in the equilibrium, which is of the order of E_1/E_3.
func TestPassage(t *testing.T) {
	action := toy(t, -1.3, 0.4)
	e := equation(t, -1.3, 0.4, fokkerplanck.Config{Lo: -8, Hi: 8, Cells: 800})
	s := must[*fokkerplanck.Spectrum](t)(e.Spectrum())
	const h = 1e-3
	var tail, passage float64
	for i := 9999; i >= 0; i-- {
		value := action.Value([]float64{(float64(i) + 0.5) * h})
		w := math.Exp(-value)
		middle := tail + w*h/2
		passage += middle * middle / w * h
		tail += w * h
	}
	got := s.Values[1] * passage / tail
	if share := 2 * s.Values[1] / s.Values[3]; got > 1.0005 || got < 1-share {
		t.Errorf("expected E_1⟨T⟩ between %v and 1, got %v", 1-share, got)
	}
}

// TestGroundState: ψ_0 ∝ e^{-S/2}, and ψ_n has n zeros.
func TestGroundState(t *testing.T) {
	e := equation(t, -1, 0.4, fokkerplanck.Config{Lo: -7, Hi: 7, Cells: 150})
	s := must[*fokkerplanck.Spectrum](t)(e.Spectrum())
	ground := s.Eigenfunction(nil, 0)
	for i, p := range e.Equilibrium(nil) {
		if math.Abs(ground[i]-math.Sqrt(p)) > 1e-9 {
			t.Fatalf("expected ψ_0 = %v, got %v", math.Sqrt(p), ground[i])
		}
	}
	for n := range 6 {
		psi := s.Eigenfunction(nil, n)
		zeros, norm, sign := 0, 0.0, 0.0
		for _, v := range psi {
			norm += v * v * e.Step()
			if math.Abs(v) < 1e-6 {
				continue
			}
			if v*sign < 0 {
				zeros++
			}
			sign = v
		}
		if zeros != n || sign < 0 || math.Abs(norm-1) > 1e-12 {
			t.Errorf("ψ_%d: %d zeros, norm %v, outermost lobe %v", n, zeros, norm, sign)
		}
	}
}

// TestExpansion: the expansion in eigenfunctions and the integrator are two solutions
// of the same equation.
func TestExpansion(t *testing.T) {
	e := equation(t, -1, 0.4, fokkerplanck.Config{Lo: -7, Hi: 7, Cells: 200, Alpha: 0.5})
	s := must[*fokkerplanck.Spectrum](t)(e.Spectrum())
	p := must[[]float64](t)(e.Gaussian(nil, 1, 0.5))
	a1 := must[[]float64](t)(s.Amplitudes(p, field))
	a2 := must[[]float64](t)(s.Amplitudes(p, square))
	if want := e.Mean(e.Equilibrium(nil), square); math.Abs(a2[0]-want) > 1e-6 {
		t.Errorf("expected the equilibrium value %v, got %v", want, a2[0])
	}
	it := must[*fokkerplanck.Integrator](t)(e.Integrator(2e-3))
	for i := 1; i <= 2000; i++ {
		it.Step(p)
		if i%400 != 0 {
			continue
		}
		tau := float64(i) * 2e-3
		if a, b := s.Relax(a1, tau), e.Mean(p, field); math.Abs(a-b) > 1e-5 {
			t.Errorf("⟨φ⟩ at τ = %v: %v by expansion, %v by integration", tau, a, b)
		}
		if a, b := s.Relax(a2, tau), e.Mean(p, square); math.Abs(a-b) > 1e-5 {
			t.Errorf("⟨φ²⟩ at τ = %v: %v by expansion, %v by integration", tau, a, b)
		}
	}
}

// TestAlpha: at equal S/α, rates in τ are proportional to α, which is the map between
// the conventions of field theory and machine learning.
func TestAlpha(t *testing.T) {
	a := equation(t, 1, 0.4, fokkerplanck.Config{Lo: -6, Hi: 6, Cells: 120})
	b := equation(t, 0.5, 0.2, fokkerplanck.Config{Lo: -6, Hi: 6, Cells: 120, Alpha: 0.5})
	x := must[*fokkerplanck.Spectrum](t)(a.Spectrum()).Values
	y := must[*fokkerplanck.Spectrum](t)(b.Spectrum()).Values
	for n := 1; n < 5; n++ {
		if math.Abs(y[n]-x[n]/2) > 1e-9 {
			t.Errorf("expected E_%d = %v, got %v", n, x[n]/2, y[n])
		}
	}
}
