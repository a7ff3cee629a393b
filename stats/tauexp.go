package stats

import (
	"errors"
	"fmt"
	"math"
)

// TauExpConfig holds the options of [FitTauExp].
type TauExpConfig struct {
	// TMin and TMax are the first and the last lag of the fit. TMin = 0 means the
	// first lag not below τ_int; TMax = 0 means the last lag before ρ(t) falls below
	// three times its error.
	TMin, TMax int
	// Gamma holds the options for τ_int and the window that limit the fit.
	Gamma GammaConfig
}

// TauExpFit is a fit of ρ(t) = A exp(-t/τ_exp).
type TauExpFit struct {
	// Tau is the exponential autocorrelation time, in units of the spacing.
	Tau Estimate
	// Amplitude is A, the share of the slowest mode in the variance.
	Amplitude Estimate
	// TMin and TMax are the lags that were fitted.
	TMin, TMax int
	// Chi2 is Σ (ρ(t) - fit)²/δρ(t)², the quantity that was minimised. Neighbouring
	// lags are strongly correlated, so that it is far below the number of lags.
	Chi2 float64
}

// FitTauExp estimates the exponential autocorrelation time from the decay of the
// autocorrelation function of one or more replicas, by a least-squares fit with
// weights 1/δρ(t)². The errors take the full covariance of ρ at different lags into
// account (Bartlett's formula, of which the errors in [GammaResult] are the diagonal),
// which the weights need not. τ_exp of the algorithm is the largest over all
// observables; one series bounds it from below, and a fit that starts too early mixes
// faster modes in: compare fits with different TMin.
//
// Errors are those of [GammaMethod]. A [*TooShortError] with the fit comes from a series that
// is too short for τ_int, and without one (its estimate NaN) if fewer than three lags
// are significant. [ErrNoDecay] tells that ρ does not fall between the two lags, an
// ordinary error that 1 ≤ TMin < TMax - 1 is violated.
func FitTauExp(replicas [][]float64, cfg TauExpConfig) (TauExpFit, error) {
	fit := TauExpFit{Tau: undefined(), Amplitude: undefined(), Chi2: nan()}
	if cfg.TMin < 0 || cfg.TMax < 0 || cfg.TMax > 0 && cfg.TMax < cfg.TMin+2 {
		return fit, fmt.Errorf("stats: expected 1 ≤ TMin < TMax - 1 for the fit of τ_exp, got %d and %d", cfg.TMin, cfg.TMax)
	}
	res, err := GammaMethod(replicas, cfg.Gamma)
	var short *TooShortError
	if err != nil && !errors.As(err, &short) {
		return fit, err
	}
	rho, w, n := res.Rho, res.Tau.Window, float64(res.N)
	if len(rho) < 2 {
		return fit, &TooShortError{What: "a fit of τ_exp", N: res.N, Need: 2 * res.N, Estimate: undefined()}
	}
	if cfg.TMax >= len(rho) {
		longest := 0
		for _, x := range replicas {
			longest = max(longest, len(x))
		}
		if cfg.TMax >= longest {
			return fit, fmt.Errorf("stats: expected TMax below the length %d of the longest replica, got %d", longest, cfg.TMax)
		}
		rho = covariances(centre(replicas...).dev, cfg.TMax)
		normalise(rho)
	}
	fit.TMin, fit.TMax = cfg.TMin, cfg.TMax
	if fit.TMin == 0 {
		fit.TMin = max(1, int(math.Ceil(res.Tau.Value)))
	}
	if fit.TMax == 0 {
		for fit.TMax+1 < len(res.Rho) && res.Rho[fit.TMax+1] > 3*res.RhoError[fit.TMax+1] {
			fit.TMax++
		}
	}
	if fit.TMax < fit.TMin+2 {
		return fit, &TooShortError{What: "a fit of τ_exp", N: res.N, Need: 2 * res.N, Estimate: undefined()}
	}
	if err := fit.minimise(rho, newBartlett(rho, w, n)); err != nil {
		return fit, err
	}
	if short != nil {
		return fit, &TooShortError{What: "a fit of τ_exp", N: short.N, Need: short.Need, Estimate: fit.Tau}
	}
	return fit, nil
}

