package mcmc

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/latdiff/latdiff/lattice"
)

// Density is a [Transporter] that knows log q of every configuration, not only of those that
// it makes.
type Density interface {
	Transporter
	// LogDensity returns log q of configurations, one after the other.
	LogDensity(ctx context.Context, fields []float64) (logq []float64, err error)
}

// CompositeConfig configures [Composite].
type CompositeConfig struct {
	// Chains is the number of chains side by side, whose fields go through the flow together.
	// Default 64.
	Chains int
	// Steps is the number of steps of every chain that are kept, Thermalisation that of those
	// before; an [Adaptive] kernel adapts in the first half of these. Defaults 256 and 64.
	Steps, Thermalisation int
	// Updates is the number of transitions of the kernel after each proposal. Default 1.
	Updates int
	// NewKernel makes the kernel of a chain. Nil means [Recommended].
	NewKernel func(chain int) (Kernel, error)
	// Workers bounds the goroutines that make transitions; 0 means GOMAXPROCS. The result
	// does not depend on it.
	Workers int
	// Seed is the first seed of all generators.
	Seed uint64
	// Progress, if not nil, is called with the number of steps done and their total.
	Progress func(done, total int)
	// Checkpoint, if not empty, is a file to which the state of the run is written whenever
	// CheckpointEvery has passed, default 30 s, when ctx ends, and at the end, and from which the
	// same call goes on. A file that is damaged or of another run is an error; a flow with
	// the method Fingerprint() (string, error) is told from another by it, others by the layout alone,
	// and kernels must be those of the run that was saved.
	Checkpoint      string
	CheckpointEvery time.Duration
}

// CompositeResult is what [Composite] returns.
type CompositeResult struct {
	// Ensemble holds the configurations, chain after chain, Steps of each.
	Ensemble *lattice.Ensemble
	// Acceptance is the fraction of the proposals of the flow that was accepted, Kernel the
	// reports of the transitions of the kernel.
	Acceptance float64
	Kernel     KernelStats

	chains int
}

// Series returns the series of an observable in every chain.
func (r *CompositeResult) Series(f func(phi []float64) float64) [][]float64 {
	return seriesOf(r.Ensemble, r.chains, f)
}

// Composite runs Markov chains of e^{-S} whose steps are a proposal of a flow, accepted with
// the probability min(1, w(φ′)/w(φ)), w = e^{-S}/q, of [Independence], followed by transitions
// of another kernel. Both leave e^{-S} invariant, and so do they one after the other. The
// proposals carry a chain anywhere at once, and the kernel repairs what the flow does badly: a
// configuration that the flow proposes too rarely, and from which the independence sampler
// alone would not come away for 1/w steps, is changed by it. The price is log q of the field
// that it leaves, a second passage through the flow in each step.
//
// The chains start from draws of the flow. It returns an error for an impossible setting, a
// flow of another layout, a start of weight zero, errors of the flow, the kernel and the
// checkpoint, or ctx.Err() when ctx ends.
func Composite(ctx context.Context, action lattice.Action, flow Density, cfg CompositeConfig) (*CompositeResult, error) {
	c, err := newComposite(ctx, action, flow, cfg)
	if err != nil {
		return nil, err
	}
	cfg = c.CompositeConfig
	total := cfg.Thermalisation + cfg.Steps
	if c.moves.done < cfg.Thermalisation/2 {
		c.adapt(true)
	}
	for c.moves.done < total {
		if c.moves.done == cfg.Thermalisation/2 {
			c.adapt(false)
		}
		if c.moves.done == cfg.Thermalisation {
			for _, chain := range c.chains {
				chain.ClearStats()
			}
		}
		accepted, err := c.step(ctx)
		if err != nil {
			return nil, c.saved.stopped(ctx, err, c.write)
		}
		if kept := c.moves.done - cfg.Thermalisation; kept >= 0 {
			c.moves.accepted += accepted / float64(cfg.Steps)
			for j, chain := range c.chains {
				c.moves.out.set(j, kept, chain.phi)
			}
		}
		c.moves.done++
		if cfg.Progress != nil {
			cfg.Progress(c.moves.done, total)
		}
		if err := c.saved.saveDue(c.write); err != nil {
			return nil, err
		}
	}
	if err := c.saved.save(c.write); err != nil {
		return nil, err
	}
	r := &CompositeResult{Ensemble: c.moves.out.Ensemble, chains: cfg.Chains, Acceptance: c.moves.accepted}
	for _, chain := range c.chains {
		r.Kernel.Merge(chain.stats)
	}
	return r, nil
}

func (cfg CompositeConfig) withDefaults(action lattice.Action) (CompositeConfig, error) {
	for _, n := range []struct {
		name  string
		value *int
		def   int
	}{
		{"chains", &cfg.Chains, 64}, {"steps", &cfg.Steps, 256}, {"steps of thermalisation", &cfg.Thermalisation, 64},
		{"updates", &cfg.Updates, 1}, {"workers", &cfg.Workers, runtime.GOMAXPROCS(0)},
	} {
		if *n.value == 0 {
			*n.value = n.def
		}
		if *n.value < 1 {
			return cfg, fmt.Errorf("mcmc: expected at least one of the %s of composite chains, got %d", n.name, *n.value)
		}
	}
	if cfg.NewKernel == nil {
		cfg.NewKernel = func(int) (Kernel, error) { return Recommended(action) }
	}
	return cfg, nil
}

