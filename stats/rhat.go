package stats

import (
	"fmt"
	"math"
	"slices"
)

// minDraws is the length of a chain from which its halves can be compared.
const minDraws = 8

// SplitRHat returns the potential scale reduction factor of Gelman and Rubin for
// chains split into halves,
//
//	R̂ = √( (n-1)/n + B/(n W) ),
//
// with W the mean variance within and B/n the variance between the means of the half
// chains of length n. It is 1 for chains that have forgotten their start; values above
// 1.01 (Vehtari et al. 2021) tell that they sample different distributions. A single
// chain is compared with itself. An odd length loses its middle entry.
//
// Chains must have the same length: an error otherwise. It returns [ErrEmpty],
// [ErrNotFinite], [ErrConstant] if all entries of all chains are the same, and a
// [*TooShortError] for fewer than 8 entries in a chain. R̂ is +Inf if a half of a chain
// never moves while something else does: it tells nothing about the width of the
// distribution, however well its place fits.
func SplitRHat(chains [][]float64) (float64, error) {
	halves, err := splitChains(chains)
	if err != nil {
		return nan(), err
	}
	return reduction(halves, scaleReduction)
}

// RankRHat returns the rank-normalised split-R̂ of Vehtari, Gelman, Simpson, Carpenter
// and Bürkner (Bayesian Analysis 16 (2021) 667, arXiv:1903.08008): the larger of
// [SplitRHat] on the normal scores of the ranks, which finds different locations even
// for heavy tails, and on those of the distances from the median, which finds different
// widths. Arguments and errors are those of [SplitRHat].
func RankRHat(chains [][]float64) (float64, error) {
	halves, err := splitChains(chains)
	if err != nil {
		return nan(), err
	}
	return reduction(halves, rankReduction)
}

// reduction returns R̂ by a function that needs halves that move.
func reduction(halves [][]float64, rhat func([][]float64) float64) (float64, error) {
	if constant(halves) {
		return nan(), ErrConstant
	}
	if len(moving(halves)) < len(halves) {
		return math.Inf(1), nil
	}
	return rhat(halves), nil
}

func rankReduction(halves [][]float64) float64 {
	bulk := scaleReduction(normalScores(halves))
	all := slices.Sorted(slices.Values(slices.Concat(halves...)))
	median := quantile(all, 0.5)
	folded := make([][]float64, len(halves))
	for k, h := range halves {
		folded[k] = make([]float64, len(h))
		for i, v := range h {
			// Halved so that the distance of the largest floats does not overflow.
			folded[k][i] = math.Abs(v/2 - median/2)
		}
	}
	// A series of two values symmetric about the median has no width to compare.
	if constant(folded) {
		return bulk
	}
	return max(bulk, scaleReduction(normalScores(folded)))
}

// BulkESS returns the effective number of independent draws for the bulk of the
// distribution: the rank-normalised split effective sample size of Vehtari et al.
// (2021), with Geyer's initial monotone sequence, from all chains together. Unlike
// [GammaMethod] it also counts the disagreement between chains and halves of chains.
// It is at most S log10(S) for S draws. A chain, or half of one, that never moves has an
// effective size of 0: it adds nothing to the size of the others, and takes away from it
// if it sits apart from them. Errors are those of [SplitRHat] except [ErrConstant].
func BulkESS(chains [][]float64) (float64, error) {
	halves, err := splitChains(chains)
	if err != nil {
		return nan(), err
	}
	return movingESS(halves, bulkESS), nil
}

func bulkESS(halves [][]float64) float64 { return chainESS(normalScores(halves)) }

// movingESS returns the size of all halves together, or if that is less the size of those
// that move: halves that never do reduce the variance within, and what is left of the
// variance decorrelates as if all of them moved.
func movingESS(halves [][]float64, ess func([][]float64) float64) float64 {
	active := moving(halves)
	switch len(active) {
	case 0:
		return 0
	case len(halves):
		return ess(halves)
	}
	return min(ess(halves), ess(active))
}

// moving returns the chains that are not constant.
func moving(chains [][]float64) [][]float64 {
	active := make([][]float64, 0, len(chains))
	for _, x := range chains {
		if !constant([][]float64{x}) {
			active = append(active, x)
		}
	}
	return active
}

// MeanESS is [BulkESS] without rank normalisation: the effective number of draws for
// the mean of the observable.
func MeanESS(chains [][]float64) (float64, error) {
	halves, err := splitChains(chains)
	if err != nil {
		return nan(), err
	}
	return movingESS(halves, chainESS), nil
}

// TailESS returns the smaller of the effective numbers of draws for the 5 % and the
// 95 % quantile (Vehtari et al. 2021). Arguments and errors are those of [BulkESS].
func TailESS(chains [][]float64) (float64, error) {
	halves, err := splitChains(chains)
	if err != nil {
		return nan(), err
	}
	return movingESS(halves, tailESS), nil
}

