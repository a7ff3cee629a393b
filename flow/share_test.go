package flow_test

import (
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/lattice"
)

// The shares of a draw, also of an estimated divergence with its probes, are the whole draw.
func TestSampleShare(t *testing.T) {
	hollow := randomHollow(t, 4, 4)
	action, err := lattice.NewFreeField(hollow.Layout().Lattice, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]diffusion.ScoreModel{"known": hollow, "probing": randomUNet(t, 4, 4)} {
		f := newFlow(t, m, flow.Config{Batch: 8, Steps: 4})
		const n, seed = 35, 3 // five chunks, the last of three
		want, err := f.Sample(t.Context(), n, seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, shares := range []int{1, 2, 5} {
			var parts []*lattice.Ensemble
			for s := range shares {
				part, err := f.SampleShare(t.Context(), n, s, shares, seed)
				if err != nil {
					t.Fatal(err)
				}
				part.Annotate(action, part.Ensemble)
				parts = append(parts, part.Ensemble)
			}
			got, err := lattice.Join(action, parts...)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Data, want.Ensemble.Data) || !slices.Equal(got.Extra["logq"], want.LogQ) || !slices.Equal(got.Extra["logq_error"], want.ProbeError) {
				t.Errorf("%s: %d shares give other draws than one", name, shares)
			}
		}
		whole := want.Ensemble
		density, err := f.LogProb(t.Context(), whole, seed)
		if err != nil {
			t.Fatal(err)
		}
		part, err := f.LogProbShare(t.Context(), whole.Slice(16, n), 16, seed)
		if err != nil || !slices.Equal(part.LogQ, density.LogQ[16:]) || !slices.Equal(part.ProbeError, density.ProbeError[16:]) {
			t.Errorf("%s: a share has other densities, %v", name, err)
		}
		for _, first := range []int{-8, 4} {
			if _, err := f.LogProbShare(t.Context(), whole, first, seed); err == nil {
				t.Errorf("a share from %d on was accepted", first)
			}
		}
		for _, bad := range [][3]int{{n, 0, 6}, {n, 2, 2}, {n, -1, 2}, {n, 0, 0}, {0, 0, 1}, {-1, 0, 1}} {
			if _, err := f.SampleShare(t.Context(), bad[0], bad[1], bad[2], seed); err == nil {
				t.Errorf("share %d of %d of %d draws: accepted", bad[1], bad[2], bad[0])
			}
		}
	}
}