// composite is a run of Composite.
type composite struct {
	CompositeConfig
	moves  *latent // the proposals
	flow   Density
	chains []*Chain // of the kernel
	saved  *savedRun
}

// newComposite draws the starts, or takes what was saved.
func newComposite(ctx context.Context, action lattice.Action, flow Density, cfg CompositeConfig) (*composite, error) {
	cfg, err := cfg.withDefaults(action)
	if err != nil {
		return nil, err
	}
	if flow == nil {
		return nil, fmt.Errorf("mcmc: expected a flow for composite chains, got nil")
	}
	proposals, err := LatentConfig{Chains: cfg.Chains, Steps: cfg.Steps, Thermalisation: cfg.Thermalisation, Beta: 1, Seed: cfg.Seed}.withDefaults(action, flow)
	if err != nil {
		return nil, err
	}
	c := &composite{CompositeConfig: cfg, flow: flow, chains: make([]*Chain, cfg.Chains)}
	c.moves = newLatent(action, flow, proposals)
	if c.saved, err = newSavedRun(cfg.Checkpoint, cfg.CheckpointEvery, "composite", c.fingerprint); err != nil {
		return nil, err
	}
	if restored, err := c.saved.restore(c.read); restored || err != nil {
		return c, err
	}
	if err := c.moves.start(ctx); err != nil {
		return nil, err
	}
	return c, c.startChains()
}

// startChains makes the chains of the kernel from the fields before the proposals.
func (c *composite) startChains() error {
	for i := range c.chains {
		k, err := c.NewKernel(i)
		if err != nil {
			return err
		}
		if c.chains[i], err = NewChain(k, c.moves.field(i), c.Seed, uint64(i+1)); err != nil {
			return err
		}
	}
	return nil
}

// fingerprint says which run it is.
func (c *composite) fingerprint() (string, error) {
	moves, err := c.moves.fingerprint()
	return fmt.Sprintf("%s with %d updates", moves, c.Updates), err
}

func (c *composite) write(e *stateWriter) error {
	if err := c.moves.write(e); err != nil {
		return err
	}
	for _, chain := range c.chains {
		b, err := chain.MarshalBinary()
		if err != nil {
			return err
		}
		e.bytes(b)
	}
	return nil
}

// read reads what write wrote.
func (c *composite) read(d *stateReader) error {
	if err := c.moves.read(d); err != nil {
		return err
	}
	if err := c.startChains(); err != nil {
		return err
	}
	for i, chain := range c.chains {
		b := d.bytes()
		if d.err != nil {
			return d.err
		}
		if err := chain.UnmarshalBinary(b); err != nil {
			return fmt.Errorf("chain %d: %w", i, err)
		}
	}
	return nil
}

func (c *composite) adapt(on bool) {
	for _, chain := range c.chains {
		setAdaptation([]Kernel{chain.kernel}, on)
	}
}

// step makes a step of all chains, and returns the fraction of the proposals that was accepted. Once
// the proposals are made it goes to its end: after the error of a ctx that has ended it is as if the
// step had not been begun.
func (c *composite) step(ctx context.Context) (accepted float64, err error) {
	if err := c.weigh(ctx); err != nil {
		return 0, err
	}
	if accepted, err = c.moves.step(ctx); err != nil {
		return 0, err
	}
	for i, chain := range c.chains {
		copy(chain.phi, c.moves.field(i))
	}
	return accepted, c.update(context.WithoutCancel(ctx))
}

// weigh hands the fields that the kernel has left to the proposals, with their weights.
func (c *composite) weigh(ctx context.Context) error {
	for i, chain := range c.chains {
		copy(c.moves.field(i), chain.phi)
	}
	logq, err := c.flow.LogDensity(ctx, c.moves.fields)
	if err != nil {
		return fmt.Errorf("mcmc: density of the present fields: %w", err)
	}
	if len(logq) != c.Chains {
		return fmt.Errorf("mcmc: expected %d densities from the flow, got %d", c.Chains, len(logq))
	}
	for i, l := range logq {
		w := -c.moves.action.Value(c.moves.field(i)) - l
		if !finite(w) {
			return fmt.Errorf("mcmc: expected a finite weight of the present field, got log w = %v of chain %d", w, i)
		}
		c.moves.logw[i] = w
	}
	return nil
}

// update makes the transitions of the kernels.
func (c *composite) update(ctx context.Context) error {
	errs := make([]error, c.Chains)
	var wg sync.WaitGroup
	for w := range min(c.Workers, c.Chains) {
		wg.Go(func() {
			for i := w; i < c.Chains; i += c.Workers {
				errs[i] = c.chains[i].Run(ctx, c.Updates)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
