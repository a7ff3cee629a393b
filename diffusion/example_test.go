package diffusion_test

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/lattice"
)

// Sampling the free field with its exact score: the ancestral sampler is exact for a
// Gaussian theory in any number of steps.
func ExampleSampler() {
	device, err := backend.Open("go")
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
	sampler, err := diffusion.NewSampler(device, m, diffusion.SamplerConfig{Levels: diffusion.LogSigma(10, 0.01, 5)})
	if err != nil {
		panic(err)
	}
	ens, err := sampler.Sample(context.Background(), 20000, 1)
	if err != nil {
		panic(err)
	}
	mean := 0.0
	for _, phi := range ens.All() {
		mean += action.Value(phi) / float64(ens.Len())
	}
	fmt.Printf("⟨S⟩ = %.0f, equipartition V/2 = %.0f\n", mean, float64(lat.Volume())/2)
	// Output:
	// ⟨S⟩ = 32, equipartition V/2 = 32
}
