package mcmc

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/latdiff/latdiff/lattice"
)

// RefineConfig configures [Refine]. The zero value makes ten steps of [MALA] with its
// default step size.
type RefineConfig struct {
	// Steps is the number of steps for every configuration; 0 means 10.
	Steps int
	// NewKernel makes the kernel of a worker, not necessarily in one goroutine; nil
	// means MALA. Kernels must not adapt.
	NewKernel func() (Kernel, error)
	// Workers bounds the configurations that move at the same time; 0 means GOMAXPROCS.
	// The result does not depend on it.
	Workers int
	// Progress, if not nil, is called after every configuration with the number that
	// are done and their total; calls are serialised.
	Progress func(done, total int)
}

// Refine moves every configuration by itself by steps of a kernel that leaves exp(-S)
// invariant, such as those of the Metropolis-adjusted Langevin equation: the continuation of
// a reverse diffusion process to σ = 0, where the score is the drift K (2.5). It never adds
// an error, and what a sampler got wrong at short distances decays fast: a mode of variance
// C_k relaxes in the time C_k. Long modes stay as the sampler left them; a chain with the
// sampler as proposal corrects those.
//
// It returns a new ensemble with the Params of ens, without Extra, which belonged to
// the old fields, and the reports of all steps. Configuration i draws from a generator
// seeded with (seed, i), so that the result does not depend on the number of cores. It
// returns an error if ens is empty, not finite or of another layout than the action, for a
// negative setting, at an error of a kernel, and ctx.Err() when ctx ends.
func Refine(ctx context.Context, action lattice.Action, ens *lattice.Ensemble, cfg RefineConfig, seed uint64) (refined *lattice.Ensemble, st KernelStats, err error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, st, fmt.Errorf("mcmc: refinement: %w", err)
	}
	if ens == nil || ens.Lattice == nil || ens.Len() == 0 {
		return nil, st, fmt.Errorf("mcmc: expected configurations to refine, got none")
	}
	if err := ens.CheckLayout(action.Layout()); err != nil {
		return nil, st, fmt.Errorf("mcmc: refinement: %w", err)
	}
	if err := lattice.CheckField(ens.Data, ens.Len()*ens.Size()); err != nil {
		return nil, st, fmt.Errorf("mcmc: refinement: %w", err)
	}
	if cfg.Steps < 0 || cfg.Workers < 0 {
		return nil, st, fmt.Errorf("mcmc: expected numbers of refining steps and of workers ≥ 0, got %d and %d", cfg.Steps, cfg.Workers)
	}
	if cfg.Steps == 0 {
		cfg.Steps = 10
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.NewKernel == nil {
		cfg.NewKernel = func() (Kernel, error) { return NewMALA(action, MALAConfig{}) }
	}
	refined = lattice.NewEnsemble(ens.Layout, ens.Len())
	refined.Data = append(refined.Data, ens.Data...)
	maps.Copy(refined.Params, ens.Params)
	reports := make([]KernelStats, ens.Len())
	if err := refine(ctx, refined, cfg, seed, reports); err != nil {
		return nil, st, err
	}
	for _, r := range reports {
		st.Merge(r)
	}
	return refined, st, nil
}

// refine moves the configurations in place.
func refine(ctx context.Context, ens *lattice.Ensemble, cfg RefineConfig, seed uint64, reports []KernelStats) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		done int
		next atomic.Int64
	)
	move := func(kernel Kernel, i int) error {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for range cfg.Steps {
			info, err := kernel.Step(ctx, rng, ens.Config(i))
			if err != nil {
				return fmt.Errorf("mcmc: refining configuration %d: %w", i, err)
			}
			reports[i].Add(info)
		}
		if cfg.Progress != nil {
			mu.Lock()
			defer mu.Unlock()
			done++
			cfg.Progress(done, ens.Len())
		}
		return nil
	}
	for range min(cfg.Workers, ens.Len()) {
		wg.Go(func() {
			kernel, err := cfg.NewKernel()
			for inner.Err() == nil {
				i := int(next.Add(1)) - 1
				if err == nil && i >= ens.Len() {
					return
				}
				if err == nil {
					err = move(kernel, i)
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.Cause(inner)
}
