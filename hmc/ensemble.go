package hmc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// EnsembleConfig configures [Ensemble]. N is required; the zero value of everything else
// is a choice that is made for the action.
type EnsembleConfig struct {
	// N is the number of configurations in total: hundreds for a measurement to a few per
	// cent, thousands for the training of a model. Fewer than about 10 a chain leave little
	// to compare chains by, beyond their pilot runs, and are for tests.
	N int
	// Seed is the first seed of all random numbers.
	Seed uint64

	// Chains is the number of independent chains; 0 means 16, or N if that is less. The
	// result depends on it, so it does not follow the number of cores.
	Chains int
	// Workers bounds the chains that run at the same time; 0 means GOMAXPROCS. The result
	// does not depend on it.
	Workers int
	// Share and Shares let several processes share the chains, see [mcmc.EnsembleConfig] and
	// [mcmc.Generator.Merge].
	Share, Shares int
	// Start says where the chains begin; the zero value starts half of them hot and half
	// cold, at [mcmc.LeastConstant], which is what shows whether they thermalised.
	Start mcmc.Start
	// Thermalisation is the number of trajectories before anything is measured; 0 means 1000,
	// a negative number none. It is extended where chains turn out not to be in equilibrium.
	Thermalisation int
	// Thin is the number of trajectories from one configuration of a chain to the next; 0
	// means that a pilot run measures it, see Decorrelation.
	Thin int
	// Decorrelation D sets the thinning to D·τ trajectories with the longest τ_int of the
	// pilot run; 0 means 2. It has no effect if Thin is set.
	Decorrelation float64
	// MaxSteps bounds the trajectories of a chain that make its configurations where the
	// pilot run chooses the thinning; 0 means 2²⁰.
	MaxSteps int
	// MaxBytes bounds the memory of the run, which is estimated before it is taken; 0 means
	// 8 GiB.
	MaxBytes int64
	// Checkpoint and CheckpointEvery name a file for the state of the run, from which the same
	// call continues, and the time between two writings, default 30 s; see
	// [mcmc.EnsembleConfig].
	Checkpoint      string
	CheckpointEvery time.Duration
	// Observables are measured after every trajectory that follows thermalisation and pilot;
	// see [mcmc.EnsembleResult].Series.
	Observables []mcmc.Observable
	// Progress, if not nil, is called after each configuration with the number of those
	// finished and N, never by two goroutines at once, and not before the chains have
	// thermalised.
	Progress func(done, total int)
	// PhaseProgress, if not nil, is called while chains thermalise and make pilot runs, with
	// the trajectories that all chains have made in this phase and those that are planned;
	// see [mcmc.EnsembleConfig].
	PhaseProgress func(phase mcmc.Phase, done, total int)

	// Integrator, Length, Steps, Acceptance and Mass are those of [Config]. No integrator
	// means [Omelyan], and a number of steps that is not given adapts in each chain.
	Integrator Integrator
	Length     float64
	Steps      int
	Acceptance float64
	Mass       *Mass
	// Jitter is that of [Config]; 0 means 0.5, a negative number none. Trajectories of one
	// length resonate with modes of a half period of that length, which then never move.
	Jitter float64
	// Moves returns the further moves that a chain makes after each trajectory, in place of
	// those of [mcmc.Moves], for which nil stands; a function that returns none leaves
	// trajectories alone. A move of your own beside the others is
	//
	//	func(chain int) ([]mcmc.Kernel, error) {
	//		moves, err := mcmc.Moves(action)
	//		return append(moves, own()), err
	//	}
	Moves func(chain int) ([]mcmc.Kernel, error)
}

// Ensemble returns configurations of any action by hybrid Monte Carlo: chains from hot and
// cold starts, each with a step size of its own that adapts while the chain thermalises,
// and further moves between the wells of the potential where the action allows them. They
// are in equilibrium as far as the chains can tell, or the error says why not, an action
// whose drift is not the gradient of its value included ([lattice.CheckDrift]): see
// [mcmc.Generate] for the comparison of the chains and its [*mcmc.NotEquilibratedError].
//
// The result has the same configurations with the record of the chains. Both are what was
// finished if there is an error, nil if it comes before the run. The same configuration
// gives the same ensemble on any number of cores.
func Ensemble(ctx context.Context, action lattice.Action, cfg EnsembleConfig) (*lattice.Ensemble, *mcmc.EnsembleResult, error) {
	g, err := NewGenerator(action, cfg)
	if err != nil {
		return nil, nil, err
	}
	err = g.Resume(ctx)
	r := g.Result()
	return r.Ensemble, r, err
}

