package latdiff_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// The whole road: from an action to an exact Markov chain whose proposals come from a
// diffusion model. Any [lattice.Action] can stand in the first lines.
func Example() {
	ctx := context.Background()
	lat, err := lattice.New(4, 4)
	check(err)
	action, err := lattice.NewPhi4(lat, 0.2, 0.1)
	check(err)

	// An equilibrated ensemble, or an error that says why there is none.
	ens, _, err := hmc.Ensemble(ctx, action, hmc.EnsembleConfig{N: 2000, Seed: 1})
	check(err)

	// A score model of it: what can be measured is measured, the rest is learned.
	device, err := backend.Open("go")
	check(err)
	model, err := diffusion.Fit(ctx, device, action, ens, diffusion.FitConfig{
		Network: hollow.Default(), Train: diffusion.TrainConfig{Steps: 200}, Seed: 2,
	})
	check(err)

	// Independent configurations with their density.
	f, err := flow.New(device, model, flow.Config{})
	check(err)
	draws, err := f.Sample(ctx, 1024, 3)
	check(err)

	// The exact chain, and what the weights say about the model.
	logw, err := draws.LogWeights(action)
	check(err)
	chain, err := mcmc.DMMC(rand.New(rand.NewPCG(4, 0)), logw)
	check(err)
	weights, err := stats.LogWeightStats(logw)
	check(err)
	fmt.Printf("acceptance above 0.9: %v\n", chain.Acceptance > 0.9)
	fmt.Printf("effective sample size above 0.9: %v\n", weights.ESS.Value > 0.9)
	// Output:
	// acceptance above 0.9: true
	// effective sample size above 0.9: true
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
