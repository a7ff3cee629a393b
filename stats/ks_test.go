package stats

import (
	"errors"
	"math"
	"testing"
)

func normalCDF(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// Critical values of the Kolmogorov distribution (Smirnov 1948), and continuity of
// its two series where they meet.
func TestKolmogorovSurvival(t *testing.T) {
	for _, tt := range []struct{ x, p float64 }{
		{1.2238478702170825, 0.10},
		{1.3580986393225505, 0.05},
		{1.4802, 0.025},
		{1.6276236115189502, 0.01},
		{1.9494746, 0.001},
		{0.8275735551899077, 0.5},
		{0.5711732651063401, 0.9},
		{0.5197, 0.95},
		{0.4410, 0.99},
	} {
		if got := KolmogorovSurvival(tt.x); math.Abs(got-tt.p) > 2e-4*tt.p {
			t.Errorf("P(> %v) = %v, want %v", tt.x, got, tt.p)
		}
	}
	below, at := KolmogorovSurvival(math.Nextafter(1, 0)), KolmogorovSurvival(1)
	if math.Abs(below-at) > 1e-14 || math.Abs(at-0.26999967167735456) > 1e-14 {
		t.Errorf("the series give %v and %v at 1", below, at)
	}
	for _, tt := range []struct{ x, p float64 }{{0, 1}, {-1, 1}, {1e-300, 1}, {5e-324, 1}, {math.Inf(1), 0}, {30, 0}} {
		if got := KolmogorovSurvival(tt.x); got != tt.p {
			t.Errorf("P(> %v) = %v, want %v", tt.x, got, tt.p)
		}
	}
	if !math.IsNaN(KolmogorovSurvival(math.NaN())) {
		t.Error("NaN gives a number")
	}
}

func TestKolmogorovSmirnovByHand(t *testing.T) {
	uniform := func(x float64) float64 { return x }
	r, err := KolmogorovSmirnov([]float64{0.6, 0.1, 0.2}, uniform, 0)
	// Steps 1/3, 2/3, 1 at 0.1, 0.2, 0.6.
	if err != nil || math.Abs(r.D-(2.0/3-0.2)) > 1e-15 || r.N != 3 {
		t.Errorf("one sample: %+v, %v", r, err)
	}
	r, err = KolmogorovSmirnov2([]float64{1, 2, 2, 3}, []float64{2, 3, 4}, 0, 0)
	// Behind 1: 1/4 and 0; behind 2: 3/4 and 1/3; behind 3: 1 and 2/3.
	if err != nil || math.Abs(r.D-(3.0/4-1.0/3)) > 1e-15 || math.Abs(r.N-12.0/7) > 1e-15 {
		t.Errorf("two samples: %+v, %v", r, err)
	}
	r, err = KolmogorovSmirnov2([]float64{1, 2}, []float64{1, 2}, 0, 0)
	if err != nil || r.D != 0 || r.P != 1 {
		t.Errorf("equal samples: %+v, %v", r, err)
	}
	// The tabulated 5 % point for n = 20 is D = 0.294 (Massey 1951); Stephens' form
	// stays within a few per cent of it.
	if p := stephens(0.294, 20); math.Abs(p-0.05) > 0.002 {
		t.Errorf("P(D > 0.294) for n = 20 is %v, want 0.05", p)
	}
}

// Under the null hypothesis P is uniform; with correlated samples and their effective
// number it is not smaller than that; under a shift it is small.
func TestKolmogorovSmirnovLevel(t *testing.T) {
	const seeds, n, a = 400, 500, 0.8
	var one, two, correlated []float64
	reject := 0
	for seed := range seeds {
		rng := newRand(uint64(seed))
		x, y := ar1(rng, n, 0), ar1(rng, 2*n, 0)
		get := func(r KSResult, err error) float64 {
			if err != nil {
				t.Fatal(err)
			}
			return r.P
		}
		one = append(one, get(KolmogorovSmirnov(x, normalCDF, 0)))
		two = append(two, get(KolmogorovSmirnov2(x, y, 0, 0)))
		slow := ar1(rng, 10*n, a)
		ess := EffectiveSampleSize(len(slow), ar1Tau(a))
		correlated = append(correlated, get(KolmogorovSmirnov(slow, normalCDF, ess)))
		if correlated[seed] < 0.05 {
			reject++
		}
		for i := range x {
			x[i] += 0.3
		}
		if p := get(KolmogorovSmirnov(x, normalCDF, 0)); p > 0.01 {
			t.Errorf("seed %d: a shift of 0.3 has P = %v", seed, p)
		}
	}
	uniform := func(p float64) float64 { return p }
	for what, p := range map[string][]float64{"one sample": one, "two samples": two} {
		r, err := KolmogorovSmirnov(p, uniform, 0)
		t.Logf("%s: mean P %.3f, P of its distribution %.3f", what, average(p), r.P)
		if err != nil || r.P < 1e-5 {
			t.Errorf("%s: P is not uniform: %+v, %v", what, r, err)
		}
	}
	t.Logf("correlated: mean P %.3f, %d of %d below 0.05", average(correlated), reject, seeds)
	if float64(reject) > 0.05*seeds+5*math.Sqrt(0.05*0.95*seeds) || average(correlated) < 0.5-5/math.Sqrt(12*seeds) {
		t.Errorf("correlated samples: mean P %v, %d of %d below 0.05", average(correlated), reject, seeds)
	}
}

func TestKolmogorovSmirnovErrors(t *testing.T) {
	x := []float64{1, 2, 3}
	if _, err := KolmogorovSmirnov(x, func(float64) float64 { return 2 }, 0); err == nil {
		t.Error("a distribution function of 2 gives no error")
	}
	if _, err := KolmogorovSmirnov(x, func(float64) float64 { return math.NaN() }, 0); err == nil {
		t.Error("a distribution function of NaN gives no error")
	}
	for _, n := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := KolmogorovSmirnov(x, normalCDF, n); err == nil {
			t.Errorf("nEff = %v gives no error", n)
		}
		if _, err := KolmogorovSmirnov2(x, x, 0, n); err == nil {
			t.Errorf("nEff = %v gives no error", n)
		}
		if _, err := KolmogorovSmirnov2(x, x, n, 0); err == nil {
			t.Errorf("nEff = %v gives no error", n)
		}
	}
	for _, bad := range []struct {
		x    []float64
		want error
	}{{nil, ErrEmpty}, {[]float64{math.NaN()}, ErrNotFinite}} {
		if _, err := KolmogorovSmirnov(bad.x, normalCDF, 0); !errors.Is(err, bad.want) {
			t.Errorf("%v gives %v", bad.x, err)
		}
		if _, err := KolmogorovSmirnov2(bad.x, x, 0, 0); !errors.Is(err, bad.want) {
			t.Errorf("%v gives %v", bad.x, err)
		}
		if _, err := KolmogorovSmirnov2(x, bad.x, 0, 0); !errors.Is(err, bad.want) {
			t.Errorf("%v gives %v", bad.x, err)
		}
	}
}

