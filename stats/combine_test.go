package stats

import (
	"errors"
	"math"
	"testing"
)

func TestWeightedMean(t *testing.T) {
	c, err := WeightedMean([]Estimate{{10, 1}, {13, 2}, {11, 2}})
	// Weights 1, 1/4, 1/4: mean 16/1.5, χ² = (2/3)² + (7/3)²/4 + (1/3)²/4.
	if err != nil || math.Abs(c.Value-32.0/3) > 1e-14 || math.Abs(c.Error-math.Sqrt(2.0/3)) > 1e-15 ||
		math.Abs(c.Chi2-11.0/6) > 1e-13 || c.DOF != 2 || math.Abs(c.P-math.Exp(-11.0/12)) > 1e-14 {
		t.Errorf("weighted mean = %+v, %v", c, err)
	}
	if c, err := WeightedMean([]Estimate{{3, 0.5}}); err != nil || c.Estimate != (Estimate{3, 0.5}) || c.Chi2 != 0 || c.P != 1 {
		t.Errorf("a single estimate: %+v, %v", c, err)
	}
	if c, err := WeightedMean([]Estimate{{1e200, 1e200}, {0, 1e-200}}); err != nil || c.Error != 1e-200 || math.Abs(c.Value) > 1e190 {
		t.Errorf("errors of very different size: %+v, %v", c, err)
	}
	chi2, p, err := Chi2([]Estimate{{1, 0.5}, {2, 1}}, []float64{2, 3})
	if err != nil || chi2 != 5 || math.Abs(p-math.Exp(-2.5)) > 1e-15 {
		t.Errorf("χ² = %v, P = %v, %v, want 5 and exp(-5/2)", chi2, p, err)
	}
	if _, _, err := Chi2([]Estimate{{1, 1}}, nil); err == nil {
		t.Error("one estimate for no value gives no error")
	}
	if _, _, err := Chi2([]Estimate{{1, 1}}, []float64{math.NaN()}); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN as value gives %v", err)
	}
	for _, bad := range [][]Estimate{{{1, 0}}, {{1, -1}}, {{math.NaN(), 1}}, {{1, math.Inf(1)}}, {{1, math.NaN()}}} {
		if _, err := WeightedMean(bad); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%v gives %v", bad, err)
		}
		if _, _, err := Chi2(bad, []float64{1}); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%v gives %v", bad, err)
		}
	}
	if _, err := WeightedMean(nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("no estimates give %v", err)
	}
}

// χ² of Gaussian pulls has a uniform P.
func TestChi2Level(t *testing.T) {
	rng := newRand(2)
	var ps, pm []float64
	for range 500 {
		e := make([]Estimate, 7)
		zero := make([]float64, 7)
		for i := range e {
			s := math.Exp(rng.NormFloat64())
			e[i] = Estimate{s * rng.NormFloat64(), s}
		}
		_, p, err := Chi2(e, zero)
		c, err2 := WeightedMean(e)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		ps, pm = append(ps, p), append(pm, c.P)
	}
	for what, p := range map[string][]float64{"Chi2": ps, "WeightedMean": pm} {
		if r, err := KolmogorovSmirnov(p, func(p float64) float64 { return p }, 0); err != nil || r.P < 1e-5 {
			t.Errorf("%s: P is not uniform: %+v, %v", what, r, err)
		}
	}
}

func TestHistogram(t *testing.T) {
	h, err := NewHistogram([]float64{-1, 0, 0.25, 0.5, 0.99, 1, 1.5, 3}, 4, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if h.Below != 1 || h.Above != 2 || h.N() != 8 || h.Counts[0] != 1 || h.Counts[1] != 1 || h.Counts[2] != 1 || h.Counts[3] != 2 {
		t.Errorf("histogram %+v", h)
	}
	if h.Width() != 0.25 || h.Center(1) != 0.375 {
		t.Errorf("width %v, centre of bin 1 %v", h.Width(), h.Center(1))
	}
	if d := h.Density(0.5)[3]; d.Value != 1 || math.Abs(d.Error-math.Sqrt(0.25*0.75/8)/0.25) > 1e-15 {
		t.Errorf("density of bin 3 = %+v", d)
	}
	// Densities of a normal distribution, pulled by the integral over the bin.
	h, err = NewHistogram(ar1(newRand(1), 100_000, 0), 40, -3, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float64, 40)
	for i := range want {
		lo := h.Lo + float64(i)*h.Width()
		want[i] = (normalCDF(lo+h.Width()) - normalCDF(lo)) / h.Width()
	}
	if chi2, p, err := Chi2(h.Density(0.5), want); err != nil || p < 1e-5 || p > 1-1e-5 {
		t.Errorf("χ² = %v of 40 normal bins, P = %v, %v", chi2, p, err)
	}
	for _, bad := range []struct {
		bins   int
		lo, hi float64
	}{{0, 0, 1}, {3, 1, 1}, {3, 2, 1}, {3, math.NaN(), 1}, {3, 0, math.Inf(1)}, {3, -1.7e308, 1.7e308}} {
		if _, err := NewHistogram([]float64{1}, bad.bins, bad.lo, bad.hi); err == nil {
			t.Errorf("%+v gives no error", bad)
		}
	}
	if _, err := NewHistogram(nil, 3, 0, 1); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty series gives %v", err)
	}
}
