package hollow_test

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/lattice"
)

// A model around a hollow network starts as the exact score of a Gaussian. Its flow
// needs no probes for the density: the only error is that of the finite step.
func ExampleNetwork() {
	b, err := backend.Open("go")
	if err != nil {
		panic(err)
	}
	lat, err := lattice.New(8, 8)
	if err != nil {
		panic(err)
	}
	action, err := lattice.NewFreeField(lat, 0.2)
	if err != nil {
		panic(err)
	}
	spectrum, err := action.FreeSpectrum(nil)
	if err != nil {
		panic(err)
	}
	network, err := hollow.New(hollow.Config{})
	if err != nil {
		panic(err)
	}
	m, err := diffusion.NewModel(b, network, diffusion.ModelConfig{Layout: action.Layout(), Spectrum: spectrum})
	if err != nil {
		panic(err)
	}
	f, err := flow.New(b, m, flow.Config{Steps: 2, SigmaMin: 1e-4, Batch: 2})
	if err != nil {
		panic(err)
	}
	s, err := f.Sample(context.Background(), 2, 1)
	if err != nil {
		panic(err)
	}
	logw, err := s.LogWeights(action)
	if err != nil {
		panic(err)
	}
	for i, w := range logw {
		fmt.Printf("log w = %.2f ± %v\n", w, s.ProbeError[i])
	}
	// Output:
	// log w = 39.88 ± 0
	// log w = 39.88 ± 0
}
