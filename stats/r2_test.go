package stats

import (
	"errors"
	"math"
	"testing"
)

func TestR2(t *testing.T) {
	const n = 100_000
	rng := newRand(1)
	s, same, noisy, steep := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range s {
		s[i] = 1e6 + rng.NormFloat64()
		same[i] = s[i] - 5e5
		noisy[i] = s[i] + 0.5*rng.NormFloat64()
		steep[i] = 2 * s[i]
	}
	for _, tt := range []struct {
		name           string
		seff           []float64
		r2, pearson, e float64
	}{
		{"offset", same, 1, 1, 1e-9},
		{"noise", noisy, 0.75, 0.8, 5 * 0.25 * math.Sqrt(4.0/n)},
		{"slope", steep, 0, 1, 1e-9},
	} {
		r2, err := R2Coefficient(s, tt.seff)
		p, err2 := PearsonR2(s, tt.seff)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if math.Abs(r2-tt.r2) > tt.e || math.Abs(p-tt.pearson) > tt.e {
			t.Errorf("%s: R² = %v, Pearson %v, want %v, %v", tt.name, r2, p, tt.r2, tt.pearson)
		}
	}
	flat := make([]float64, n)
	if _, err := R2Coefficient(flat, s); !errors.Is(err, ErrConstant) {
		t.Errorf("constant action gives %v", err)
	}
	if r2, err := R2Coefficient(s, flat); err != nil || math.Abs(r2) > 1e-12 {
		t.Errorf("constant effective action gives R² = %v, %v, want 0", r2, err)
	}
	if _, err := PearsonR2(s, flat); !errors.Is(err, ErrConstant) {
		t.Errorf("constant effective action gives %v", err)
	}
	for _, f := range []func(a, b []float64) (float64, error){R2Coefficient, PearsonR2} {
		if _, err := f(s, s[:10]); err == nil {
			t.Error("series of different lengths give no error")
		}
		if _, err := f(nil, nil); !errors.Is(err, ErrEmpty) {
			t.Errorf("empty series give %v", err)
		}
		if _, err := f([]float64{1, math.NaN()}, []float64{1, 2}); !errors.Is(err, ErrNotFinite) {
			t.Errorf("NaN gives %v", err)
		}
		var short *TooShortError
		if _, err := f([]float64{1}, []float64{1}); !errors.As(err, &short) {
			t.Errorf("a single pair gives %v", err)
		}
	}
}
