package diffusion_test

import (
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// The shares of a draw by the reverse process are the whole draw.
func TestSampleShare(t *testing.T) {
	lat := must(lattice.New(4, 4))
	action := must(lattice.NewFreeField(lat, 0.2))
	m := must(diffusion.NewGaussian(diffusion.ModelConfig{Layout: action.Layout(), Spectrum: must(action.FreeSpectrum(nil))}))
	s := must(diffusion.NewSampler(backendtest.Open(), m, diffusion.SamplerConfig{Steps: 4, Batch: 8}))
	const n, seed = 35, 3 // five chunks, the last of three
	want, err := s.Sample(t.Context(), n, seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, shares := range []int{1, 2, 5} {
		var got []float64
		for share := range shares {
			part, first, err := s.SampleShare(t.Context(), n, share, shares, seed)
			if err != nil {
				t.Fatal(err)
			}
			if first != len(got)/lat.Volume() {
				t.Errorf("share %d of %d begins at %d", share, shares, first)
			}
			got = append(got, part.Data...)
		}
		if !slices.Equal(got, want.Data) {
			t.Errorf("%d shares give other draws than one", shares)
		}
	}
	for _, bad := range [][3]int{{n, 0, 6}, {n, 2, 2}, {n, -1, 2}, {n, 0, 0}, {0, 0, 1}, {-1, 0, 1}} {
		if _, _, err := s.SampleShare(t.Context(), bad[0], bad[1], bad[2], seed); err == nil {
			t.Errorf("share %d of %d of %d draws: accepted", bad[1], bad[2], bad[0])
		}
	}
}
