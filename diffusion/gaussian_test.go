package diffusion_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// The score of the free field at σ → 0 is the drift of its action, and its divergence
// is minus the trace of the Hessian.
func TestGaussianScoreIsDrift(t *testing.T) {
	for _, dims := range [][]int{{6}, {4, 6}, {2, 3, 4}} {
		kappa := 0.4 / float64(2*len(dims))
		m, _ := freeField(kappa, dims...)
		action := must(lattice.NewFreeField(m.Layout().Lattice, kappa))
		phi := make([]float64, m.Layout().Size())
		for x := range phi {
			phi[x] = math.Sin(1.7*float64(x)) + 0.3
		}
		const sigma = 1e-5
		got, want := score(t, m, sigma, phi), action.Drift(nil, phi)
		for x := range want {
			// The score at σ differs from that at 0 by terms of order σ²K.
			if d := math.Abs(got[x] - want[x]); d > 1e-8 {
				t.Fatalf("%v: score %v, drift %v at site %d", dims, got[x], want[x], x)
			}
		}
	}
}

func TestGaussianErrors(t *testing.T) {
	lat := must(lattice.New(4, 4))
	flat := func(v float64) []float64 {
		c := make([]float64, 16)
		for i := range c {
			c[i] = v
		}
		return c
	}
	uneven := flat(1)
	uneven[1] = 2
	for name, c := range map[string][]float64{"short": flat(1)[:15], "negative": flat(-1), "zero": flat(0), "NaN": flat(math.NaN()), "infinite": flat(math.Inf(1)), "not even": uneven} {
		if _, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: c}); err == nil {
			t.Errorf("a spectrum that is %s was accepted", name)
		}
	}
	if _, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(nil), Spectrum: flat(1)}); err == nil {
		t.Error("a nil lattice was accepted")
	}
}
