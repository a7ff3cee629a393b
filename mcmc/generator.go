package mcmc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/latdiff/latdiff/lattice"
)

// Generator is a run of [Generate] that can pause: Run stops at a cancelled context
// and goes on when called again, and between the two the state can be saved with
// Save and restored elsewhere with Restore. The result is bit by bit that of a run
// without pauses. A generator is not safe for concurrent use.
type Generator struct {
	cfg     EnsembleConfig
	workers []*worker
	thin    int
	pilot   *Pilot
	// pilotSteps is the number of pilot steps of each chain that is being measured.
	pilotSteps int
	// rounds has, for each pilot run whose chains did not agree, the largest R̂.
	rounds []float64
	// data has the place of every configuration, where the workers put theirs, and n is their
	// number.
	data []float64
	n    int

	mu   sync.Mutex
	done int
	// phase is that of the steps which are reported, phaseDone of phaseTotal.
	phase                 Phase
	phaseDone, phaseTotal int
}

// Phase is a part of the run of a [Generator].
type Phase int

const (
	// PhaseThermalisation comes first.
	PhaseThermalisation Phase = iota
	// PhasePilot measures autocorrelation times, unless the thinning is given.
	PhasePilot
	// PhaseProduction makes the configurations.
	PhaseProduction
	// PhaseFinished says that nothing is left to do.
	PhaseFinished
)

// worker is one chain with what it has produced.
type worker struct {
	number int // of the chain
	chain  *Chain
	hot    bool
	// from and until are the numbers of steps of the chain at which its thermalisation,
	// or the last extension of it, begins and ends.
	from, until int
	// first is the index of the first configuration of the chain, want their number.
	first, want int
	// begin is the number of steps of the chain before production, -1 until then.
	begin int
	// unborn says that the kernel has still to choose the first field.
	unborn bool
	data   []float64
	action []float64
	series [][]float64
	// pilot has a series of every observable that chains are compared by.
	pilot [][]float64
	// reported is the number of steps of the chain that PhaseProgress knows of.
	reported int
}

// NewGenerator checks the configuration and makes the kernels and the chains, see
// [Generate]. It returns an error, without running anything, if the configuration is
// invalid or newKernel fails.
func NewGenerator(cfg EnsembleConfig, newKernel func(chain int) (Kernel, error)) (*Generator, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if newKernel == nil {
		newKernel = func(int) (Kernel, error) { return Recommended(cfg.Action) }
	}
	if err := cfg.checkMemory(max(cfg.Thin, 1)); err != nil {
		return nil, err
	}
	if err := checkBounded(cfg.Action); err != nil {
		return nil, err
	}
	lo, hi := cfg.share()
	g := &Generator{cfg: cfg, workers: make([]*worker, hi-lo), thin: cfg.Thin, pilotSteps: cfg.PilotSteps, n: cfg.until(hi) - cfg.until(lo)}
	g.data = make([]float64, g.n*cfg.Action.Layout().Size())
	if g.pilotSteps == 0 {
		g.pilotSteps = pilotStart
	}
	for i := range g.workers {
		w, err := g.newWorker(lo+i, newKernel)
		if err != nil {
			return nil, fmt.Errorf("mcmc: chain %d: %w", lo+i, err)
		}
		for _, o := range g.workers[:i] {
			if same(w.chain.kernel, o.chain.kernel) {
				return nil, fmt.Errorf("mcmc: expected a kernel of its own for every chain, got one %T for the chains %d and %d", w.chain.kernel, o.number, w.number)
			}
		}
		g.workers[i] = w
	}
	return g, nil
}

// same tells whether two kernels are one object with memory.
func same(a, b Kernel) bool {
	v, w := reflect.ValueOf(a), reflect.ValueOf(b)
	return v.Kind() == reflect.Pointer && w.Kind() == reflect.Pointer &&
		v.Type().Elem().Size() > 0 && v.Pointer() == w.Pointer()
}

