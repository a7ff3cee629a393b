package stats

import (
	"errors"
	"math"
	"testing"
)

func TestGammaFuncPulls(t *testing.T) {
	const seeds, n, a = 200, 20_000, 0.7
	// exp(⟨x⟩)/⟨x²⟩ at ⟨x⟩ = 0, ⟨x²⟩ = 1.
	f := func(m []float64) float64 { return math.Exp(m[0]) / m[1] }
	var pulls, ratio []float64
	for seed := range seeds {
		x := ar1(newRand(uint64(seed)), n, a)
		y := make([]float64, n)
		for i, v := range x {
			y[i] = v * v
		}
		// Replicas of unequal lengths.
		r, err := GammaFunc([][][]float64{{x[:n/3], y[:n/3]}, {x[n/3:], y[n/3:]}}, GammaConfig{}, f)
		if err != nil {
			t.Fatal(err)
		}
		pulls = append(pulls, r.Mean.Pull(1))
		j, err := Jackknife([][]float64{x, y}, 0, f)
		if err != nil {
			t.Fatal(err)
		}
		ratio = append(ratio, j.Error/r.Mean.Error)
		if math.Abs(j.Value-r.Mean.Value) > 1e-12 {
			t.Fatalf("value %v, the jackknife has %v", r.Mean.Value, j.Value)
		}
	}
	within(t, "mean pull", average(pulls), 0, 1/math.Sqrt(seeds), 5)
	within(t, "variance of the pulls", sampleVariance(pulls), 1, math.Sqrt(2.0/seeds), 5)
	// Both methods have truncation errors of a few per cent, in the same direction.
	within(t, "jackknife error over propagated error", average(ratio), 1, 0.03, 1)
}

// For the mean itself GammaFunc is GammaMethod, in any unit.
func TestGammaFuncOfMean(t *testing.T) {
	x := ar1(newRand(3), 3000, 0.6)
	want, err := GammaMethod([][]float64{x[:1000], x[1000:]}, GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := GammaFunc([][][]float64{{x[:1000]}, {x[1000:]}}, GammaConfig{}, func(m []float64) float64 { return 1e-150 * m[0] })
	if err != nil {
		t.Fatal(err)
	}
	close := func(what string, a, b float64) {
		if math.Abs(a-b) > 1e-9*math.Abs(b) {
			t.Errorf("%s = %v, want %v", what, a, b)
		}
	}
	close("mean", got.Mean.Value*1e150, want.Mean.Value)
	close("error", got.Mean.Error*1e150, want.Mean.Error)
	close("error of the error", got.ErrorOfError*1e150, want.ErrorOfError)
	close("τ_int", got.Tau.Value, want.Tau.Value)
	close("p of the replicas", got.ReplicaP, want.ReplicaP)
	close("mean of a replica", got.ReplicaMeans[1]*1e150, want.ReplicaMeans[1])
	if got.Tau.Window != want.Tau.Window || got.N != want.N {
		t.Errorf("window %d, N %d, want %d, %d", got.Tau.Window, got.N, want.Tau.Window, want.N)
	}
}

func TestGammaFuncEdges(t *testing.T) {
	x := ar1(newRand(3), 100, 0)
	one := [][][]float64{{x}}
	if r, err := GammaFunc(one, GammaConfig{}, func([]float64) float64 { return 7 }); err != nil || r.Mean != (Estimate{7, 0}) || r.Tau.Value != 0.5 {
		t.Errorf("a constant function gives %+v, %v", r, err)
	}
	if _, err := GammaFunc(one, GammaConfig{}, func(m []float64) float64 { return math.Log(-math.Abs(m[0])) }); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN from the estimator gives %v", err)
	}
	mean := average(x)
	if _, err := GammaFunc(one, GammaConfig{}, func(m []float64) float64 { return math.Sqrt(mean + 1e-12 - m[0]) }); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN one step away gives %v", err)
	}
	for _, r := range [][][][]float64{nil, {{}}, {{{}}}, {{x}, {}}} {
		if _, err := GammaFunc(r, GammaConfig{}, mean0); !errors.Is(err, ErrEmpty) {
			t.Errorf("%v gives %v", r, err)
		}
	}
	if _, err := GammaFunc([][][]float64{{x, x}, {x}}, GammaConfig{}, mean0); err == nil {
		t.Error("replicas with different observables give no error")
	}
	if _, err := GammaFunc([][][]float64{{x, x[1:]}}, GammaConfig{}, mean0); err == nil {
		t.Error("columns of different lengths give no error")
	}
	if _, err := GammaFunc(one, GammaConfig{S: -1}, mean0); err == nil {
		t.Error("S = -1 gives no error")
	}
}
