package mcmc

import (
	"errors"
	"fmt"

	"github.com/latdiff/latdiff/lattice"
)

// Recommended returns a kernel for an action in any phase and at any coupling: a cycle
// of one [Metropolis] sweep, which makes it ergodic, and of the [Moves] that the action
// allows beside it.
//
// For φ⁴ at κ = 0.27, λ = 0.022 it has τ_int(|M|) ≈ 2 steps on 16x16 and ≈ 3 on 32x32,
// where hybrid Monte Carlo with unit trajectories has 67 and 236. It returns an error if
// there is no action, or if it is not a [lattice.LocalAction]: then molecular dynamics
// or [NewMALA] is what remains.
func Recommended(action lattice.Action) (*Cycle, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("mcmc: %w", err)
	}
	local, ok := action.(lattice.LocalAction)
	if !ok {
		return nil, fmt.Errorf("mcmc: expected an action with the method Difference for the recommended kernel, got %T: give it one, pass kernels of your own (NewMALA), or use hmc.Ensemble", action)
	}
	moves, err := Moves(action)
	if err != nil {
		return nil, err
	}
	metropolis, err := NewMetropolis(local, MetropolisConfig{Hits: 1})
	if err != nil {
		return nil, err
	}
	return NewCycle(append([]Kernel{metropolis}, moves...)...)
}

// Moves returns the moves that an action allows beside small steps or trajectories, which
// do not cross between the wells of a potential and are slow for long waves:
//
//   - three [Overrelaxation] sweeps for the long waves, if it is a [Reflector] or has
//     several components and a potential that depends on |φ| alone,
//   - two [Wolff] clusters, if it is a [HoppingAction] with a potential that has
//     reflections,
//   - a [LocalFlip] sweep of a [lattice.LocalAction], with which single sites move between
//     the wells of a potential: all of them in one step, where at small κ two clusters are
//     two sites,
//   - [InternalSymmetry] if several components have a symmetry among them: rotations,
//     permutations, or the sign of one,
//   - [SignFlip] if S(-φ) = S(φ), see [lattice.MeasureSymmetries].
//
// They are for one chain and not ergodic by themselves. It returns an error if there is no
// action or its symmetries cannot be measured.
func Moves(action lattice.Action) ([]Kernel, error) {
	symmetries, err := lattice.MeasureSymmetries(action)
	if err != nil {
		return nil, fmt.Errorf("mcmc: %w", err)
	}
	moves, err := nonlocal(action)
	if err != nil {
		return nil, err
	}
	if local, ok := action.(lattice.LocalAction); ok {
		flip, err := NewLocalFlip(local)
		if err != nil {
			return nil, err
		}
		moves = append(moves, flip)
	}
	if internal := newInternalSymmetry(action.Layout(), symmetries); internal != nil {
		moves = append(moves, internal)
	}
	if symmetries.Sign {
		moves = append(moves, SignFlip{})
	}
	return moves, nil
}

// nonlocal returns the sweeps of overrelaxation and the clusters that the action allows.
func nonlocal(action lattice.Action) (moves []Kernel, err error) {
	hopping, ok := action.(HoppingAction)
	if !ok {
		return nil, nil
	}
	r, err := measureReflections(hopping)
	if err != nil && !errors.Is(err, errNoReflection) {
		return nil, err
	}
	components := action.Layout().Components
	if _, ok := action.(Reflector); ok && components == 1 || components > 1 && r.all {
		over, err := NewOverrelaxation(hopping)
		if err != nil {
			return nil, err
		}
		moves = append(moves, over, over, over)
	}
	if len(r.axes) == 0 {
		return moves, nil
	}
	cluster, err := NewWolff(hopping, WolffConfig{Clusters: 2})
	if err != nil {
		return nil, err
	}
	return append(moves, cluster), nil
}
