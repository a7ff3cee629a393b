package stats

import (
	"errors"
	"fmt"
	"math"
)

// BridgeLogZ returns log Z, Z = ∫ e^{-S}, from weights w = e^{-S}/q on both sides:
// logwQ of independent samples of q, logwP of configurations of the equilibrium
// ensemble p = e^{-S}/Z, a Markov chain in its order. It is Bennett's acceptance ratio
// (J. Comp. Phys. 22 (1976) 245), the estimate of least variance from the two samples:
// the solution of
//
//	Σ_q 1/(1 + n_q Z/(n_p w)) = Σ_p 1/(1 + n_p w/(n_q Z)).
//
// Either side alone gives log⟨w⟩_q and -log⟨1/w⟩_p, see [LogMeanExp]; these need q to
// cover p and p to cover q, the bridge no more than an overlap of the two.
//
// With f for the terms of both sums, the error is the larger of two: the spread of the
// sums, with the autocorrelation of the chain, over their slope I = Σ f(1-f), and
// √(1/I - 1/n_q - 1/n_p), which is what it is on average for independent samples (Shirts,
// Bair, Hooker, Pande, Phys. Rev. Lett. 91 (2003) 140601) and does not depend on the few
// largest terms. I counts the samples that could as well have come from the other side,
// at most n_q n_p/(n_q + n_p) if p = q; where it is below 2 (times 1/2 + τ_int for the
// chain) and below half of what it can be, the two samples do not overlap, the value is no
// more than a point between them, and the error is +Inf.
//
// It returns [ErrEmpty] and [ErrNotFinite]; -Inf is allowed in logwQ only. A
// [*TooShortError] comes with the estimate if a side has fewer than 2 entries or the
// chain is too short for its autocorrelation time, see [GammaMethod]. [ErrZeroWeight]
// tells that all weights of q vanish.
func BridgeLogZ(logwQ, logwP []float64) (Estimate, error) {
	if _, err := checkLogWeights(logwQ); err != nil {
		return undefined(), fmt.Errorf("%w (samples of q)", err)
	}
	if err := checkSeries(logwP); err != nil {
		return undefined(), fmt.Errorf("%w (configurations of p)", err)
	}
	// Weights relative to the largest keep the digits of the differences.
	largest := math.Inf(-1)
	for _, s := range [][]float64{logwQ, logwP} {
		for _, l := range s {
			largest = max(largest, l)
		}
	}
	nq, np := float64(len(logwQ)), float64(len(logwP))
	// In units of n_q/n_p the terms are the logistic functions of l - c and c - l.
	shift := -largest - math.Log(nq/np)
	logwQ, logwP = shifted(logwQ, shift), shifted(logwP, shift)
	c := balance(logwQ, logwP)
	e := Estimate{c + largest, nan()}
	fq, fp := make([]float64, len(logwQ)), make([]float64, len(logwP))
	infoQ, infoP := 0.0, 0.0
	for i, l := range logwQ {
		fq[i] = math.Exp(logLogistic(l - c))
		infoQ += fq[i] * math.Exp(logLogistic(c-l))
	}
	for i, l := range logwP {
		fp[i] = math.Exp(logLogistic(c - l))
		infoP += fp[i] * math.Exp(logLogistic(l-c))
	}
	mq, err := Mean(fq)
	if err != nil {
		return e, bridgeTooShort(err, e)
	}
	mp, err := GammaMethod([][]float64{fp}, GammaConfig{})
	if errors.Is(err, ErrNegativeVariance) {
		// The error of independent samples is larger than that of anticorrelated ones.
		mp.Tau.Value = 0.5
		mp.Mean, err = Mean(fp)
	}
	var short *TooShortError
	if err != nil && (!errors.As(err, &short) || math.IsNaN(mp.Mean.Error)) {
		return e, bridgeTooShort(err, e)
	}
	// Both sides have the same sum, and a variance in proportion to it and to 2τ.
	slope := infoQ + infoP
	inefficiency := max(1, 0.5+mp.Tau.Value)
	// The slope for p = q, which leaves no error.
	most := nq / (nq + np) * np
	if !(slope >= inefficiency*min(2, most/2)) {
		e.Error = math.Inf(1)
		return e, nil
	}
	e.Error = math.Hypot(nq*mq.Error, np*mp.Mean.Error) / slope
	// The difference of two equal slopes is rounding.
	if slope < most*(1-1e-12) {
		e.Error = max(e.Error, math.Sqrt(inefficiency*(most-slope)/most/slope))
	}
	return e, bridgeTooShort(err, e)
}

// balance returns the c at which the sums of 1/(1 + e^{c-l}) over a and of 1/(1 + e^{l-c})
// over b are equal. The logarithm of their ratio falls with c, at a slope between 0 and
// -2 that is -2 where both sums are far below one, so that its zero is found also where
// the sums themselves underflow.
func balance(a, b []float64) float64 {
	na, nb := float64(len(a)), float64(len(b))
	// Beyond these ends the sum on one side is below 1/2 and that on the other above.
	margin := math.Log(na+nb) + 1
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range [][]float64{a, b} {
		for _, l := range s {
			if !math.IsInf(l, -1) {
				lo, hi = min(lo, l-margin), max(hi, l+margin)
			}
		}
	}
	ratio := func(c float64) (g, slope float64) {
		sa, da := logisticSum(a, c, 1)
		sb, db := logisticSum(b, c, -1)
		return sa - sb, da + db
	}
	// Newton's method, with bisection where a step would leave the bracket.
	c := lo + (hi-lo)/2
	for range 200 {
		g, slope := ratio(c)
		if g > 0 {
			lo = c
		} else {
			hi = c
		}
		next := c + g/slope
		if !(next >= lo && next <= hi) {
			next = lo + (hi-lo)/2
		}
		done := math.Abs(next-c) <= 1e-14*max(1, math.Abs(c))
		c = next
		if done {
			break
		}
	}
	return c
}

// logisticSum returns log Σ f, f = 1/(1 + e^{-sign(l-c)}), and Σ f(1-f)/Σ f.
func logisticSum(x []float64, c, sign float64) (log, slope float64) {
	largest := math.Inf(-1)
	for _, l := range x {
		largest = max(largest, logLogistic(sign*(l-c)))
	}
	s, d := 0.0, 0.0
	for _, l := range x {
		f := math.Exp(logLogistic(sign*(l-c)) - largest)
		s += f
		d += f * math.Exp(logLogistic(-sign*(l-c)))
	}
	return largest + math.Log(s), d / s
}

// logLogistic returns log(1/(1 + e^{-x})), to relative precision on both sides.
func logLogistic(x float64) float64 { return min(x, 0) - math.Log1p(math.Exp(-math.Abs(x))) }

func shifted(x []float64, by float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v + by
	}
	return y
}

// bridgeTooShort puts the estimate of log Z into an error about its ingredients.
func bridgeTooShort(err error, e Estimate) error {
	var short *TooShortError
	if errors.As(err, &short) {
		return &TooShortError{What: "log Z", N: short.N, Need: short.Need, Estimate: e}
	}
	return err
}
