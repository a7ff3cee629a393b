package stats

import (
	"errors"
	"math"
	"testing"
)

// Samples of N(0, 1) with weights e^{μx} have the moments of N(μ, 1).
func TestReweightPulls(t *testing.T) {
	const seeds, n, mu = 200, 10_000, 0.5
	for _, a := range []float64{0, 0.6} {
		var mean, variance []float64
		for seed := range seeds {
			x := ar1(newRand(uint64(seed)), n, a)
			square, logw := make([]float64, n), make([]float64, n)
			for i, v := range x {
				square[i], logw[i] = v*v, 5000+mu*v
			}
			e, err := ReweightedMean(x, logw, 0)
			if err != nil {
				t.Fatal(err)
			}
			mean = append(mean, e.Pull(mu))
			e, err = Reweight([][]float64{x, square}, logw, 0, func(m []float64) float64 { return m[1] - m[0]*m[0] })
			if err != nil {
				t.Fatal(err)
			}
			variance = append(variance, e.Pull(1))
		}
		// The bias of a ratio is of relative order 1/ESS, a tenth of the error here.
		within(t, "mean pull of ⟨x⟩", average(mean), 0, 1/math.Sqrt(seeds), 5)
		within(t, "variance of the pulls of ⟨x⟩", sampleVariance(mean), 1.05, math.Sqrt(2.0/seeds), 5)
		within(t, "mean pull of the variance", average(variance), 0, 1/math.Sqrt(seeds), 5)
		within(t, "variance of the pulls of the variance", sampleVariance(variance), 1.05, math.Sqrt(2.0/seeds), 5)
	}
}

// With equal weights, reweighting is the jackknife; a weight of zero drops its sample.
func TestReweightLimits(t *testing.T) {
	x, y := ar1(newRand(1), 1000, 0.2), ar1(newRand(2), 1000, 0.2)
	f := func(m []float64) float64 { return math.Exp(m[0]) - m[1] }
	logw := make([]float64, len(x))
	for i := range logw {
		logw[i] = -1e5
	}
	want, err := Jackknife([][]float64{x, y}, 17, f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Reweight([][]float64{x, y}, logw, 17, f)
	if err != nil || math.Abs(got.Value-want.Value) > 1e-13 || math.Abs(got.Error-want.Error) > 1e-13 {
		t.Errorf("equal weights: %+v, %v, want %+v", got, err, want)
	}
	values := []float64{1, 2, 100, 3, 4}
	e, err := ReweightedMean(values, []float64{0, 0, math.Inf(-1), 0, 0}, 5)
	if err != nil || math.Abs(e.Value-2.5) > 1e-15 {
		t.Errorf("a weight of zero: %v, %v, want 2.5", e, err)
	}
	// By hand: replicates 3, 8/3, 5/2, 7/3, 2 with five blocks of one.
	deviations := []float64{0.5, 8.0/3 - 2.5, 0, 7.0/3 - 2.5, -0.5}
	variance := 0.0
	for _, d := range deviations {
		variance += d * d * 4 / 5
	}
	if math.Abs(e.Error-math.Sqrt(variance)) > 1e-14 {
		t.Errorf("error = %v, want %v", e.Error, math.Sqrt(variance))
	}
}

func TestReweightErrors(t *testing.T) {
	x := []float64{1, 2, 3, 4}
	inf := math.Inf(-1)
	for _, tt := range []struct {
		x, logw []float64
		want    error
	}{
		{x, []float64{inf, inf, inf, inf}, ErrZeroWeight},
		{x, []float64{0, inf, inf, inf}, ErrZeroWeight},
		{x, []float64{0, 0, 0, math.NaN()}, ErrNotFinite},
		{[]float64{1, 2, math.NaN(), 4}, []float64{0, 0, 0, 0}, ErrNotFinite},
		{nil, nil, ErrEmpty},
	} {
		if e, err := ReweightedMean(tt.x, tt.logw, 2); !errors.Is(err, tt.want) || !math.IsNaN(e.Value) {
			t.Errorf("%v, %v: %v, %v, want %v", tt.x, tt.logw, e, err, tt.want)
		}
	}
	if _, err := ReweightedMean(x, []float64{0}, 2); err == nil {
		t.Error("one weight for four samples gives no error")
	}
	if _, err := ReweightedMean(x, []float64{0, 0, 0, 0}, 5); err == nil {
		t.Error("five blocks of four samples give no error")
	}
}
