package hmc_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
)

func Example() {
	lat, err := lattice.New(16, 16)
	if err != nil {
		fmt.Println(err)
		return
	}
	action, err := lattice.NewPhi4(lat, 0.21, 0.022)
	if err != nil {
		fmt.Println(err)
		return
	}
	kernel, err := hmc.New(action, hmc.Config{Integrator: hmc.Omelyan, Flip: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	rng := rand.New(rand.NewPCG(1, 2))
	phi := make([]float64, lat.Volume())
	if err := kernel.Tune(context.Background(), rng, phi, 500, 0.9); err != nil {
		fmt.Println(err)
		return
	}

	const n = 4000
	var accept, s float64
	for range n {
		info, err := kernel.Step(context.Background(), rng, phi)
		if err != nil {
			fmt.Println(err)
			return
		}
		accept += info.AcceptProb / n
		s += action.Value(phi) / float64(lat.Volume()) / n
	}
	fmt.Printf("acceptance above 0.85: %v\n", accept > 0.85)
	fmt.Printf("S/V = %.2f\n", s)
	// Output:
	// acceptance above 0.85: true
	// S/V = 0.48
}