func tailESS(halves [][]float64) float64 {
	all := slices.Sorted(slices.Values(slices.Concat(halves...)))
	ess := math.Inf(1)
	for _, p := range []float64{0.05, 0.95} {
		q := quantile(all, p)
		below := make([][]float64, len(halves))
		for k, h := range halves {
			below[k] = make([]float64, len(h))
			for i, v := range h {
				if v <= q {
					below[k][i] = 1
				}
			}
		}
		// Every entry may lie on one side of a quantile of a discrete distribution.
		if !constant(below) {
			ess = min(ess, chainESS(below))
		}
	}
	if math.IsInf(ess, 1) {
		return chainESS(halves)
	}
	return ess
}

func splitChains(chains [][]float64) ([][]float64, error) {
	if len(chains) == 0 {
		return nil, ErrEmpty
	}
	n := len(chains[0])
	halves := make([][]float64, 0, 2*len(chains))
	for k, x := range chains {
		if err := checkSeries(x); err != nil {
			return nil, fmt.Errorf("%w (chain %d)", err, k)
		}
		if len(x) != n {
			return nil, fmt.Errorf("stats: expected chains of one length, got %d and %d", n, len(x))
		}
		halves = append(halves, x[:n/2], x[n-n/2:])
	}
	if n < minDraws {
		return nil, &TooShortError{What: "each chain of a convergence diagnostic", N: n, Need: minDraws, Estimate: undefined()}
	}
	return halves, nil
}

func constant(chains [][]float64) bool {
	for _, x := range chains {
		for _, v := range x {
			if v != chains[0][0] {
				return false
			}
		}
	}
	return true
}

// withinBetween returns the deviations of the chains from their own means, the mean
// variance within a chain, and the variance between the means, in a common unit.
func withinBetween(chains [][]float64) (dev [][]float64, within, between float64) {
	c := centre(chains...)
	m, n := float64(len(chains)), float64(len(chains[0]))
	for _, d := range c.dev {
		mean := average(d)
		if len(chains) > 1 {
			between += mean * mean / (m - 1)
		}
		if constant([][]float64{d}) {
			// Exactly zero, whatever the rounding of the mean.
			clear(d)
			continue
		}
		for i := range d {
			d[i] -= mean
		}
		within += sumSquares(d) / (n - 1) / m
	}
	return c.dev, within, between
}

func scaleReduction(chains [][]float64) float64 {
	_, within, between := withinBetween(chains)
	n := float64(len(chains[0]))
	return math.Sqrt((n-1)/n + between/within)
}

// chainESS returns the effective sample size of split chains of one length.
func chainESS(chains [][]float64) float64 {
	dev, within, between := withinBetween(chains)
	n := len(chains[0])
	total := float64(len(chains) * n)
	plus := within*float64(n-1)/float64(n) + between
	if plus == 0 {
		return 0
	}
	for upTo := directLags - 1; ; upTo = 16*upTo + 15 {
		upTo = min(upTo, n-1)
		cov := covariances(dev, upTo)
		// ρ(t) counts what the means of the chains differ by as correlation.
		rho := func(t int) float64 {
			return 1 - (within-cov[t]*float64(n-t)/float64(n))/plus
		}
		// Geyer: sums of pairs are positive and fall monotonically for a reversible
		// chain; they end where the estimate ceases to do so. Of that last pair the
		// even lag enters once, which helps anticorrelated chains.
		tau, previous := -1.0, math.Inf(1)
		for t := 0; t+1 <= upTo; t += 2 {
			even := rho(t)
			if t == 0 {
				even = 1
			}
			pair := even + rho(t+1)
			if !(pair > 0) {
				tau += max(even, 0)
				return total / max(tau, 1/math.Log10(total))
			}
			previous = min(previous, pair)
			tau += 2 * previous
		}
		if upTo == n-1 {
			return total / max(tau, 1/math.Log10(total))
		}
	}
}

// normalScores replaces every entry by Φ⁻¹((r - 3/8)/(S + 1/4)), r being its rank
// among all S entries, averaged over ties.
func normalScores(chains [][]float64) [][]float64 {
	type entry struct {
		v    float64
		k, i int
	}
	var all []entry
	for k, x := range chains {
		for i, v := range x {
			all = append(all, entry{v, k, i})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		switch {
		case a.v < b.v:
			return -1
		case a.v > b.v:
			return 1
		}
		return 0
	})
	z := make([][]float64, len(chains))
	for k := range z {
		z[k] = make([]float64, len(chains[k]))
	}
	for lo := 0; lo < len(all); {
		hi := lo + 1
		for hi < len(all) && all[hi].v == all[lo].v {
			hi++
		}
		rank := float64(lo+1+hi) / 2
		score := math.Sqrt2 * math.Erfinv(2*(rank-0.375)/(float64(len(all))+0.25)-1)
		for _, e := range all[lo:hi] {
			z[e.k][e.i] = score
		}
		lo = hi
	}
	return z
}
