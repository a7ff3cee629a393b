package flow_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/lattice"
)

// For a free field the flow of the exact score is the exact sampler: log w = -S - log q
// is then the same number, log Z, for every configuration; the density is that of the field
// perturbed by σ_min, too little to see. log Z = ½ Σ_k log 2πC_k = 39.88.
func ExampleProbabilityFlow_Sample() {
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
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: spectrum})
	if err != nil {
		panic(err)
	}
	f, err := flow.New(backend, m, flow.Config{Steps: 2, SigmaMin: 1e-4})
	if err != nil {
		panic(err)
	}
	s, err := f.Sample(context.Background(), 3, 1)
	if err != nil {
		panic(err)
	}
	for i := range 3 {
		fmt.Printf("log w = %.2f\n", -action.Value(s.Ensemble.Config(i))-s.LogQ[i])
	}
	// Output:
	// log w = 39.88
	// log w = 39.88
	// log w = 39.88
}
