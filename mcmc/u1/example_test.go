package u1_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/u1"
)

// An ensemble of a coupling at which local algorithms never change the charge.
func Example() {
	lat, err := lattice.New(8, 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	action, err := gauge.NewWilson(lat, 7)
	if err != nil {
		fmt.Println(err)
		return
	}
	torus, err := gauge.NewTorus(lat)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := mcmc.Generate(context.Background(), mcmc.EnsembleConfig{Action: action, N: 2000, Thin: 2, Thermalisation: 200, Seed: 1},
		func(int) (mcmc.Kernel, error) { return u1.Recommended(action) })
	if err != nil {
		fmt.Println(err)
		return
	}
	q2 := 0.0
	for _, q := range r.Ensemble.Measure(nil, func(links []float64) float64 { return float64(torus.Charge(links)) }) {
		q2 += q * q / 2000
	}
	exact, err := gauge.NewExact(action.Weight(), 8, 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("⟨Q²⟩ = %.1f, exact %.4f\n", q2, exact.Q2())
	// Output:
	// ⟨Q²⟩ = 0.2, exact 0.2171
}

// Independent configurations, with their exact density.
func ExampleExact() {
	lat, err := lattice.New(16, 16)
	if err != nil {
		fmt.Println(err)
		return
	}
	action, err := gauge.NewWilson(lat, 7)
	if err != nil {
		fmt.Println(err)
		return
	}
	sampler, err := u1.NewExact(action)
	if err != nil {
		fmt.Println(err)
		return
	}
	rng := rand.New(rand.NewPCG(1, 1))
	links := make([]float64, action.Layout().Size())
	sum := 0.0
	for range 1000 {
		if err := sampler.Draw(rng, links); err != nil {
			fmt.Println(err)
			return
		}
		sum += action.MeanPlaquette(links) / 1000
	}
	fmt.Printf("⟨cos θ⟩ = %.2f\n", sum)
	// Output:
	// ⟨cos θ⟩ = 0.93
}
