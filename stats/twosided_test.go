package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/stats"
)

// Gaussian log-weights: the two sides differ by the variance, and the effective sample size
// is e^{-s²} from either.
func TestCompareLogWeightsGaussian(t *testing.T) {
	for _, s := range []float64{0.05, 0.3, 0.8} {
		const n, m = 20000, 5000
		rng := rand.New(rand.NewPCG(1, uint64(1000*s)))
		q, p := make([]float64, n), make([]float64, m)
		for i := range q {
			q[i] = 7 - s*s/2 + s*rng.NormFloat64()
		}
		for i := range p {
			p[i] = 7 + s*s/2 + s*rng.NormFloat64()
		}
		c, err := stats.CompareLogWeights(q, p)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(c.Shift.Pull(s*s)) > 5 || math.Abs(c.SDDrawn.Pull(s)) > 5 || math.Abs(c.SDTheory.Pull(s)) > 5 {
			t.Errorf("s = %v: %+v", s, c)
		}
		// The error of a standard deviation of Gaussian numbers is s/√(2n).
		if want := s / math.Sqrt(2*n); math.Abs(c.SDDrawn.Error/want-1) > 0.2 {
			t.Errorf("s = %v: error of the standard deviation %v, want %v", s, c.SDDrawn.Error, want)
		}
		// 1/(⟨w⟩⟨1/w⟩) of m log-normal numbers has the relative error √(2(cosh s² - 1)/m).
		if bound := 5 * math.Sqrt(2*(math.Cosh(s*s)-1)/m+1e-6); math.Abs(c.ESSTheory/math.Exp(-s*s)-1) > bound {
			t.Errorf("s = %v: ESS %v, want %v", s, c.ESSTheory, math.Exp(-s*s))
		}
		if err := c.Check(); err != nil {
			t.Errorf("s = %v: a model that covers the theory raises the alarm: %v", s, err)
		}
		// One configuration in twenty where q hardly goes.
		for i := range m / 20 {
			p[i] += 10
		}
		if c, err = stats.CompareLogWeights(q, p); err != nil || c.Check() == nil || c.Largest < 5 {
			t.Errorf("s = %v: a hole of q is not seen: %+v, %v", s, c, err)
		}
		// A single configuration there.
		for i := range m / 20 {
			p[i] -= 10
		}
		p[0] += 12
		if c, err = stats.CompareLogWeights(q, p); err != nil || c.Check() == nil {
			t.Errorf("s = %v: a configuration that q hardly draws is not seen: %+v, %v", s, c, err)
		}
	}
}

func TestCompareLogWeightsErrors(t *testing.T) {
	good := []float64{1, 2, 3}
	for _, bad := range [][]float64{nil, {1}, {1, math.NaN()}, {1, math.Inf(-1)}} {
		if _, err := stats.CompareLogWeights(good, bad); err == nil {
			t.Errorf("%v accepted", bad)
		}
		if _, err := stats.CompareLogWeights(bad, good); err == nil {
			t.Errorf("%v accepted", bad)
		}
	}
	if c, err := stats.CompareLogWeights([]float64{3, 3}, []float64{3, 3}); err != nil || c.ESSTheory != 1 || c.Check() != nil {
		t.Errorf("an exact model: %+v, %v", c, err)
	}
}
