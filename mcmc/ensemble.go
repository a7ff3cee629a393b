package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/latdiff/latdiff/internal/checkpoint"
	"github.com/latdiff/latdiff/lattice"
)

// Start says where the chains of an ensemble begin.
type Start int

const (
	// StartMixed starts chains with an even number hot and the others cold, so that
	// [EnsembleResult.ThermalisationCheck] can compare them. It is the default.
	StartMixed Start = iota
	// StartHot is [HotStart] for all chains.
	StartHot
	// StartCold is [ColdStart] for all chains.
	StartCold
	// StartKernel lets the kernel choose, which has to be a [Starter].
	StartKernel
)

// Starter is implemented by kernels that can supply the first field of a chain,
// such as [Independence].
type Starter interface {
	Kernel
	// Start fills phi with a field to start from.
	Start(ctx context.Context, rng *rand.Rand, phi []float64) error
}

// Observable is a named function of one configuration.
type Observable struct {
	Name string
	// Func must not modify or retain phi, and must be safe for concurrent use.
	Func func(phi []float64) float64
}

// EnsembleConfig configures [Generate]. Action and N are required; the zero value
// of everything else is a good choice for a kernel that decorrelates in few steps.
type EnsembleConfig struct {
	// Action has the layout of the fields. It is measured on each configuration, and
	// takes part in the choice of the thinning and in the thermalisation check.
	Action lattice.Action
	// N is the number of configurations in total: hundreds for a measurement to a few per
	// cent, thousands for the training of a model. Fewer than about 10 a chain leave little
	// to compare chains by, beyond their pilot runs, and are for tests.
	N int
	// Chains is the number of independent chains; 0 means 16, or N if that is less.
	// The result depends on it, so it does not follow the number of cores.
	Chains int
	// Workers bounds the chains that run at the same time; 0 means GOMAXPROCS. The
	// result does not depend on it.
	Workers int
	// Share and Shares let several processes share the chains: share s of S runs the chains
	// from s·C/S up to (s+1)·C/S of C, with the random numbers that they have in a run of all,
	// for 0 ≤ s < S ≤ C. 0 shares means one. Shares cannot compare their chains, so that Thin
	// is required, and the run has no check at its end: [Generator.Merge] joins them and makes
	// it.
	Share, Shares int
	// Seed is the first seed of all generators; chain c is that of
	// rand.NewPCG(Seed, c).
	Seed uint64
	// Start says where the chains begin.
	Start Start
	// ColdValue is the constant field of a cold start; 0 means 1. See [LeastConstant]
	// for one that suits the action.
	ColdValue float64
	// Thermalisation is the number of steps before anything is measured; 0 means
	// 1000, a negative number none. See [Chain.Thermalise] for adaptive kernels. It is
	// extended where the chains turn out not to be in equilibrium, see [Generate].
	Thermalisation int
	// Thin is the number of steps from one configuration of a chain to the next, and
	// from the end of thermalisation to the first; 0 means that a pilot run measures
	// it, see Decorrelation.
	Thin int
	// Decorrelation D sets the thinning to D·τ steps, rounded up, with τ the larger
	// one of the τ_int of |M| and S and, of several components, of those that [Generate]
	// compares. The correlation of
	// successive configurations is then about exp(-D) for an observable whose
	// autocorrelation decays with a single exponential of that τ. 0 means 2. It has
	// no effect if Thin is set.
	Decorrelation float64
	// PilotSteps is the number of steps a chain in the pilot run; 0 means a number
	// doubled from 250 until τ is known well, at most 16000. These steps add to the
	// thermalisation.
	PilotSteps int
	// MaxSteps bounds the steps of a chain that make its configurations where the
	// pilot run chooses the thinning; 0 means 2²⁰.
	MaxSteps int
	// MaxBytes bounds the memory of the configurations, the series and the chains,
	// which is estimated before it is taken; 0 means 8 GiB.
	MaxBytes int64
	// Checkpoint, if not empty, is a file to which the state of the run is written whenever
	// CheckpointEvery has passed, default 30 s, when its context is cancelled, and at its end:
	// a run that is killed loses no more than that, and the same call goes on from the file. Writing
	// never takes more than a fifth of the time. No result depends on it; what it is good for
	// ends when the configurations are saved.
	Checkpoint      string
	CheckpointEvery time.Duration
	// Unchecked returns the configurations whether or not the chains agree, for
	// studies of thermalisation itself and for kernels that are meant not to get there.
	Unchecked bool
	// Observables are measured after every step that follows thermalisation and
	// pilot, for the autocorrelation of the chains; see EnsembleResult.Series. They take
	// 8 bytes each for every step.
	Observables []Observable
	// Progress, if not nil, is called after each configuration with the number of
	// those finished and N, never by two goroutines at once. No configuration is finished
	// before the chains have thermalised: see PhaseProgress.
	Progress func(done, total int)
	// PhaseProgress, if not nil, is called while chains thermalise and make pilot runs, about
	// every 16 steps of a chain, with the number of steps that all chains together have made
	// in this phase and the number that is planned. The phase starts again, or the number
	// grows, where chains need longer. It is never called by two goroutines at once, or
	// together with Progress.
	PhaseProgress func(phase Phase, done, total int)
}

