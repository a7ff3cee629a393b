package mcmc

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestMetropolisDraws checks the exponential variate by χ² over bins of equal
// probability and over the tail, the shift by χ², and that the two are independent.
func TestMetropolisDraws(t *testing.T) {
	const n, bins = 1 << 21, 256
	rng := rand.New(rand.NewPCG(17, 4))
	draws := make([][2]float64, n)
	drawMetropolis(rng, draws)
	var exponential, shift, joint [bins]float64
	// Beyond the last layer there are only n e^{-7.7} ≈ 950 values: bins of width ½,
	// the last one open.
	var tail [4]float64
	for _, d := range draws {
		if d[1] <= 0 || math.Abs(d[0]) >= 1 {
			t.Fatalf("draw out of range: %+v", d)
		}
		e := min(int(bins*-math.Expm1(-d[1])), bins-1)
		s := int(bins / 2 * (d[0] + 1))
		exponential[e]++
		shift[s]++
		joint[e/16*16+s/16]++
		if d[1] > zigTail {
			tail[min(int(2*(d[1]-zigTail)), 3)]++
		}
	}
	for name, counts := range map[string][bins]float64{"exponential": exponential, "shift": shift, "joint": joint} {
		chi2 := 0.0
		for _, c := range counts {
			chi2 += (c - n/bins) * (c - n/bins) / (n / bins)
		}
		// χ² with 255 degrees of freedom.
		if z := (chi2 - (bins - 1)) / math.Sqrt(2*(bins-1)); math.Abs(z) > 5 {
			t.Errorf("%s: χ² = %v for %d bins (%.1f standard deviations)", name, chi2, bins, z)
		}
	}
	left := n * math.Exp(-zigTail)
	for i, c := range tail {
		want := left * (1 - math.Exp(-0.5))
		if i == len(tail)-1 {
			want = left
		}
		left -= want
		if math.Abs(c-want) > 5*math.Sqrt(want) {
			t.Errorf("tail bin %d: expected %.0f, got %v", i, want, c)
		}
	}
}