// At a given distance less information is less significant, down to none at all.
func TestKolmogorovSmirnovFewSamples(t *testing.T) {
	x, y := []float64{1, 2, 3}, []float64{2.5, 3.5, 4.5}
	uniform := func(v float64) float64 { return v / 4 }
	for name, p := range map[string]func(n float64) (KSResult, error){
		"one sample":           func(n float64) (KSResult, error) { return KolmogorovSmirnov(x, uniform, n) },
		"two samples":          func(n float64) (KSResult, error) { return KolmogorovSmirnov2(x, y, n, n) },
		"two, one of them few": func(n float64) (KSResult, error) { return KolmogorovSmirnov2(x, y, n, 1000) },
		"two, the other few":   func(n float64) (KSResult, error) { return KolmogorovSmirnov2(x, y, 1000, n) },
	} {
		last := 0.0
		for n := 1e4; n > 1e-300; n *= 0.97 {
			r, err := p(n)
			if err != nil || !(r.P >= last) || !(r.P <= 1) || !(r.N > 0) {
				t.Fatalf("%s: n = %v: %+v, %v after P = %v", name, n, r, err, last)
			}
			last = r.P
		}
		if last != 1 {
			t.Errorf("%s: P = %v without information, want 1", name, last)
		}
	}
	if below, at := stephens(0.7, math.Nextafter(1, 0)), stephens(0.7, 1); math.Abs(below-at) > 1e-14 {
		t.Errorf("P jumps from %v to %v at n = 1", below, at)
	}
	// A single sample at distance d from the ends has P(D ≥ d) = 2(1-d) for d ≥ 1/2.
	for _, d := range []float64{0.5, 0.7, 0.9} {
		if p := stephens(d, 1); math.Abs(p-2*(1-d)) > 0.16 {
			t.Errorf("P = %v for one sample and D = %v, exact %v", p, d, 2*(1-d))
		}
	}
	for _, n := range []float64{1e308, 5e-324} {
		if r, err := KolmogorovSmirnov2(x, y, n, n); err != nil || math.Abs(r.N-n/2) > n/2*(1+1e-15) || n > 1 && r.P != 0 {
			t.Errorf("n = %v: %+v, %v", n, r, err)
		}
	}
}