func (g *Generator) newWorker(c int, newKernel func(int) (Kernel, error)) (*worker, error) {
	kernel, err := newKernel(c)
	if err != nil {
		return nil, err
	}
	v := g.cfg.Action.Layout().Size()
	chain, err := NewChain(kernel, make([]float64, v), g.cfg.Seed, uint64(c))
	if err != nil {
		return nil, err
	}
	lo, _ := g.cfg.share()
	first, end := g.cfg.until(c)-g.cfg.until(lo), g.cfg.until(c+1)-g.cfg.until(lo)
	w := &worker{
		number: c, chain: chain, first: first, want: end - first, begin: -1,
		series: make([][]float64, len(g.cfg.Observables)),
		pilot:  make([][]float64, len(newCompared(g.cfg.Action).names)),
		until:  max(0, g.cfg.Thermalisation),
	}
	w.data = g.data[first*v : first*v : end*v]
	chain.watch = func() error { return g.watch(w) }
	switch {
	case g.cfg.Start == StartKernel:
		if _, ok := kernel.(Starter); !ok {
			return nil, fmt.Errorf("mcmc: expected a kernel that can start a chain, got %T", kernel)
		}
		w.unborn = true
	case g.cfg.Start == StartHot || g.cfg.Start == StartMixed && c%2 == 0:
		w.hot = true
		HotStart(chain.rng, chain.phi)
	default:
		ColdStart(chain.phi, g.cfg.ColdValue)
	}
	if g.cfg.Start != StartKernel && !reduce(g.cfg.Action, chain.phi) {
		return nil, fmt.Errorf("expected an action that is finite close to a start field, got %v", g.cfg.Action.Value(chain.phi))
	}
	return w, nil
}

// Run works until the ensemble is finished. At a cancelled ctx it returns ctx.Err()
// and at an error of a chain that error; the same call then goes on, in the second
// case to the same error unless its cause is gone. It returns a [*NotEquilibratedError]
// if the chains do not come to agree; see [Generate]. Where the configuration names a
// Checkpoint it is written on the way, at a cancelled ctx and at the end; see
// [Generator.Resume].
func (g *Generator) Run(ctx context.Context) error {
	if g.cfg.Checkpoint != "" {
		return g.runSaving(ctx)
	}
	return g.run(ctx)
}

// run is Run without checkpoints.
func (g *Generator) run(ctx context.Context) error {
	if err := g.each(ctx, g.begin); err != nil {
		return err
	}
	for {
		if g.Phase() == PhaseThermalisation {
			g.enter(PhaseThermalisation)
			if err := g.each(ctx, g.thermalise); err != nil {
				return err
			}
		}
		if g.thin != 0 {
			break
		}
		if err := g.runPilot(ctx); err != nil {
			return err
		}
	}
	g.enter(PhaseProduction)
	if err := g.each(ctx, g.produce); err != nil {
		return err
	}
	return g.check()
}

// Phase tells what Run will do next. It must not be called during Run.
func (g *Generator) Phase() Phase {
	finished := true
	for _, w := range g.workers {
		if w.chain.steps < w.until {
			return PhaseThermalisation
		}
		finished = finished && len(w.data) == cap(w.data)
	}
	switch {
	case g.thin == 0:
		return PhasePilot
	case finished:
		return PhaseFinished
	}
	return PhaseProduction
}

// Thin returns the number of steps between configurations, 0 before the pilot run has
// chosen it. It must not be called during Run.
func (g *Generator) Thin() int { return g.thin }

// Kernel returns the kernel of a chain, counted from 0 in every share.
func (g *Generator) Kernel(chain int) Kernel { return g.workers[chain].chain.kernel }

// each runs f for all chains on the configured number of goroutines. The first
// error stops the others; of several, that of the lowest chain is returned.
func (g *Generator) each(ctx context.Context, f func(context.Context, *worker) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(g.workers))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(g.cfg.Workers, len(g.workers)) {
		wg.Go(func() {
			for {
				c := int(next.Add(1)) - 1
				if c >= len(g.workers) {
					return
				}
				errs[c] = f(inner, g.workers[c])
				if errs[c] != nil && !errors.Is(errs[c], errPaused) {
					cancel()
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, err := range errs {
		var n *NotEquilibratedError
		if errors.As(err, &n) {
			return n
		}
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errPaused) {
			return fmt.Errorf("mcmc: chain %d: %w", g.workers[i].number, err)
		}
	}
	if slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, errPaused) }) {
		return errPaused
	}
	return nil
}

// maxExtensions bounds how often the thermalisation of a stuck chain is doubled.
const maxExtensions = 3

// begin lets the kernel of a chain choose its first field, if that is its task.
func (g *Generator) begin(ctx context.Context, w *worker) error {
	if !w.unborn {
		return nil
	}
	before, err := w.chain.MarshalBinary()
	if err != nil {
		return err
	}
	if err := w.chain.kernel.(Starter).Start(ctx, w.chain.rng, w.chain.phi); err != nil {
		// A start that was interrupted is made again, with the same random numbers.
		return errors.Join(err, w.chain.UnmarshalBinary(before))
	}
	w.unborn = false
	return nil
}

