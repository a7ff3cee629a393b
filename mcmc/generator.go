package mcmc

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	// data has the place of every configuration, where the workers put theirs.
	data []float64

	mu   sync.Mutex
	done int
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
	chain *Chain
	hot   bool
	// first is the index of the first configuration of the chain, want their number.
	first, want int
	// begin is the number of steps of the chain before production, -1 until then.
	begin  int
	data   []float64
	action []float64
	series [][]float64
	pilot  [2][]float64
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
	g := &Generator{
		cfg: cfg, workers: make([]*worker, cfg.Chains), thin: cfg.Thin, pilotSteps: cfg.PilotSteps,
		data: make([]float64, cfg.N*cfg.Action.Layout().Size()),
	}
	if g.pilotSteps == 0 {
		g.pilotSteps = pilotStart
	}
	first := 0
	for c := range g.workers {
		w, err := g.newWorker(c, first, newKernel)
		if err != nil {
			return nil, fmt.Errorf("mcmc: chain %d: %w", c, err)
		}
		g.workers[c] = w
		first += w.want
	}
	return g, nil
}

func (g *Generator) newWorker(c, first int, newKernel func(int) (Kernel, error)) (*worker, error) {
	kernel, err := newKernel(c)
	if err != nil {
		return nil, err
	}
	v := g.cfg.Action.Layout().Size()
	chain, err := NewChain(kernel, make([]float64, v), g.cfg.Seed, uint64(c))
	if err != nil {
		return nil, err
	}
	w := &worker{
		chain: chain, first: first, want: g.cfg.N / g.cfg.Chains, begin: -1,
		series: make([][]float64, len(g.cfg.Observables)),
	}
	if c < g.cfg.N%g.cfg.Chains {
		w.want++
	}
	w.data = g.data[first*v : first*v : (first+w.want)*v]
	switch {
	case g.cfg.Start == StartKernel:
		s, ok := kernel.(Starter)
		if !ok {
			return nil, fmt.Errorf("mcmc: expected a kernel that can start a chain, got %T", kernel)
		}
		if err := s.Start(chain.rng, chain.phi); err != nil {
			return nil, err
		}
	case g.cfg.Start == StartHot || g.cfg.Start == StartMixed && c%2 == 0:
		w.hot = true
		HotStart(chain.rng, chain.phi)
	default:
		ColdStart(chain.phi, g.cfg.ColdValue)
	}
	return w, nil
}

// Run works until the ensemble is finished. At a cancelled ctx it returns ctx.Err()
// and at an error of a chain that error; the same call then goes on, in the second
// case to the same error unless its cause is gone.
func (g *Generator) Run(ctx context.Context) error {
	if g.Phase() == PhaseThermalisation {
		if err := g.each(ctx, g.thermalise); err != nil {
			return err
		}
	}
	if g.thin == 0 {
		if err := g.runPilot(ctx); err != nil {
			return err
		}
	}
	return g.each(ctx, g.produce)
}

// Phase tells what Run will do next. It must not be called during Run.
func (g *Generator) Phase() Phase {
	finished := true
	for _, w := range g.workers {
		if w.chain.steps < g.cfg.Thermalisation {
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
				if errs[c] = f(inner, g.workers[c]); errs[c] != nil {
					cancel()
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for c, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("mcmc: chain %d: %w", c, err)
		}
	}
	return nil
}

// thermalise makes the steps of thermalisation that are left.
func (g *Generator) thermalise(ctx context.Context, w *worker) error {
	if w.chain.steps >= g.cfg.Thermalisation {
		return nil
	}
	return w.chain.thermalise(ctx, g.cfg.Thermalisation, w.chain.steps)
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
		g.report()
	}
	return nil
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
		g.cfg.Progress(g.done, g.cfg.N)
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
	for c, w := range g.workers {
		rec := ChainRecord{Hot: w.hot, First: len(chain), Len: len(w.data) / v}
		if w.begin >= 0 {
			rec.Stats = w.chain.stats
		}
		r.Chains = append(r.Chains, rec)
		r.Stats.Merge(rec.Stats)
		action = append(action, w.action...)
		for range rec.Len {
			chain = append(chain, float64(c))
		}
		for i := range r.Series {
			r.Series[i] = append(r.Series[i], w.series[i])
		}
	}
	if len(chain) == g.cfg.N {
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
