package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/stats"
)

// TestPolynomial: a straight line through points with equal errors, whose coefficients
// and covariance are known, and a parabola met exactly.
func TestPolynomial(t *testing.T) {
	x := []float64{-1, 0, 1, 2}
	y := []stats.Estimate{{Value: 1, Error: 0.5}, {Value: 2, Error: 0.5}, {Value: 2, Error: 0.5}, {Value: 4, Error: 0.5}}
	f, err := fitPolynomial(x, y, 1)
	if err != nil {
		t.Fatal(err)
	}
	// Σx = 2, Σx² = 6, Σy = 9, Σxy = 9: slope 18/20, intercept 36/20.
	if math.Abs(f.coef[0]-1.8) > 1e-12 || math.Abs(f.coef[1]-0.9) > 1e-12 {
		t.Errorf("expected 1.8 + 0.9x, got %v", f.coef)
	}
	// Var = σ²/20 · [6 -2; -2 4]; at x = 1 it is σ² · 6/20.
	for i, want := range []float64{0.25 * 6 / 20, -0.25 * 2 / 20, -0.25 * 2 / 20, 0.25 * 4 / 20} {
		if got := f.cov.At(i/2, i%2); math.Abs(got-want) > 1e-12 {
			t.Errorf("covariance %d: expected %v, got %v", i, want, got)
		}
	}
	if e := f.at(1); math.Abs(e.Value-2.7) > 1e-12 || math.Abs(e.Error-0.5*math.Sqrt(0.3)) > 1e-12 {
		t.Errorf("expected 2.70(27) at 1, got %v", e)
	}
	// Residuals 0.1, 0.2, -0.7, 0.4.
	if want := 0.7 / 0.25; math.Abs(f.chi2-want) > 1e-12 || f.dof != 2 || math.Abs(f.p-math.Exp(-want/2)) > 1e-12 {
		t.Errorf("expected χ² = %v, p = %v, got %v, %v with %d degrees of freedom", want, math.Exp(-want/2), f.chi2, f.p, f.dof)
	}
	for i, v := range x {
		y[i].Value = 3 - 2*v + 0.5*v*v
	}
	if f, err = fitPolynomial(x, y, 2); err != nil || math.Abs(f.at(5).Value-5.5) > 1e-12 || f.chi2 > 1e-20 {
		t.Errorf("expected the parabola, got %+v, %v", f, err)
	}
	y[1].Error = 0
	if _, err := extrapolate(x, y); err == nil {
		t.Error("expected an error for a value without an error")
	}
}

// TestExtrapolate: over many samples of a known curve the error covers the deviation
// from the truth, whether the curve needs a parabola, hardly, or not at all, and is
// smaller than that of the highest degree alone.
func TestExtrapolate(t *testing.T) {
	const samples, sigma = 4000, 1e-3
	x := []float64{0.02, 0.04, 0.06, 0.08, 0.1, 0.12}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, curvature := range []float64{0, 0.1, 0.3, 1, 4} {
		square, quoted, highestError := 0.0, 0.0, 0.0
		for range samples {
			y := make([]stats.Estimate, len(x))
			for i, v := range x {
				y[i] = stats.Estimate{Value: 1 + 0.5*v + curvature*v*v + sigma*rng.NormFloat64(), Error: sigma}
			}
			e, err := extrapolate(x, y)
			if err != nil {
				t.Fatal(err)
			}
			pull := e.at(0).Pull(1)
			square += pull * pull / samples
			quoted += e.at(0).Error / samples
			highestError = e.fits[len(e.fits)-1].at(0).Error
		}
		// The mean square of a standard normal number has the error √(2/samples).
		if most := 1 + 5*math.Sqrt(2./samples); square > most {
			t.Errorf("curvature %v: mean square pull %.3f, expected at most %.3f", curvature, square, most)
		}
		if quoted > highestError {
			t.Errorf("curvature %v: mean error %.2g, above %.2g of the highest degree", curvature, quoted, highestError)
		}
	}
}
