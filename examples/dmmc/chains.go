package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
)

const (
	classicalChains = 16
	// settle is the number of steps in which the width of Metropolis is tuned.
	settle = 200
)

// chainRun is what several chains of one kernel give.
type chainRun struct {
	series     []measure.Series
	acceptance float64
	last       *lattice.Ensemble // every k-th configuration
}

// runChains makes the given number of steps, all chains together, from configurations of
// the training ensemble, which is in equilibrium, and measures after every step. keep
// configurations are returned. The result does not depend on the number of cores.
func runChains(ctx context.Context, action *lattice.Phi4, ens *lattice.Ensemble, steps, keep int, seed uint64, newKernel func(int) (mcmc.Kernel, error), progress func(done, total int)) (*chainRun, error) {
	n := min(classicalChains, steps/leastChain)
	each := steps / n
	every := max(1, each*n/keep)
	observables := measure.Observables(action)
	kept := make([][]float64, n)
	run := &chainRun{series: make([]measure.Series, n), last: lattice.NewEnsemble(action.Layout(), 0)}
	chains := make([]*mcmc.Chain, n)
	for c := range chains {
		k, err := newKernel(c)
		if err != nil {
			return nil, err
		}
		if chains[c], err = mcmc.NewChain(k, ens.Config(c*ens.Len()/n), seed, uint64(c)); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex
	done := 0
	err := parallel(n, func(c int) error {
		chain := chains[c]
		if err := chain.Thermalise(ctx, settle); err != nil {
			return err
		}
		values := make([][]float64, len(observables))
		for i := range each {
			if err := chain.Run(ctx, 1); err != nil {
				return err
			}
			for j, o := range observables {
				values[j] = append(values[j], o.Func(chain.Field()))
			}
			if (i+1)%every == 0 {
				kept[c] = append(kept[c], chain.Field()...)
			}
		}
		run.series[c] = measure.Series{Volume: action.Layout().Volume(), M: values[0], Action: values[1], Phi2: values[2], Phi4: values[3]}
		mu.Lock()
		defer mu.Unlock()
		done++
		progress(done, n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all mcmc.KernelStats
	for c := range chains {
		all.Merge(chains[c].Stats())
		run.last.Data = append(run.last.Data, kept[c]...)
	}
	run.acceptance = all.Acceptance()
	run.last.Params = action.Params()
	return run, nil
}

// parallel calls f for 0 ≤ i < n on all cores and returns the error of the lowest i.
func parallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !failed.Load(); i = int(next.Add(1)) - 1 {
				if errs[i] = f(i); errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			return fmt.Errorf("chain %d: %w", i, err)
		}
	}
	return nil
}
