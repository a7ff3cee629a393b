package stats

import (
	"math"
	"slices"
)

const (
	// minTail is the least number of weights that a generalised Pareto distribution is
	// fitted to.
	minTail = 5
	// priorTail and priorK are the weak prior of k̂: as much as 10 weights of a tail with
	// k = 1/2 (Vehtari et al., arXiv:1507.02646, appendix C).
	priorTail, priorK = 10, 0.5
	// tailRange is the distance in log w below which a weight counts as zero beside the
	// largest.
	tailRange = 300
)

// ParetoKThreshold returns min(1 - 1/log₁₀ n, 0.7), the k̂ of n weights up to which sums over
// them and their errors can be relied on (Vehtari et al., arXiv:1507.02646, section 3.2.4).
// It is 0.5 for 100 weights and 0.7 from 2154 on; -Inf for n ≤ 1.
func ParetoKThreshold(n int) float64 {
	if n <= 1 {
		return math.Inf(-1)
	}
	return min(1-1/math.Log10(float64(n)), 0.7)
}

// ParetoSmooth returns k̂, the shape of the generalised Pareto distribution that fits the
// M = ⌈min(n/5, 3√n)⌉ largest of n importance weights, and the logarithms of the weights with
// those M replaced by the expected order statistics of the fit, none larger than the largest
// weight (Pareto-smoothed importance sampling, Vehtari, Simpson, Gelman, Yao, Gabry,
// arXiv:1507.02646). The fit is that of Zhang and Stephens, Technometrics 51 (2009) 316, with
// a weak prior at k = 1/2 as there. Smoothed weights trade a small bias for a smaller variance.
//
// A distribution with this tail has moments below 1/k: for k < 1/2 the variance of w exists,
// and errors like that of [LogMeanExp] are right for large n; between 1/2 and 0.7 sums of
// smoothed weights still converge at a useful rate; above 0.7, or above [ParetoKThreshold] for
// small n, sums are ruled by weights that n samples hardly contain, and their errors are too
// small; for k > 1 there is no mean. Weights that are bounded have k < 0. That all moments
// of Gaussian log-weights exist does not help finite samples, and k̂ sees it: of 1000 of them
// it is about 0.3 for sd(log w) = 1 and 1 for 3.
//
// k̂ is NaN, and the weights are returned as they are, if fewer than 5 of the M largest are
// above all others, as for n ≤ 20 or for equal weights. Errors are those of [LogWeightESS].
func ParetoSmooth(logw []float64) (smoothed []float64, k float64, err error) {
	if _, err := checkLogWeights(logw); err != nil {
		return nil, nan(), err
	}
	order := make([]int, len(logw))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		switch {
		case logw[i] < logw[j]:
			return -1
		case logw[i] > logw[j]:
			return 1
		}
		return i - j
	})
	sorted := make([]float64, len(logw))
	for r, i := range order {
		sorted[r] = logw[i]
	}
	fit := fitParetoTail(sorted)
	smoothed = slices.Clone(logw)
	largest := sorted[len(sorted)-1]
	for r := range fit.size {
		if math.IsNaN(fit.k) {
			break
		}
		p := (float64(r) + 0.5) / float64(fit.size)
		l := largest + math.Log(math.Exp(fit.cut-largest)+fit.quantile(p))
		smoothed[order[len(order)-fit.size+r]] = min(l, largest)
	}
	return smoothed, fit.k, nil
}

// paretoTail is a generalised Pareto distribution of shape k and scale sigma, in units of
// the largest weight, fitted to the size largest weights above exp(cut).
type paretoTail struct {
	size          int
	k, sigma, cut float64
}

// quantile returns σ((1-p)^{-k} - 1)/k.
func (t paretoTail) quantile(p float64) float64 {
	l := -math.Log1p(-p)
	if t.k == 0 {
		return t.sigma * l
	}
	return t.sigma * math.Expm1(t.k*l) / t.k
}

// fitParetoTail fits the tail of log-weights in ascending order, of which the last is
// finite. k is NaN if there are too few of them.
func fitParetoTail(sorted []float64) paretoTail {
	n := len(sorted)
	m := int(math.Ceil(min(float64(n)/5, 3*math.Sqrt(float64(n)))))
	largest := sorted[n-1]
	t := paretoTail{k: nan(), sigma: nan(), cut: largest - tailRange}
	if m < n {
		t.cut = max(t.cut, sorted[n-1-m])
	}
	excess := make([]float64, 0, m)
	for _, l := range sorted[n-min(m, n):] {
		if l > t.cut {
			// exp(l) - exp(cut) without cancellation.
			excess = append(excess, -math.Exp(l-largest)*math.Expm1(t.cut-l))
		}
	}
	t.size = len(excess)
	if t.size >= minTail {
		t.k, t.sigma = fitPareto(excess)
	}
	return t
}

// fitPareto returns shape and scale of the generalised Pareto distribution of ascending
// positive numbers after Zhang and Stephens: the posterior mean, over a grid of θ, of
// θ = -k/σ with the profile likelihood of k(θ) = ⟨log(1 - θx)⟩.
func fitPareto(x []float64) (k, sigma float64) {
	n := float64(len(x))
	grid := 30 + int(math.Sqrt(n))
	quartile, largest := x[int(n/4+0.5)-1], x[len(x)-1]
	theta, logL := make([]float64, grid), make([]float64, grid)
	best := math.Inf(-1)
	for j := range theta {
		theta[j] = 1/largest + (1-math.Sqrt(float64(grid)/(float64(j)+0.5)))/(3*quartile)
		s := shapeOf(theta[j], x)
		logL[j] = n * (math.Log(-theta[j]/s) - s - 1)
		best = max(best, logL[j])
	}
	mean, norm := 0.0, 0.0
	for j, l := range logL {
		w := math.Exp(l - best)
		mean += w * theta[j]
		norm += w
	}
	mean /= norm
	k = shapeOf(mean, x)
	sigma = -k / mean
	return (n*k + priorTail*priorK) / (n + priorTail), sigma
}

// shapeOf returns ⟨log(1 - θx)⟩.
func shapeOf(theta float64, x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += math.Log1p(-theta * v)
	}
	return s / float64(len(x))
}
