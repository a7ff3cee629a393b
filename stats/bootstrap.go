package stats

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// BootstrapConfig holds the options of the bootstrap.
type BootstrapConfig struct {
	// Samples is the number of resamplings; 0 means 1000.
	Samples int
	// BlockLength is the length of the contiguous blocks that are drawn, 1 for
	// independent samples. 0 means the automatic length of [Jackknife] where the
	// series is known, and 1 in [BootstrapFunc]. With the automatic length what the blocks
	// miss of the autocorrelations is put back into the error as there, and the 1/B of the
	// squared error that the resampling of B blocks loses; the replicates stay as they are.
	BlockLength int
	// Seed selects the random index sets. Set number k depends on Seed, k, the
	// length of the series and the length of the blocks only.
	Seed uint64
}

// BootstrapResult is a bootstrap estimate with its replicates.
type BootstrapResult struct {
	// Estimate is the estimator on the whole sample, with the standard deviation of
	// the replicates as its error.
	Estimate
	// Bias is the mean of the replicates minus Value, which is not subtracted.
	Bias float64
	// Samples are the replicates, in the order of the index sets.
	Samples []float64
}

// Interval returns the central percentile interval that holds the fraction level of
// the replicates, 0.683 for one standard deviation; NaN unless 0 < level < 1.
func (r BootstrapResult) Interval(level float64) (lo, hi float64) {
	if !(level > 0 && level < 1) || len(r.Samples) == 0 {
		return nan(), nan()
	}
	s := slices.Sorted(slices.Values(r.Samples))
	return quantile(s, (1-level)/2), quantile(s, (1+level)/2)
}

// Bootstrap returns a derived quantity f of the means of primary observables, as
// [Jackknife] does, with its error by the circular block bootstrap (Politis, Romano
// 1992): as many blocks as cover the series are drawn with replacement, their first
// entries uniform over the series, which is closed to a ring. The means of f's
// argument are reused between calls and must not be kept.
//
// It returns [ErrEmpty], [ErrNotFinite] (also when f returns NaN or infinity), an error
// for columns of different lengths, for fewer than 2 samples, and unless the blocks
// are at most as long as the series; a [*TooShortError] with the result as in
// [Jackknife].
func Bootstrap(cols [][]float64, cfg BootstrapConfig, f func(means []float64) float64) (BootstrapResult, error) {
	n, err := checkColumns(cols)
	if err != nil {
		return undefinedBootstrap(), err
	}
	need, widen := 2, 1.0
	if cfg.BlockLength == 0 {
		blocks, enough, missed := automaticBlocks(n, cols...)
		cfg.BlockLength = (n + blocks - 1) / blocks
		need = enough
		if blocks > 1 {
			widen = 1 / math.Sqrt((1-missed)*(1-1/float64(blocks)))
		}
	}
	c := make([]centred, len(cols))
	means := make([]float64, len(cols))
	// prefix[k][i] is the sum of the first i deviations along the ring.
	prefix := make([][]float64, len(cols))
	for k, x := range cols {
		c[k] = centre(x)
		means[k] = c[k].mean
		p := make([]float64, n+cfg.BlockLength+1)
		for i := range n + cfg.BlockLength {
			p[i+1] = p[i] + c[k].dev[0][i%n]
		}
		prefix[k] = p
	}
	r, err := bootstrap(n, cfg, f(means), func(blocks blockSet) float64 {
		for k := range means {
			s := 0.0
			for start, length := range blocks.all {
				s += prefix[k][start+length] - prefix[k][start]
			}
			means[k] = c[k].mean + c[k].scale*s/float64(n)
		}
		return f(means)
	})
	r.Error *= widen
	if err == nil && n < need {
		err = &TooShortError{What: "a bootstrap error", N: n, Need: need, Estimate: r.Estimate}
	}
	return r, err
}

// BootstrapFunc returns the value and the circular block bootstrap error of any
// estimator on n samples. f receives n indices, with repetitions; the slice is reused
// between calls and must not be kept. The errors are those of [Bootstrap].
func BootstrapFunc(n int, cfg BootstrapConfig, f func(idx []int) float64) (BootstrapResult, error) {
	if n < 1 {
		return undefinedBootstrap(), ErrEmpty
	}
	if cfg.BlockLength == 0 {
		cfg.BlockLength = 1
	}
	idx := make([]int, n)
	for i := range idx {
		idx[i] = i
	}
	return bootstrap(n, cfg, f(idx), func(blocks blockSet) float64 {
		return f(blocks.indices(idx))
	})
}

