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
// cover p and p to cover q, the bridge no more than an overlap of the two. The error
// takes the autocorrelation of the chain into account, and is +Inf if the two samples
// do not overlap at all.
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
	logwQ, logwP = shifted(logwQ, -largest), shifted(logwP, -largest)
	nq, np := float64(len(logwQ)), float64(len(logwP))
	ratio := math.Log(nq / np)
	// excess falls from n_q to -n_p as c grows; slope is minus its derivative.
	excess := func(c float64) (g, slope float64) {
		for _, l := range logwQ {
			f := logistic(l - c - ratio)
			g += f
			slope += f * (1 - f)
		}
		for _, l := range logwP {
			f := logistic(c + ratio - l)
			g -= f
			slope += f * (1 - f)
		}
		return g, slope
	}
	// Beyond these ends every term is within 1/(n_q + n_p + 1) of its limit.
	hi := math.Abs(ratio) + math.Log(nq+np+1) + 1
	lo := -hi
	for _, s := range [][]float64{logwQ, logwP} {
		for _, l := range s {
			if !math.IsInf(l, -1) {
				lo = min(lo, l-hi)
			}
		}
	}
	// Newton's method, with bisection where a step would leave the bracket.
	c := lo + (hi-lo)/2
	g, slope := excess(c)
	for range 200 {
		if g > 0 {
			lo = c
		} else {
			hi = c
		}
		next := c + g/slope
		if !(next > lo && next < hi) {
			next = lo + (hi-lo)/2
		}
		done := math.Abs(next-c) <= 1e-14*max(1, math.Abs(c))
		c = next
		g, slope = excess(c)
		if done {
			break
		}
	}
	e := Estimate{c + largest, nan()}
	fq, fp := make([]float64, len(logwQ)), make([]float64, len(logwP))
	for i, l := range logwQ {
		fq[i] = logistic(l - c - ratio)
	}
	for i, l := range logwP {
		fp[i] = logistic(c + ratio - l)
	}
	mq, err := Mean(fq)
	if err != nil {
		return e, bridgeTooShort(err, e)
	}
	mp, err := GammaMethod([][]float64{fp}, GammaConfig{})
	var short *TooShortError
	if err != nil && (!errors.As(err, &short) || math.IsNaN(mp.Mean.Error)) {
		return e, bridgeTooShort(err, e)
	}
	e.Error = math.Inf(1)
	if slope > 0 {
		e.Error = math.Hypot(nq*mq.Error, np*mp.Mean.Error) / slope
	}
	return e, bridgeTooShort(err, e)
}

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

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
