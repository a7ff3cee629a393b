package hollow_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/lattice"
)

// A model around a hollow network starts as the exact score of a Gaussian. Its flow
// needs no probes for the density: the only error is that of the finite step.
func ExampleNetwork() {
	backend, err := gobackend.New("ops_sequential")
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
	m, err := diffusion.NewModel(lat, network, diffusion.ModelConfig{Spectrum: spectrum})
	if err != nil {
		panic(err)
	}
	f, err := flow.New(backend, m, flow.Config{Steps: 2, SigmaMin: 1e-4, Batch: 2})
	if err != nil {
		panic(err)
	}
	s, err := f.Sample(context.Background(), 2)
	if err != nil {
		panic(err)
	}
	for i := range 2 {
		fmt.Printf("log w = %.2f ± %v\n", -action.Value(s.Ensemble.Config(i))-s.LogQ[i], s.ProbeError[i])
	}
	// Output:
	// log w = 39.88 ± 0
	// log w = 39.88 ± 0
}