// BootstrapIndices writes the index set number k that [Bootstrap] and [BootstrapFunc]
// use for n samples into dst and returns it: the same for every observable, so that
// replicates of different observables are correlated as the observables are. A nil
// dst is allocated; otherwise it must have n elements. BlockLength 0 means 1 here.
// It returns an error unless 1 ≤ BlockLength ≤ n.
func BootstrapIndices(dst []int, n, k int, cfg BootstrapConfig) ([]int, error) {
	if n < 1 {
		return nil, ErrEmpty
	}
	if cfg.BlockLength == 0 {
		cfg.BlockLength = 1
	}
	if err := cfg.check(n); err != nil {
		return nil, err
	}
	if dst == nil {
		dst = make([]int, n)
	}
	if len(dst) != n {
		panic("stats: destination length does not match the number of samples")
	}
	return blockSet{n, cfg.BlockLength, uint64(k), cfg.Seed}.indices(dst), nil
}

func (cfg BootstrapConfig) check(n int) error {
	if cfg.BlockLength < 1 {
		return fmt.Errorf("stats: expected a bootstrap block length of at least 1, or 0 for the default, got %d", cfg.BlockLength)
	}
	if cfg.BlockLength > n {
		return fmt.Errorf("stats: expected at least %d samples for bootstrap blocks of that length, got %d: "+
			"take more of them, or shorter blocks", cfg.BlockLength, n)
	}
	if cfg.Samples < 0 || cfg.Samples == 1 {
		return fmt.Errorf("stats: expected at least 2 bootstrap samples, got %d", cfg.Samples)
	}
	return nil
}

func undefinedBootstrap() BootstrapResult {
	return BootstrapResult{Estimate: undefined(), Bias: nan()}
}

func bootstrap(n int, cfg BootstrapConfig, value float64, resampled func(blockSet) float64) (BootstrapResult, error) {
	r := undefinedBootstrap()
	if err := cfg.check(n); err != nil {
		return r, err
	}
	if !finite(value) {
		return r, fmt.Errorf("%w from the estimator, got %v", ErrNotFinite, value)
	}
	r.Value = value
	if n < 2 {
		return r, &TooShortError{What: "a bootstrap error", N: n, Need: minSamples, Estimate: r.Estimate}
	}
	if cfg.Samples == 0 {
		cfg.Samples = 1000
	}
	r.Samples = make([]float64, cfg.Samples)
	for k := range r.Samples {
		v := resampled(blockSet{n, cfg.BlockLength, uint64(k), cfg.Seed})
		if !finite(v) {
			return undefinedBootstrap(), fmt.Errorf("%w from the estimator, got %v in bootstrap sample %d", ErrNotFinite, v, k)
		}
		r.Samples[k] = v
	}
	c := centre(r.Samples)
	r.Bias = c.mean - value
	r.Error = c.scale * math.Sqrt(sumSquares(c.dev[0])/float64(cfg.Samples-1))
	return r, nil
}

// blockSet is one resampling: blocks drawn from a ring of n samples.
type blockSet struct {
	n, length int
	k, seed   uint64
}

// all iterates over the first index and the length of the blocks; the last one is
// cut so that the lengths add up to n.
func (b blockSet) all(yield func(start, length int) bool) {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[0:], b.seed)
	binary.LittleEndian.PutUint64(key[8:], b.k)
	rng := rand.New(rand.NewChaCha8(key))
	for left := b.n; left > 0; left -= b.length {
		if !yield(rng.IntN(b.n), min(b.length, left)) {
			return
		}
	}
}

func (b blockSet) indices(dst []int) []int {
	i := 0
	for start, length := range b.all {
		for j := range length {
			dst[i] = (start + j) % b.n
			i++
		}
	}
	return dst
}

// quantile interpolates linearly between the order statistics of a sorted series.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + (at-float64(i))*(sorted[j]-sorted[i])
}
