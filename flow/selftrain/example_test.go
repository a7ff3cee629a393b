package selftrain_test

import (
	"context"
	"fmt"
	"log"

	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/flow/selftrain"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// From the action to proposals of an exact chain, without a configuration to train on.
func ExampleRun() {
	lat, err := lattice.New(4)
	if err != nil {
		log.Fatal(err)
	}
	device, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	path := mcmc.ThermodynamicPath{From: 0.1, To: 0.4, Action: func(kappa float64) (lattice.Action, error) {
		return lattice.NewPhi4(lat, kappa, 0.1)
	}}
	// A network and a training that are far too small for anything else.
	net, err := hollow.New(hollow.Config{Range: 1, Features: 2, Channels: 2, Hidden: 8, Head: 4})
	if err != nil {
		log.Fatal(err)
	}
	r, err := selftrain.Run(context.Background(), device, path, selftrain.Config{
		Network: net, N: 512, LastN: 512, FirstSteps: 50, LastSteps: []int{50}, Check: 64, Seed: 1,
	})
	if err != nil {
		log.Fatal(err)
	}
	weights, err := stats.LogWeightStats(r.LogWeights)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("rungs: %v\n", len(r.Rungs) > 1)
	fmt.Printf("effective sample size above 0.9: %v\n", weights.ESS.Value > 0.9)
	// Output:
	// rungs: true
	// effective sample size above 0.9: true
}
