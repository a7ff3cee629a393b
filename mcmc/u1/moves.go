package u1

import (
	"fmt"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
)

// Moves returns the moves to make beside trajectories or local updates of an action of links:
// a [FluxHop] in two dimensions, and [RandomGauge], with Centre for a [gauge.Action]. For
// hybrid Monte Carlo,
//
//	hmc.EnsembleConfig{Moves: func(int) ([]mcmc.Kernel, error) { return u1.Moves(action) }}
//
// Without the hop, chains keep the charge that they started with where β is above 5 or so, and
// hmc.Ensemble and mcmc.Generate return an error if two have kept different ones; without the random gauge the gauge of the links remembers the start. It returns
// an error for no action and for one that is not of links, with a component for every
// direction.
func Moves(action lattice.Action) ([]mcmc.Kernel, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("u1: moves: %w", err)
	}
	layout := action.Layout()
	if layout.Components != layout.Dim() {
		return nil, fmt.Errorf("u1: expected an action of links with %d components, got %v", layout.Dim(), layout)
	}
	_, pure := action.(*gauge.Action)
	random, err := NewRandomGauge(layout.Lattice, RandomGaugeConfig{Centre: pure})
	if err != nil {
		return nil, err
	}
	if layout.Dim() != 2 {
		return []mcmc.Kernel{random}, nil
	}
	hop, err := NewFluxHop(action)
	if err != nil {
		return nil, err
	}
	return []mcmc.Kernel{hop, random}, nil
}

// Recommended returns a cycle that is ergodic at any coupling of the pure theory: one sweep of
// [HeatBath] and two of [Overrelaxation] with Wilson's action, of mcmc.Metropolis with others,
// and the [Moves]. It returns an error for no action.
func Recommended(action *gauge.Action) (*mcmc.Cycle, error) {
	if action == nil {
		return nil, fmt.Errorf("u1: expected an action, got nil")
	}
	moves, err := Moves(action)
	if err != nil {
		return nil, err
	}
	if _, ok := action.Weight().(gauge.Wilson); !ok {
		metropolis, err := mcmc.NewMetropolis(action, mcmc.MetropolisConfig{})
		if err != nil {
			return nil, err
		}
		return mcmc.NewCycle(append([]mcmc.Kernel{metropolis}, moves...)...)
	}
	bath, err := NewHeatBath(action)
	if err != nil {
		return nil, err
	}
	over, err := NewOverrelaxation(action)
	if err != nil {
		return nil, err
	}
	return mcmc.NewCycle(append([]mcmc.Kernel{bath, over, over}, moves...)...)
}
