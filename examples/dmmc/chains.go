package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/latdiff/latdiff/internal/stage"
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

// oneChain is what one of them gives, as its file keeps it.
type oneChain struct {
	Values [][]float64 // of every observable
	Kept   []float64
	// Acceptance is the mean over Steps.
	Acceptance float64
	Steps      int
}

// runChains makes the given number of steps, all chains together, from configurations of
// the training ensemble, which is in equilibrium, and measures after every step. keep
// configurations are returned. Chain c is kept at file(c) once it is finished. The result does
// not depend on the number of cores.
func runChains(ctx context.Context, action *lattice.Phi4, ens *lattice.Ensemble, steps, keep int, seed uint64, file func(c int) string, newKernel func(int) (mcmc.Kernel, error), progress func(done, total int)) (*chainRun, error) {
	n := min(classicalChains, steps/leastChain)
	each := steps / n
	every := max(1, each*n/keep)
	chains := make([]oneChain, n)
	var mu sync.Mutex
	done := 0
	err := parallel(n, func(c int) (err error) {
		path := file(c)
		chains[c], err = stage.Do(ctx, path, filepath.Base(path), func() (oneChain, error) {
			k, err := newKernel(c)
			if err != nil {
				return oneChain{}, err
			}
			chain, err := mcmc.NewChain(k, ens.Config(c*ens.Len()/n), seed, uint64(c))
			if err != nil {
				return oneChain{}, err
			}
			return one(ctx, action, chain, stage.State(path), each, every)
		})
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		done++
		progress(done, n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	run := &chainRun{last: lattice.NewEnsemble(action.Layout(), 0)}
	total := 0
	for _, c := range chains {
		run.series = append(run.series, measure.Series{
			Volume: action.Layout().Volume(), M: c.Values[0], Action: c.Values[1], Phi2: c.Values[2], Phi4: c.Values[3],
		})
		run.last.Data = append(run.last.Data, c.Kept...)
		run.acceptance += c.Acceptance * float64(c.Steps)
		total += c.Steps
	}
	run.acceptance /= float64(total)
	run.last.Params = action.Params()
	return run, nil
}

// one makes steps of a chain with its state in a file, and keeps a configuration every so many of them.
func one(ctx context.Context, action *lattice.Phi4, chain *mcmc.Chain, state string, steps, every int) (oneChain, error) {
	observables := measure.Observables(action)
	r, err := stage.Walk(ctx, chain, stage.WalkConfig{
		Path: state, Name: filepath.Base(state), Settle: settle, Steps: steps, Columns: len(observables) + 1,
		Observe: func(chain *mcmc.Chain, columns [][]float64) error {
			for j, o := range observables {
				columns[j] = append(columns[j], o.Func(chain.Field()))
			}
			if kept := len(observables); len(columns[0])%every == 0 {
				columns[kept] = append(columns[kept], chain.Field()...)
			}
			return nil
		},
	})
	if err != nil {
		return oneChain{}, err
	}
	kept := len(observables)
	return oneChain{Values: r.Columns[:kept], Kept: r.Columns[kept], Acceptance: r.Acceptance, Steps: steps}, nil
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
