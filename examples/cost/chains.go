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
		m, err := resume[heats](j)
		if err != nil {
			return outcome{}, err
		}
		if len(all) > 1 {
			each := time.Duration(audition * float64(j.total) / float64(len(all)))
			for i := len(m.state.Done); i < len(all); i++ {
				o, err := runChains(ctx, j, m, all[i], each, j.seed<<8+uint64(i))
				if err != nil {
					return outcome{}, err
				}
				m.state.Done = append(m.state.Done, o)
			}
		}
		// A chain that is too short for its τ_int says no more than a lower bound.
		best, least, known := 0, math.Inf(1), false
		for i, o := range m.state.Done {
			if c := o.Cost.Value + o.Cost.Error; o.Reliable && !known || o.Reliable == known && c < least {
				best, least, known = i, c, o.Reliable
			}
		}
		return runChains(ctx, j, m, all[best], j.left()+m.state.Elapsed, j.seed<<8+uint64(len(all)))
	}
}

// heats is the state of the measurement of a kernel: the variants that are measured, and the chains of
// the one that runs, with the time that they have had.
type heats struct {
	Done    []outcome
	Walkers []walkerState
	Elapsed time.Duration
}

// walker is one chain.
type walker struct {
	kernel   mcmc.Kernel
	pcg      *rand.PCG
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

// walkerState is a walker as a file keeps it.
type walkerState struct {
	Kernel, PCG []byte
	Phi, Abs    []float64
	Accepted    float64
	Busy        time.Duration
}

func (w *walker) save() (s walkerState, err error) {
	s = walkerState{Phi: w.phi, Abs: w.abs, Accepted: w.accepted, Busy: w.busy}
	if k, ok := w.kernel.(mcmc.Stateful); ok {
		if s.Kernel, err = k.MarshalBinary(); err != nil {
			return s, err
		}
	}
	s.PCG, err = w.pcg.MarshalBinary()
	return s, err
}

func (w *walker) restore(s walkerState) error {
	if k, ok := w.kernel.(mcmc.Stateful); ok {
		if err := k.UnmarshalBinary(s.Kernel); err != nil {
			return err
		}
	}
	if err := lattice.CheckField(s.Phi, len(w.phi)); err != nil {
		return err
	}
	copy(w.phi, s.Phi)
	w.abs, w.accepted, w.busy = s.Abs, s.Accepted, s.Busy
	return w.pcg.UnmarshalBinary(s.PCG)
}

// start returns the walkers of a variant as an earlier process has left them, or after they have
// adapted.
func start(ctx context.Context, j *job, m *measurement[heats], v variant, d time.Duration, seed uint64) ([]*walker, error) {
	all := make([]*walker, walkers)
	for i := range all {
		k, err := v.kernel()
		if err != nil {
			return nil, err
		}
		pcg := rand.NewPCG(seed, uint64(i))
		all[i] = &walker{kernel: k, pcg: pcg, rng: rand.New(pcg), phi: append([]float64(nil), j.ens.Config(i*j.ens.Len()/walkers)...)}
	}
	if len(m.state.Walkers) != walkers {
		return all, adapt(ctx, all, time.Duration(settling*float64(d)))
	}
	for i, w := range all {
		if err := w.restore(m.state.Walkers[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// runChains runs chains from configurations in equilibrium for about a time.
func runChains(ctx context.Context, j *job, m *measurement[heats], v variant, d time.Duration, seed uint64) (outcome, error) {
	begin := time.Now().Add(-m.state.Elapsed)
	spent := m.state.Elapsed
	all, err := start(ctx, j, m, v, d, seed)
	if err != nil {
		return outcome{}, err
	}
	for n := 4; ; {
		start := time.Now()
		if err := parallel(all, func(w *walker) error { return w.walk(ctx, n) }); err != nil {
			return outcome{}, err
		}
		now := time.Since(begin)
		j.spend(now - spent)
		spent = now
		left := d - now
		if left <= 0 {
			break
		}
		if err := m.saveDue(func(s *heats) (err error) {
			s.Elapsed, s.Walkers = spent, make([]walkerState, len(all))
			for i, w := range all {
				if s.Walkers[i], err = w.save(); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return outcome{}, err
		}
		n = max(1, int(float64(n)*min(d/rounds, left).Seconds()/time.Since(start).Seconds()))
	}
	m.state.Walkers, m.state.Elapsed = nil, 0
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

// autocorrelation sets τ_int and the cost from the series of |M|. One that never moves tells nothing but
// that a configuration costs a step or more.
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
	if err == nil && g.Mean.Error == 0 {
		o.AbsM.Error, o.Tau, o.Reliable = math.NaN(), unknown, false
	}
	// The window of a series without autocorrelation may give less than the ½ of independent
	// configurations.
	tau := 0.5
	if o.Tau.Value > tau {
		tau = o.Tau.Value
	}
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
