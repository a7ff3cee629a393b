package stats

import (
	"fmt"
	"math"
	"slices"
)

// LogWeights summarises the importance weights w = p/q of samples drawn from q
// independently, such as e^{-S}/q for the configurations of a generative model. All
// quantities but LogZ and MeanLog are independent of the normalisation of w.
//
// For Gaussian log-weights of standard deviation s (in the limit of many samples)
// ESS = e^{-s²}, Acceptance = erfc(s/2).
type LogWeights struct {
	// N is the number of weights, Zeros how many of them vanish (log w = -Inf).
	N, Zeros int
	// ESS is the effective sample size over N, (Σw)²/(N Σw²), between 1/N and 1, with
	// its error by propagation. It is an overestimate when N is too small to have seen
	// the largest weights; MaxShare and ParetoK show that.
	ESS Estimate
	// MaxShare is the largest weight over the sum of the weights.
	MaxShare float64
	// ParetoK is the shape k̂ of the tail of the weights: below 0.5 all errors here are
	// right, above 0.7 (or [ParetoKThreshold] for small N) none is. See [ParetoSmooth]; NaN
	// for 20 weights or fewer.
	ParetoK float64
	// MeanLog and SD are the mean and the standard deviation of log w over the
	// weights that do not vanish. log Z - MeanLog is the Kullback–Leibler divergence
	// of q from p.
	MeanLog, SD float64
	// LogZ is log⟨w⟩, for w = e^{-S}/q the logarithm of the partition function, with
	// its error √(⟨w²⟩/⟨w⟩² - 1)/√(N-1).
	LogZ Estimate
	// Acceptance is the acceptance rate that the independence Metropolis sampler (4.13)
	// with proposals from q has in equilibrium, predicted from the weights, with its
	// error. The chain is at w with probability w/Σw, the next proposal is any other w′:
	// the mean of min(1, w′/w) is Σ_{i≠j} min(w_i, w_j)/((N-1)Σw), up to 1/N the
	// Gini coefficient of the weights subtracted from 1.
	Acceptance Estimate
	// GaussianAcceptance is erfc(SD/2), what Acceptance is if log w is Gaussian.
	GaussianAcceptance float64
}

// LogWeightStats returns the summary of N log-weights in time of order N log N. A
// weight may vanish, log w = -Inf, but none may be NaN or +Inf: [ErrNotFinite]. It
// returns [ErrEmpty], [ErrZeroWeight] if all weights vanish, and for a single weight a
// [*TooShortError] beside what can be known.
func LogWeightStats(logw []float64) (LogWeights, error) {
	s := LogWeights{N: len(logw), ESS: undefined(), MaxShare: nan(), ParetoK: nan(), MeanLog: nan(), SD: nan(),
		LogZ: undefined(), Acceptance: undefined(), GaussianAcceptance: nan()}
	largest, err := checkLogWeights(logw)
	if err != nil {
		return s, err
	}
	w := make([]float64, 0, len(logw))
	logs := make([]float64, 0, len(logw))
	// Ascending order also makes the sums below accurate and independent of the order
	// of the samples.
	sorted := slices.Sorted(slices.Values(logw))
	for _, l := range sorted {
		w = append(w, math.Exp(l-largest))
		if !math.IsInf(l, -1) {
			logs = append(logs, l)
		}
	}
	s.ParetoK = fitParetoTail(sorted).k
	n := float64(s.N)
	sum, squares := 0.0, 0.0
	for _, v := range w {
		sum += v
		squares += v * v
	}
	m1, m2 := sum/n, squares/n
	s.Zeros = s.N - len(logs)
	s.MaxShare = 1 / sum
	s.ESS.Value = min(m1*m1/m2, 1)
	s.LogZ.Value = largest + math.Log(m1)
	c := centre(logs)
	s.MeanLog = c.mean
	if s.N < 2 {
		return s, &TooShortError{What: "log-weights", N: s.N, Need: 2, Estimate: s.LogZ}
	}
	s.LogZ.Error = math.Sqrt(max(m2/(m1*m1)-1, 0) / (n - 1))
	if len(logs) > 1 {
		s.SD = c.scale * math.Sqrt(sumSquares(c.dev[0])/float64(len(logs)-1))
		s.GaussianAcceptance = math.Erfc(s.SD / 2)
	}

	// others(k) = Σ_{j≠k} min(w_k, w_j) for the weights in ascending order is the
	// sum of the smaller ones plus w_k times the number of larger ones.
	pairs, below := 0.0, 0.0
	for k, v := range w {
		pairs += v * float64(2*(s.N-1-k))
		below += v
	}
	s.Acceptance.Value = min(pairs/(n-1)/sum, 1)
	// Errors by the influence of one sample on U/m1, U = pairs/(n(n-1)), and m1²/m2.
	acc, ess := 0.0, 0.0
	u := pairs / n / (n - 1)
	below = 0
	for k, v := range w {
		h := (below + v*float64(s.N-1-k)) / (n - 1)
		below += v
		d := (2*(h-u) - s.Acceptance.Value*(v-m1)) / m1
		acc += d * d
		d = m1 / m2 * (2*(v-m1) - m1/m2*(v*v-m2))
		ess += d * d
	}
	s.Acceptance.Error = math.Sqrt(acc / n / (n - 1))
	s.ESS.Error = math.Sqrt(ess / n / (n - 1))
	return s, nil
}

// LogWeightESS returns the effective sample size of weighted samples as a fraction of
// their number, (Σw)²/(N Σw²), between 1/N and 1, from the logarithms of the weights.
// Errors are those of [LogWeightStats], except that one weight suffices.
func LogWeightESS(logw []float64) (essOverN float64, err error) {
	largest, err := checkLogWeights(logw)
	if err != nil {
		return nan(), err
	}
	sum, squares := 0.0, 0.0
	for _, l := range logw {
		w := math.Exp(l - largest)
		sum += w
		squares += w * w
	}
	return min(sum*sum/squares/float64(len(logw)), 1), nil
}

// LogMeanExp returns log((1/N) Σ e^l) with the error
// √(⟨e^{2l}⟩/⟨e^l⟩² - 1)/√(N-1) of independent samples, without overflow. Errors are
// those of [LogWeightStats].
func LogMeanExp(l []float64) (Estimate, error) {
	e := undefined()
	largest, err := checkLogWeights(l)
	if err != nil {
		return e, err
	}
	n := float64(len(l))
	m1, m2 := 0.0, 0.0
	for _, v := range l {
		w := math.Exp(v - largest)
		m1 += w / n
		m2 += w * w / n
	}
	e.Value = largest + math.Log(m1)
	if len(l) < 2 {
		return e, &TooShortError{What: "the error of log⟨exp⟩", N: len(l), Need: 2, Estimate: e}
	}
	e.Error = math.Sqrt(max(m2/(m1*m1)-1, 0) / (n - 1))
	return e, nil
}

// checkLogWeights returns the largest log-weight.
func checkLogWeights(logw []float64) (largest float64, err error) {
	if len(logw) == 0 {
		return nan(), ErrEmpty
	}
	largest = math.Inf(-1)
	for i, l := range logw {
		if math.IsNaN(l) || math.IsInf(l, 1) {
			return nan(), fmt.Errorf("%w or -Inf, got the log-weight %v at index %d", ErrNotFinite, l, i)
		}
		largest = max(largest, l)
	}
	if math.IsInf(largest, -1) {
		return nan(), fmt.Errorf("%w, got %d times -Inf", ErrZeroWeight, len(logw))
	}
	return largest, nil
}
