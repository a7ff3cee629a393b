package selftrain

import (
	"context"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// trajectory returns a trajectory of unit length in steps that suit the narrowest mode: of a
// harmonic mode of variance C the frequency is 1/√C, and the scheme is stable up to εω = 2.5.
func trajectory(action lattice.Action, spectrum []float64) (*hmc.HMC, error) {
	least := math.Inf(1)
	for _, c := range spectrum {
		least = min(least, c)
	}
	const phase = 1.2
	steps := max(1, int(math.Ceil(1/(phase*math.Sqrt(least)))))
	return hmc.New(action, hmc.Config{Integrator: hmc.Omelyan, Steps: steps, Jitter: 0.5})
}

// polish moves every configuration by trajectories at the theory itself.
func polish(ctx context.Context, action lattice.Action, ens *lattice.Ensemble, spectrum []float64, trajectories int, seed uint64) (*lattice.Ensemble, error) {
	out, _, err := mcmc.Refine(ctx, action, ens, mcmc.RefineConfig{
		Steps:     trajectories,
		NewKernel: func() (mcmc.Kernel, error) { return trajectory(action, spectrum) },
	}, seed)
	return out, err
}

// equilibrium brings configurations, taken evenly from ens, to equilibrium.
func equilibrium(ctx context.Context, action lattice.Action, ens *lattice.Ensemble, spectrum []float64, n, steps int, seed uint64) (*lattice.Ensemble, error) {
	out, _, err := mcmc.Refine(ctx, action, thinned(ens, n), mcmc.RefineConfig{
		Steps: steps,
		NewKernel: func() (mcmc.Kernel, error) {
			moves, err := mcmc.Moves(action)
			if err != nil {
				return nil, err
			}
			h, err := trajectory(action, spectrum)
			if err != nil {
				return nil, err
			}
			return mcmc.NewCycle(append([]mcmc.Kernel{h}, moves...)...)
		},
	}, seed)
	return out, err
}

// compare evaluates the density of configurations in equilibrium, and compares their weights with
// those of the draws.
func compare(ctx context.Context, f *flow.ProbabilityFlow, action lattice.Action, theory *lattice.Ensemble, drawn []float64, seed uint64) (stats.TwoSided, error) {
	likelihood, err := f.LogProb(ctx, theory, seed)
	if err != nil {
		return stats.TwoSided{}, fmt.Errorf("selftrain: comparison of both sides: %w", err)
	}
	logw, err := likelihood.LogWeights(action, theory)
	if err != nil {
		return stats.TwoSided{}, err
	}
	return stats.CompareLogWeights(drawn, logw)
}