// NewGenerator returns the run of [Ensemble], for pauses and files. Its kernels are of type
// [*Compound].
func NewGenerator(action lattice.Action, cfg EnsembleConfig) (*mcmc.Generator, error) {
	if err := lattice.CheckDrift(action); err != nil {
		return nil, fmt.Errorf("hmc: ensemble: %w", err)
	}
	trajectory := Config{
		Integrator: cfg.Integrator, Length: cfg.Length, Steps: cfg.Steps, Acceptance: cfg.Acceptance,
		Mass: cfg.Mass, Jitter: cfg.Jitter,
	}
	if trajectory.Integrator.coefficients == nil {
		trajectory.Integrator = Omelyan
	}
	switch {
	case cfg.Jitter == 0:
		trajectory.Jitter = 0.5
	case cfg.Jitter < 0:
		trajectory.Jitter = 0
	}
	if cfg.Moves == nil {
		cfg.Moves = func(int) ([]mcmc.Kernel, error) { return mcmc.Moves(action) }
	}
	cold, err := mcmc.LeastConstant(action)
	if err != nil {
		return nil, err
	}
	return mcmc.NewGenerator(mcmc.EnsembleConfig{
		Action: action, N: cfg.N, Seed: cfg.Seed, Chains: cfg.Chains, Workers: cfg.Workers, Share: cfg.Share, Shares: cfg.Shares,
		Start: cfg.Start, ColdValue: cold, Thermalisation: cfg.Thermalisation,
		Thin: cfg.Thin, Decorrelation: cfg.Decorrelation, MaxSteps: cfg.MaxSteps, MaxBytes: cfg.MaxBytes,
		Checkpoint: cfg.Checkpoint, CheckpointEvery: cfg.CheckpointEvery,
		Observables: cfg.Observables, Progress: cfg.Progress, PhaseProgress: cfg.PhaseProgress,
	}, func(chain int) (mcmc.Kernel, error) {
		h, err := New(action, trajectory)
		if err != nil {
			return nil, err
		}
		list, err := cfg.Moves(chain)
		if err != nil || len(list) == 0 {
			return &Compound{HMC: h}, err
		}
		cycle, err := mcmc.NewCycle(list...)
		return &Compound{HMC: h, moves: cycle}, err
	})
}

// Compound is a trajectory of hybrid Monte Carlo followed by other moves. Its reports are
// those of the trajectory alone, so that its acceptance and ⟨exp(-ΔH)⟩ keep their meaning.
type Compound struct {
	*HMC
	// moves is nil if there are none.
	moves  *mcmc.Cycle
	before []float64
}

var (
	_ mcmc.Stateful = (*Compound)(nil)
	_ mcmc.Adaptive = (*Compound)(nil)
)

// Step makes a trajectory and then the moves, and reports on the trajectory.
func (k *Compound) Step(ctx context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	if k.moves == nil {
		return k.HMC.Step(ctx, rng, phi)
	}
	k.before = append(k.before[:0], phi...)
	info, err := k.HMC.Step(ctx, rng, phi)
	if err != nil {
		return info, err
	}
	if _, err := k.moves.Step(ctx, rng, phi); err != nil {
		copy(phi, k.before)
		return mcmc.Info{}, err
	}
	return info, nil
}

// SetAdaptation starts or freezes the adaptation of the trajectories and of the moves.
func (k *Compound) SetAdaptation(on bool) {
	k.HMC.SetAdaptation(on)
	if k.moves != nil {
		k.moves.SetAdaptation(on)
	}
}

// MarshalBinary returns the state of the trajectories and of the moves.
func (k *Compound) MarshalBinary() ([]byte, error) {
	b, err := k.HMC.MarshalBinary()
	if err != nil || k.moves == nil {
		return b, err
	}
	state, err := k.moves.MarshalBinary()
	return append(b, state...), err
}

// UnmarshalBinary restores the state written by MarshalBinary.
func (k *Compound) UnmarshalBinary(data []byte) error {
	n := min(len(data), stateSize)
	if k.moves != nil {
		if err := k.moves.UnmarshalBinary(data[n:]); err != nil {
			return err
		}
		data = data[:n]
	}
	return k.HMC.UnmarshalBinary(data)
}
