package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

const (
	// walkers is the number of chains of a kernel.
	walkers = 16
	// settle is the number of steps of each in which an adaptive kernel adapts, fewer but
	// leastSettle where they take more than the part settling of the time; as many follow
	// before anything is measured.
	settle, leastSettle, settling = 50, 10, 0.1
	// rounds is the number of parts of a measurement, after each of which chains have the
	// same length.
	rounds = 20
	// audition is the part of the time in which the variants of a kernel compete.
	audition = 0.4
)

// chainsOf measures the cheapest variant of a kernel.
func chainsOf(variants func(j *job) ([]variant, error)) func(context.Context, *cost, *job) (outcome, error) {
	return func(ctx context.Context, _ *cost, j *job) (outcome, error) {
		all, err := variants(j)
		if err != nil {
			return outcome{}, err
		}
		best := all[0]
		if len(all) > 1 {
			least, known := math.Inf(1), false
			each := time.Duration(audition * float64(j.total) / float64(len(all)))
			for i, v := range all {
				o, err := runChains(ctx, j, v, each, j.seed<<8+uint64(i))
				if err != nil {
					return outcome{}, err
				}
				// A chain that is too short for its τ_int says no more than a lower bound.
				if c := o.Cost.Value + o.Cost.Error; o.Reliable && !known || o.Reliable == known && c < least {
					best, least, known = v, c, o.Reliable
				}
			}
		}
		return runChains(ctx, j, best, j.left(), j.seed<<8+uint64(len(all)))
	}
}

// walker is one chain.
type walker struct {
	kernel   mcmc.Kernel
	rng      *rand.Rand
	phi      []float64
	abs      []float64 // |M| after every step
	accepted float64
	busy     time.Duration // in steps
}

// walk makes n steps.
func (w *walker) walk(ctx context.Context, n int) error {
	for range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		begin := time.Now()
		info, err := w.kernel.Step(ctx, w.rng, w.phi)
		if err != nil {
			return err
		}
		w.busy += time.Since(begin)
		w.accepted += info.AcceptProb
		w.abs = append(w.abs, lattice.AbsMagnetization(w.phi))
	}
	return nil
}

// runChains runs chains from configurations in equilibrium for about a time.
func runChains(ctx context.Context, j *job, v variant, d time.Duration, seed uint64) (outcome, error) {
	begin := time.Now()
	defer func() { j.spend(time.Since(begin)) }()
	all := make([]*walker, walkers)
	for i := range all {
		k, err := v.kernel()
		if err != nil {
			return outcome{}, err
		}
		all[i] = &walker{kernel: k, rng: rand.New(rand.NewPCG(seed, uint64(i))), phi: append([]float64(nil), j.ens.Config(i*j.ens.Len()/walkers)...)}
	}
	if err := adapt(ctx, all, time.Duration(settling*float64(d))); err != nil {
		return outcome{}, err
	}
	for n := 4; ; {
		start := time.Now()
		if err := parallel(all, func(w *walker) error { return w.walk(ctx, n) }); err != nil {
			return outcome{}, err
		}
		left := d - time.Since(begin)
		if left <= 0 {
			break
		}
		n = max(1, int(float64(n)*min(d/rounds, left).Seconds()/time.Since(start).Seconds()))
	}
	return analyse(all, v.name)
}

// adapt lets the kernels adapt for about a time, and forgets what was measured.
func adapt(ctx context.Context, all []*walker, d time.Duration) error {
	each := d * time.Duration(min(len(all), runtime.GOMAXPROCS(0))) / time.Duration(len(all))
	err := parallel(all, func(w *walker) error {
		a, ok := w.kernel.(mcmc.Adaptive)
		if ok {
			a.SetAdaptation(true)
		}
		n := 0
		for begin := time.Now(); n < settle && (n < leastSettle || time.Since(begin) < each); n++ {
			if err := w.walk(ctx, 1); err != nil {
				return err
			}
		}
		if ok {
			a.SetAdaptation(false)
		}
		return w.walk(ctx, n)
	})
	for _, w := range all {
		w.abs, w.accepted, w.busy = w.abs[:0], 0, 0
	}
	return err
}

// analyse returns the cost of a step times 2τ_int.
func analyse(all []*walker, name string) (outcome, error) {
	o := newOutcome()
	o.Variant = name
	var series [][]float64
	var busy time.Duration
	accepted := 0.0
	for _, w := range all {
		series = append(series, w.abs)
		busy, accepted, o.Steps = busy+w.busy, accepted+w.accepted, o.Steps+len(w.abs)
	}
	o.Seconds = busy.Seconds() / float64(o.Steps*runtime.GOMAXPROCS(0))
	o.Acceptance = accepted / float64(o.Steps)
	return o, o.autocorrelation(series)
}

// autocorrelation sets τ_int and the cost from the series of |M|.
func (o *outcome) autocorrelation(series [][]float64) error {
	g, err := stats.GammaMethod(series, stats.GammaConfig{})
	o.Reliable = err == nil
	if errors.Is(err, stats.ErrNegativeVariance) {
		err = nil
	}
	if err := measure.Usable(err); err != nil {
		return err
	}
	o.AbsM, o.Tau = g.Mean, g.Tau.Estimate
	// The window of a series without autocorrelation may give less than the ½ of independent
	// configurations.
	tau := max(0.5, o.Tau.Value)
	o.Cost = stats.Estimate{Value: o.Seconds * 2 * tau, Error: o.Seconds * 2 * o.Tau.Error}
	return nil
}

// parallel calls f for all walkers on all cores.
func parallel(all []*walker, f func(w *walker) error) error {
	errs := make([]error, len(all))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(all), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				errs[i] = f(all[i])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
