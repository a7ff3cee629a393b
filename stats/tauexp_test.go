package stats

import (
	"errors"
	"math"
	"testing"
)

func TestFitTauExpPulls(t *testing.T) {
	const seeds, n, a = 200, 20_000, 0.9
	want := -1 / math.Log(a)
	var tau, amp []float64
	for seed := range seeds {
		x := ar1(newRand(uint64(seed)), n, a)
		fit, err := FitTauExp([][]float64{x[:n/4], x[n/4:]}, TauExpConfig{TMin: 1, TMax: 20})
		if err != nil {
			t.Fatal(err)
		}
		tau = append(tau, fit.Tau.Pull(want))
		amp = append(amp, fit.Amplitude.Pull(1))
	}
	for what, p := range map[string][]float64{"τ_exp": tau, "A": amp} {
		m, v := average(p), sampleVariance(p)
		t.Logf("pulls of %s: mean %.3f, variance %.3f", what, m, v)
		// The bias of ρ from subtracting the mean, -2τ/N, is a fraction of its error.
		within(t, "mean pull of "+what, m, 0, 1, 0.5)
		within(t, "variance of the pulls of "+what, v, 1, math.Sqrt(2.0/seeds), 5)
	}
}

// A slow mode with half of the variance beside a fast one: the automatic range finds
// the slow one.
func TestFitTauExpOfTwoModes(t *testing.T) {
	const n, slow, fast = 400_000, 0.95, 0.3
	x, y := ar1(newRand(1), n, slow), ar1(newRand(2), n, fast)
	for i := range x {
		x[i] += y[i]
	}
	fit, err := FitTauExp([][]float64{x}, TauExpConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if fit.TMin < 8 || fit.TMax < 40 {
		t.Errorf("fitted the lags %d to %d", fit.TMin, fit.TMax)
	}
	res, err := GammaMethod([][]float64{x}, GammaConfig{})
	if err != nil || fit.TMin != int(math.Ceil(res.Tau.Value)) {
		t.Errorf("TMin = %d for τ_int = %v, %v", fit.TMin, res.Tau, err)
	}
	for lag := 1; lag <= fit.TMax+1; lag++ {
		if significant := res.Rho[lag] > 3*res.RhoError[lag]; significant != (lag <= fit.TMax) {
			t.Errorf("TMax = %d, but ρ(%d) = %v ± %v", fit.TMax, lag, res.Rho[lag], res.RhoError[lag])
		}
	}
	within(t, "τ_exp", fit.Tau.Value, -1/math.Log(slow), fit.Tau.Error, 5)
	within(t, "A", fit.Amplitude.Value, 0.5, fit.Amplitude.Error, 5)
	if fit.Tau.Error > 0.1*fit.Tau.Value || fit.Amplitude.Error > 0.05 {
		t.Errorf("errors out of proportion: %+v", fit)
	}
}

// An exact exponential is fitted exactly, also from a bad start.
func TestMinimise(t *testing.T) {
	rho := make([]float64, 41)
	for i := range rho {
		rho[i] = 0.7 * math.Exp(-float64(i)/8)
	}
	rho[0] = 1
	fit := TauExpFit{TMin: 3, TMax: 40}
	if err := fit.minimise(rho, newBartlett(rho, 40, 1000)); err != nil {
		t.Fatal(err)
	}
	if math.Abs(fit.Tau.Value-8) > 1e-9 || math.Abs(fit.Amplitude.Value-0.7) > 1e-9 || fit.Chi2 > 1e-20 {
		t.Errorf("fit of an exact exponential: %+v", fit)
	}
	for i := range rho {
		rho[i] = 0.1 * float64(1+i%3)
	}
	rho[40] = 0.9
	if err := fit.minimise(rho, newBartlett(rho, 40, 1000)); !errors.Is(err, ErrNoDecay) {
		t.Errorf("a rising function gives %v, %+v", err, fit)
	}
}

func TestFitTauExpErrors(t *testing.T) {
	x := ar1(newRand(1), 2000, 0.9)
	var short *TooShortError
	for _, r := range [][]float64{ar1(newRand(1), 2000, 0), {1, 1, 1, 1}, {1}} {
		if fit, err := FitTauExp([][]float64{r}, TauExpConfig{}); !errors.As(err, &short) || !math.IsNaN(fit.Tau.Value) {
			t.Errorf("%d entries without correlation: %+v, %v", len(r), fit, err)
		}
	}
	fit, err := FitTauExp([][]float64{ar1(newRand(1), 600, 0.985)}, TauExpConfig{TMin: 1, TMax: 30})
	if !errors.As(err, &short) || !(fit.Tau.Value > 5) || short.Estimate != fit.Tau {
		t.Errorf("a short series: %+v, %v", fit, err)
	}
	for _, cfg := range []TauExpConfig{{TMin: -1}, {TMin: 3, TMax: 4}, {TMax: 1}, {TMin: 1, TMax: 2000}, {Gamma: GammaConfig{S: -1}}} {
		if _, err := FitTauExp([][]float64{x}, cfg); err == nil || errors.As(err, &short) {
			t.Errorf("%+v gives %v", cfg, err)
		}
	}
	if _, err := FitTauExp([][]float64{x, {}}, TauExpConfig{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty replica gives %v", err)
	}
}
