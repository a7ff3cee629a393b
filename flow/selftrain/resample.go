package selftrain

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// clipped returns log-weights of at most clip times their mean.
func clipped(logw []float64, clip float64) []float64 {
	bound := floats.LogSumExp(logw) - math.Log(float64(len(logw))) + math.Log(clip)
	out := make([]float64, len(logw))
	for i, l := range logw {
		out[i] = min(l, bound)
	}
	return out
}

// resampled returns as many configurations, drawn with their weights, in the order of their
// magnetisation. Systematic resampling of sorted draws leaves the least noise in what
// depends on it, which is where weights vary most.
func resampled(rng *rand.Rand, ens *lattice.Ensemble, logw []float64) (*lattice.Ensemble, error) {
	order, m := make([]int, ens.Len()), ens.Measure(nil, ens.AbsMagnetization)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case m[i] < m[j]:
			return -1
		case m[i] > m[j]:
			return 1
		}
		return 0
	})
	sorted := make([]float64, len(order))
	for i, from := range order {
		sorted[i] = logw[from]
	}
	index, err := stats.Resample(rng, sorted, len(order))
	if err != nil {
		return nil, err
	}
	out := lattice.NewEnsemble(ens.Layout, len(index))
	for _, i := range index {
		out.Append(ens.Config(order[i]))
	}
	return out, nil
}

// thinned returns n configurations, taken evenly.
func thinned(ens *lattice.Ensemble, n int) *lattice.Ensemble {
	out := lattice.NewEnsemble(ens.Layout, n)
	for i := range n {
		out.Append(ens.Config(i * ens.Len() / n))
	}
	return out
}
