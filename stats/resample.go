package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Resample draws n indices of weighted samples with the probabilities w_i/Σw, so that the
// samples at these indices follow p without weights, where w = p/q up to a constant and
// logw holds the logarithms, -Inf for a weight that vanishes. It is systematic resampling
// (Kitagawa, J. Comp. Graph. Stat. 5 (1996) 1; Douc, Cappé, Moulines, cs/0507025): n points
// at equal distances on the cumulated weights, with a common random offset. Index i comes
// n w_i/Σw times on average, and never differs from that by one or more, so that nothing is
// added to the fluctuations of the weights beyond rounding to whole numbers.
//
// The indices ascend; equal ones are neighbours. They carry no more information than
// [LogWeightESS] tells, however large n is: an error of a mean over them must come from
// the weights, see [Reweight]. It returns [ErrEmpty], [ErrNotFinite], [ErrZeroWeight], and
// an error for n < 1.
func Resample(rng *rand.Rand, logw []float64, n int) ([]int, error) {
	largest, err := checkLogWeights(logw)
	if err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, fmt.Errorf("stats: expected at least one index to draw, got %d", n)
	}
	total, last := 0.0, 0
	for i, l := range logw {
		if w := math.Exp(l - largest); w > 0 {
			total += w
			last = i
		}
	}
	idx := make([]int, n)
	offset, step := rng.Float64(), total/float64(n)
	at, below := 0, math.Exp(logw[0]-largest)
	for k := range idx {
		point := (float64(k) + offset) * step
		// The rounding of the last point must not lead beyond the last weight.
		for below <= point && at < last {
			at++
			below += math.Exp(logw[at] - largest)
		}
		idx[k] = at
	}
	return idx, nil
}