// PaperProtocol returns the configuration of the training ensembles of
// arXiv:2309.17082, section 4.1: n chains with hot starts, 100 steps of
// thermalisation and 64 further ones to a single configuration of each chain. (The
// published code takes the configuration at trajectory 128: set Thermalisation to
// 64 for that total.) A step is meant to be a trajectory of hybrid Monte Carlo.
//
// This is not thermalised near the critical point, where autocorrelation times
// exceed the length of the chains: at κ = 0.27 it gives V⟨M²⟩ ≈ 140 on 16x16 in
// place of 173, and ≈ 150 on 32x32 in place of 472. Set Start to [StartMixed] to
// see it in [EnsembleResult.ThermalisationCheck]; the protocol is Unchecked.
func PaperProtocol(action lattice.Action, n int, seed uint64) EnsembleConfig {
	return EnsembleConfig{
		Action: action, N: n, Chains: n, Seed: seed,
		Start: StartHot, Thermalisation: 100, Thin: 64, Unchecked: true,
	}
}

// ChainRecord describes the part of one chain in an ensemble.
type ChainRecord struct {
	// Hot tells whether the chain started hot.
	Hot bool
	// First is the index of its first configuration in the ensemble, Len their number.
	First, Len int
	// Stats are the reports of its steps after thermalisation and pilot.
	Stats KernelStats
}

// EnsembleResult is what [Generate] returns.
type EnsembleResult struct {
	// Ensemble holds the configurations of chain 0 in their order, then those of
	// chain 1 and so on. Its Extra has the number of the chain as "chain" and S as "action"; its Params have "acc_rate", "thin" and
	// the couplings of the action, see [lattice.Params].
	Ensemble *lattice.Ensemble
	// Chains describes the chains.
	Chains []ChainRecord
	// Stats are the reports of all steps after thermalisation and pilot.
	Stats KernelStats
	// Thin is the number of steps between configurations.
	Thin int
	// Pilot is the measurement behind Thin, nil if it was given.
	Pilot *Pilot
	// Series[i][c] is observable i on chain c after every step of production.
	Series [][][]float64
}

// Generate runs independent chains in parallel and returns their configurations.
// newKernel is called once for each chain, one after the other, before anything
// runs; nil stands for [Recommended]. The result is a
// function of the configuration alone, the same on any number of cores. A
// [Generator] does the same with pauses.
//
// The configurations are a sample of exp(-S), as far as the chains can tell, or there is
// a [*NotEquilibratedError] that says which chain and which observable speaks against it
// and what to do. Unless the configuration is Unchecked, chains are compared with each
// other: hot and cold starts may be 4 standard deviations apart in |M| and S and, of several
// components, in |M_c| and M_c·M_d of the first eight (for so many observables 4.2 and more), the
// rank-normalised split-R̂ may be 1.1, or what chance makes of it in a short run, no
// chain may have stopped moving, and no two of a [lattice.ChargedAction] may each keep a charge of its own. A chain that accepts nothing while it thermalises gets
// up to three extensions of twice the length of the last. Where Thin is 0, the pilot
// runs make the comparison, and chains that disagree thermalise further, 250 steps more
// and then twice as many each time, up to 16000, or are given up if that does not bring
// them closer. The configurations are compared in the end.
//
// At a cancelled ctx it returns ctx.Err() and at an error of a chain that error,
// all with what was finished by then, which is also consistent. It is an error too if S
// falls without end along constant, staggered or random fields, or if a chain runs away.
// The result is nil only if the configuration is invalid or newKernel fails.
func Generate(ctx context.Context, cfg EnsembleConfig, newKernel func(chain int) (Kernel, error)) (*EnsembleResult, error) {
	g, err := NewGenerator(cfg, newKernel)
	if err != nil {
		return nil, err
	}
	err = g.Resume(ctx)
	return g.Result(), err
}

