package mcmc_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// An equilibrated ensemble near the critical point, by the recommended kernel of φ⁴.
func ExampleGenerate() {
	lat, _ := lattice.New(8, 8)
	action, _ := lattice.NewPhi4(lat, 0.27, 0.022)
	result, err := mcmc.Generate(context.Background(), mcmc.EnsembleConfig{
		Action: action, N: 480, Seed: 1,
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	m, _ := stats.Mean(result.Ensemble.Measure(nil, lattice.AbsMagnetization))
	fmt.Printf("%d configurations, |M| = %.1f\n", result.Ensemble.Len(), m.Value)
	check, _ := result.ThermalisationCheck()
	for _, c := range check {
		fmt.Printf("%s of hot and cold starts agree: %t\n", c.Name, c.Z*c.Z < 16)
	}
	// Output:
	// 480 configurations, |M| = 0.9
	// |M| of hot and cold starts agree: true
	// M² of hot and cold starts agree: true
	// S/V of hot and cold starts agree: true
}

// The independence sampler corrects the proposals of an approximate model.
func ExampleDMMC() {
	rng := rand.New(rand.NewPCG(1, 2))
	logw := make([]float64, 100000)
	for i := range logw {
		logw[i] = 0.5 * rng.NormFloat64()
	}
	r, err := mcmc.DMMC(rng, logw)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("acceptance %.2f, predicted %.2f, ESS %.2f\n",
		r.Acceptance, r.Weights.Acceptance.Value, r.Weights.ESS.Value)
	// Output:
	// acceptance 0.72, predicted 0.72, ESS 0.78
}