// minimise fits A and the rate 1/τ by Gauss–Newton steps from the best straight line
// through log ρ, and propagates the covariance of ρ.
func (fit *TauExpFit) minimise(rho []float64, errors bartlett) error {
	lags := fit.TMax - fit.TMin + 1
	y := rho[fit.TMin : fit.TMax+1]
	weight := make([]float64, lags)
	for i := range weight {
		e := errors.err(fit.TMin + i)
		weight[i] = 1 / (e * e)
	}
	// Times count from TMin, which keeps amplitude and rate less correlated.
	var s, st, stt, sl, stl float64
	for i, v := range y {
		if v > 0 {
			u, t, l := weight[i]*v*v, float64(i), math.Log(v)
			s, st, stt, sl, stl = s+u, st+u*t, stt+u*t*t, sl+u*l, stl+u*t*l
		}
	}
	rate := -(s*stl - st*sl) / (s*stt - st*st)
	amp := math.Exp((sl + rate*st) / s)
	chi2 := func(amp, rate float64) float64 {
		c := 0.0
		for i, v := range y {
			r := v - amp*math.Exp(-rate*float64(i))
			c += weight[i] * r * r
		}
		return c
	}
	if !finite(rate) || !finite(amp) {
		return ErrNoDecay
	}
	best := chi2(amp, rate)
	var inv [3]float64
	for range 100 {
		var aa, ar, rr, ga, gr float64
		for i, v := range y {
			e := math.Exp(-rate * float64(i))
			d := -amp * float64(i) * e
			res := v - amp*e
			aa, ar, rr = aa+weight[i]*e*e, ar+weight[i]*e*d, rr+weight[i]*d*d
			ga, gr = ga+weight[i]*e*res, gr+weight[i]*d*res
		}
		det := aa*rr - ar*ar
		inv = [3]float64{rr / det, -ar / det, aa / det}
		da, dr := inv[0]*ga+inv[1]*gr, inv[1]*ga+inv[2]*gr
		if !finite(da) || !finite(dr) {
			return ErrNoDecay
		}
		next := chi2(amp+da, rate+dr)
		for !(next <= best) && math.Abs(dr) > 1e-15*math.Abs(rate) {
			da, dr = da/2, dr/2
			next = chi2(amp+da, rate+dr)
		}
		if !(next < best) {
			break
		}
		converged := best-next < 1e-14*best
		amp, rate, best = amp+da, rate+dr, next
		if converged {
			break
		}
	}
	if !(rate > 0) || !(amp > 0) {
		return ErrNoDecay
	}
	// The parameters respond to ρ(t) by (JᵀWJ)⁻¹JᵀW.
	respA, respR := make([]float64, lags), make([]float64, lags)
	start := float64(fit.TMin)
	for i := range y {
		e := math.Exp(-rate * float64(i))
		d := -amp * float64(i) * e
		respA[i] = weight[i] * (inv[0]*e + inv[1]*d)
		respR[i] = weight[i] * (inv[1]*e + inv[2]*d)
	}
	var varA, varR float64
	for i := range y {
		for j := range y {
			// A at t = 0 is amp·exp(rate·TMin); its logarithm responds to both.
			li, lj := respA[i]/amp+start*respR[i], respA[j]/amp+start*respR[j]
			c := errors.covariance(fit.TMin+i, fit.TMin+j)
			varA += li * c * lj
			varR += respR[i] * c * respR[j]
		}
	}
	a := amp * math.Exp(rate*start)
	fit.Amplitude = Estimate{a, a * math.Sqrt(max(varA, 0))}
	fit.Tau = Estimate{1 / rate, math.Sqrt(max(varR, 0)) / (rate * rate)}
	fit.Chi2 = best
	return nil
}