func (cfg EnsembleConfig) withDefaults() (EnsembleConfig, error) {
	if err := lattice.CheckAction(cfg.Action); err != nil {
		return cfg, fmt.Errorf("mcmc: ensemble: %w", err)
	}
	if cfg.N < 1 {
		return cfg, fmt.Errorf("mcmc: expected at least one configuration, got %d", cfg.N)
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"chains", cfg.Chains}, {"workers", cfg.Workers}, {"steps to thin by", cfg.Thin}, {"pilot steps", cfg.PilotSteps}, {"steps of a chain", cfg.MaxSteps}} {
		if n.value < 0 {
			return cfg, fmt.Errorf("mcmc: expected a number of %s ≥ 0, got %d", n.name, n.value)
		}
	}
	if cfg.CheckpointEvery < 0 {
		return cfg, fmt.Errorf("mcmc: expected a time between checkpoints ≥ 0, got %v", cfg.CheckpointEvery)
	}
	if err := checkpoint.Check(cfg.Checkpoint); err != nil {
		return cfg, fmt.Errorf("mcmc: ensemble: %w", err)
	}
	if cfg.MaxBytes < 0 {
		return cfg, fmt.Errorf("mcmc: expected a number of bytes ≥ 0, got %d", cfg.MaxBytes)
	}
	if cfg.Chains > cfg.N {
		return cfg, fmt.Errorf("mcmc: expected at most as many chains as configurations, got %d and %d", cfg.Chains, cfg.N)
	}
	if !(cfg.Decorrelation >= 0) || !finite(cfg.Decorrelation) {
		return cfg, fmt.Errorf("mcmc: expected a finite decorrelation ≥ 0, got %v", cfg.Decorrelation)
	}
	if !finite(cfg.ColdValue) {
		return cfg, fmt.Errorf("mcmc: expected a finite field for the cold start, got %v", cfg.ColdValue)
	}
	if cfg.Start < StartMixed || cfg.Start > StartKernel {
		return cfg, fmt.Errorf("mcmc: expected a known kind of start, got %d", cfg.Start)
	}
	for i, o := range cfg.Observables {
		if o.Func == nil {
			return cfg, fmt.Errorf("mcmc: expected a function for observable %d (%q), got nil", i, o.Name)
		}
	}
	if cfg.Chains == 0 {
		cfg.Chains = min(16, cfg.N)
	}
	if err := cfg.checkShare(); err != nil {
		return cfg, err
	}
	cfg.Shares = max(cfg.Shares, 1)
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Thermalisation == 0 {
		cfg.Thermalisation = 1000
	}
	if cfg.ColdValue == 0 {
		cfg.ColdValue = 1
	}
	if cfg.Decorrelation == 0 {
		cfg.Decorrelation = 2
	}
	if cfg.MaxSteps == 0 {
		cfg.MaxSteps = 1 << 20
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 8 << 30
	}
	return cfg, nil
}

// fieldsPerChain is the number of fields that a chain and its kernel hold, roughly.
const fieldsPerChain = 8

// checkMemory returns an error if a run that is thinned by thin takes more memory than it
// may, or more than an int can count.
func (cfg EnsembleConfig) checkMemory(thin int) error {
	lo, hi := cfg.share()
	n, size, chains := float64(cfg.until(hi)-cfg.until(lo)), float64(cfg.Action.Layout().Size()), float64(hi-lo)
	// S and the number of the chain go with every configuration.
	fields := 8 * n * (size + 2)
	kernels := 8 * chains * size * fieldsPerChain
	series := 8 * n * float64(thin) * float64(len(cfg.Observables))
	pilot := 0.0
	if cfg.Thin == 0 {
		pilot = 8 * float64(len(newCompared(cfg.Action).names)) * chains * float64(max(cfg.PilotSteps, pilotLimit))
	}
	most := math.Min(float64(cfg.MaxBytes), math.MaxInt)
	if sum := fields + kernels + series + pilot; sum > most {
		return fmt.Errorf("mcmc: expected an ensemble that takes up to %s of memory (MaxBytes), got %s: %d configurations of %d numbers %s, %d chains %s, %d series of observables %s",
			gigabytes(most), gigabytes(sum), int(n), cfg.Action.Layout().Size(), gigabytes(fields),
			hi-lo, gigabytes(kernels+pilot), len(cfg.Observables), gigabytes(series))
	}
	return nil
}

// gigabytes prints a number of bytes.
func gigabytes(b float64) string { return fmt.Sprintf("%.3g GiB", b/(1<<30)) }
