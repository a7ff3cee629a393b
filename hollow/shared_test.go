package hollow_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
)

// One noise level for all samples gives what the same level for each of them gives.
func TestSharedNoiseLevel(t *testing.T) {
	for _, dims := range [][]int{{6}, {4, 6}, {3, 1, 2}, {17, 18}} {
		for _, order := range []float64{0, 3} {
			m := randomModel(t, small, order, dims...)
			for _, lm := range []diffusion.LinearModel{m, must(diffusion.NewMixture(m.Lattice(), m.Spectrum(), 3))} {
				const batch = 5
				data := normals(rand.New(rand.NewPCG(4, 5)), batch*m.Lattice().Volume())
				r, div := evaluate(t, lm, data, []float64{0.6})
				want, wantDiv := evaluate(t, lm, data, slices.Repeat([]float64{0.6}, batch))
				if d := maxDifference(r, want); len(r) != len(data) || !(d < 1e-12*(1+largest(want))) {
					t.Errorf("%v, order %v: the field differs by %v", dims, order, d)
				}
				if d := maxDifference(div, wantDiv); len(div) != batch || !(d < 1e-12*(1+largest(wantDiv))) {
					t.Errorf("%v, order %v: the divergence differs by %v", dims, order, d)
				}
			}
		}
	}
}

func largest(x []float64) float64 { return maxDifference(x, make([]float64, len(x))) }