// thermalise makes the steps of thermalisation that are left. A chain that accepts
// nothing in the second half, with its kernel frozen, goes on for twice as long, up to
// three times.
func (g *Generator) thermalise(ctx context.Context, w *worker) error {
	for w.chain.steps < w.until {
		if err := w.chain.thermalise(ctx, w.until-w.from, w.chain.steps-w.from); err != nil {
			return err
		}
		g.reportSteps(w, 0)
		err := w.stuck()
		if err == nil || g.cfg.Unchecked {
			break
		}
		n := w.until - w.from
		if n > g.cfg.Thermalisation<<(maxExtensions-1) {
			return err
		}
		w.from, w.until = w.until, w.until+2*n
		g.reportSteps(w, 2*n)
	}
	return nil
}

// produce makes the configurations of a chain that are left.
func (g *Generator) produce(ctx context.Context, w *worker) error {
	if w.begin < 0 {
		w.begin = w.chain.steps
		w.chain.stats = KernelStats{}
	}
	v := g.cfg.Action.Layout().Size()
	for n := len(w.data) / v; n < w.want; n++ {
		if err := g.advance(ctx, w, w.begin+(n+1)*g.thin); err != nil {
			return err
		}
		w.data = append(w.data, w.chain.phi...)
		w.action = append(w.action, g.cfg.Action.Value(w.chain.phi))
		if !g.cfg.Unchecked && w.chain.stats.Steps >= longStill {
			if err := w.stuck(); err != nil {
				return err
			}
		}
		g.report()
	}
	return nil
}

// longStill is the number of steps of production after which a chain that has accepted
// nothing ends the run.
const longStill = 1000

// check compares the configurations of the chains with each other when all are there.
func (g *Generator) check() error {
	if g.cfg.Unchecked || g.cfg.Shares > 1 {
		return nil
	}
	o := newCompared(g.cfg.Action)
	v := o.layout.Size()
	// of[i][c] is the series of observable i on chain c.
	of := make([][][]float64, len(o.names))
	for _, w := range g.workers {
		series := make([][]float64, len(o.names))
		for i, s := range w.action {
			o.add(series, w.data[i*v:(i+1)*v], s)
		}
		for i, x := range series {
			of[i] = append(of[i], x)
		}
	}
	for i := range o.names {
		if a := o.agreement(i, of[i], g.hot()); !a.ok() {
			return g.failure(a)
		}
	}
	return nil
}

// hot tells of every chain whether it started hot. Where all chains start alike there is
// nothing to compare.
func (g *Generator) hot() []bool {
	hot := make([]bool, len(g.workers))
	for c, w := range g.workers {
		hot[c] = w.hot
	}
	return hot
}

// advance runs a chain until it has made the given number of steps in all.
func (g *Generator) advance(ctx context.Context, w *worker, steps int) error {
	if len(g.cfg.Observables) == 0 {
		return w.chain.Run(ctx, steps-w.chain.steps)
	}
	for w.chain.steps < steps {
		if err := w.chain.Run(ctx, 1); err != nil {
			return err
		}
		for i, o := range g.cfg.Observables {
			w.series[i] = append(w.series[i], o.Func(w.chain.phi))
		}
	}
	return nil
}

func (g *Generator) report() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done++
	if g.cfg.Progress != nil {
		g.cfg.Progress(g.done, g.n)
	}
}

// Result returns what is finished. It shares memory with the generator and is valid
// until the next call of Run or Restore.
func (g *Generator) Result() *EnsembleResult {
	v := g.cfg.Action.Layout().Size()
	r := &EnsembleResult{
		Ensemble: lattice.NewEnsemble(g.cfg.Action.Layout(), 0),
		Thin:     g.thin, Pilot: g.pilot,
		Series: make([][][]float64, len(g.cfg.Observables)),
	}
	var chain, action []float64
	for _, w := range g.workers {
		rec := ChainRecord{Hot: w.hot, First: len(chain), Len: len(w.data) / v}
		if w.begin >= 0 {
			rec.Stats = w.chain.stats
		}
		r.Chains = append(r.Chains, rec)
		r.Stats.Merge(rec.Stats)
		action = append(action, w.action...)
		for range rec.Len {
			chain = append(chain, float64(w.number))
		}
		for i := range r.Series {
			r.Series[i] = append(r.Series[i], w.series[i])
		}
	}
	if len(chain) == g.n {
		r.Ensemble.Data = g.data
	} else {
		for _, w := range g.workers {
			r.Ensemble.Data = append(r.Ensemble.Data, w.data...)
		}
	}
	r.Ensemble.Extra["chain"] = chain
	r.Ensemble.Extra["action"] = action
	if r.Stats.Steps > 0 {
		r.Ensemble.Params["acc_rate"] = r.Stats.Acceptance()
		r.Ensemble.Params["thin"] = float64(r.Thin)
	}
	maps.Copy(r.Ensemble.Params, lattice.Params(g.cfg.Action))
	return r
}
