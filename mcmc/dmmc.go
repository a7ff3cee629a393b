package mcmc

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/latdiff/latdiff/stats"
)

// DMMCResult is a run of the independence sampler on precomputed log-weights.
type DMMCResult struct {
	// Index[t] is the proposal that the chain sits on at time t. It starts at the
	// first proposal of finite weight, so that an observable O of the proposals has
	// the Markov-chain series O[Index[t]].
	Index []int
	// Accepted is the number of accepted proposals of the len(Index)-1 made.
	Accepted int
	// Acceptance is the observed acceptance rate, NaN if no proposal was made.
	// Weights.Acceptance is what the weights predict.
	Acceptance float64
	// LongestRejection is the largest number of rejections in a row. Weights that
	// are much too large show here first.
	LongestRejection int
	// NonFinite is the number of proposals without a finite weight.
	NonFinite int
	// Weights describes the log-weights: ESS, predicted acceptance, log Z. Entries
	// that are not finite count as zero weight.
	Weights stats.LogWeights
}

// DMMC runs the independence sampler (4.13) over proposals with the log-weights
// logw, log w = -S - log q, in their order and each once: proposal j replaces state
// i with the probability min(1, w_j/w_i). Entries that are not finite are rejected
// and counted. It returns an error if no entry is finite.
func DMMC(rng *rand.Rand, logw []float64) (DMMCResult, error) {
	var r DMMCResult
	for i, w := range logw {
		e := rng.ExpFloat64()
		if !finite(w) {
			r.NonFinite++
		}
		if len(r.Index) == 0 {
			if finite(w) {
				r.Index = append(make([]int, 0, len(logw)-i), i)
			}
			continue
		}
		last := r.Index[len(r.Index)-1]
		if finite(w) && logw[last]-w < e {
			last = i
			r.Accepted++
		}
		r.Index = append(r.Index, last)
		r.LongestRejection = max(r.LongestRejection, i-last)
	}
	if len(r.Index) == 0 {
		return r, fmt.Errorf("mcmc: expected at least one finite log-weight, got none of %d", len(logw))
	}
	r.Acceptance = math.NaN()
	if n := len(r.Index) - 1; n > 0 {
		r.Acceptance = float64(r.Accepted) / float64(n)
	}
	clean := slices.Clone(logw)
	for i, w := range clean {
		if !finite(w) {
			clean[i] = math.Inf(-1)
		}
	}
	var err error
	r.Weights, err = stats.LogWeightStats(clean)
	var short *stats.TooShortError
	if err != nil && !errors.As(err, &short) {
		return r, fmt.Errorf("mcmc: log-weights of the proposals: %w", err)
	}
	return r, nil
}
