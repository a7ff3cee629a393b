package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/latdiff/latdiff/lattice"
)

// Transporter maps latent fields of a simple distribution to configurations, with the
// density of the map: a flow. Latent fields have as many numbers as configurations.
type Transporter interface {
	// Layout returns the layout of the configurations.
	Layout() lattice.Layout
	// Latent draws n latent fields, one after the other.
	Latent(rng *rand.Rand, n int) []float64
	// Perturb returns latent fields after a step of size beta, between 0 and 1, that leaves
	// their distribution invariant and is reversible, and for 1 is a fresh draw.
	Perturb(rng *rand.Rand, latent []float64, beta float64) []float64
	// Map returns the configurations of latent fields and log q of each.
	Map(ctx context.Context, latent []float64) (fields, logq []float64, err error)
}

// LatentConfig configures [Latent].
type LatentConfig struct {
	// Chains is the number of chains side by side, whose proposals go through the flow
	// together. Default 64.
	Chains int
	// Steps is the number of steps of every chain that are kept, Thermalisation that of
	// those before, in which β is adapted. Defaults 256 and 64.
	Steps, Thermalisation int
	// Beta is the size of the steps, from above 0 to 1, which are the proposals of
	// [Independence]. 0: adapted to the acceptance Acceptance, default 0.4.
	Beta, Acceptance float64
	// Seed is that of the generator.
	Seed uint64
	// Progress, if not nil, is called with the number of steps done and their total.
	Progress func(done, total int)
	// Checkpoint, if not empty, is a file to which the state of the run is written whenever
	// CheckpointEvery has passed, default 30 s, when ctx ends, and at the end, and from which the
	// same call goes on. A file that is damaged or of another run is an error; a flow with
	// the method Fingerprint() (string, error) is told from another by it, others by the layout alone.
	Checkpoint      string
	CheckpointEvery time.Duration
}

// LatentResult is what [Latent] returns.
type LatentResult struct {
	// Ensemble holds the configurations, chain after chain, Steps of each.
	Ensemble *lattice.Ensemble
	// Beta is the size of the steps, and Acceptance the fraction that was accepted.
	Beta, Acceptance float64

	chains int
}

// Series returns the series of an observable in every chain.
func (r *LatentResult) Series(f func(phi []float64) float64) [][]float64 {
	return seriesOf(r.Ensemble, r.chains, f)
}

// seriesOf measures the configurations of chains of equal length, one chain after the other.
func seriesOf(ens *lattice.Ensemble, chains int, f func(phi []float64) float64) [][]float64 {
	x := ens.Measure(nil, f)
	out := make([][]float64, chains)
	for c := range out {
		lo, hi := population(len(x), chains, c)
		out[c] = x[lo:hi]
	}
	return out
}

// Latent runs Markov chains of e^{-S} that move in the space of latent fields z of a flow
// φ = f(z): a step z → z′ that is reversible with respect to the latent distribution is
// accepted with the probability
//
//	min(1, w(φ′)/w(φ)),  w = e^{-S}/q.
//
// For fresh draws, β = 1, this is the independence sampler. Where the weights vary too much
// for that, small steps are accepted nevertheless, and since the flow takes care of the
// scales of the theory, they are steps in all modes alike: preconditioned Crank–Nicolson
// proposals. It is exact as the independence sampler is.
//
// The chains start from draws of the flow. It returns an error for an impossible setting, a
// flow of another layout, a start of weight zero, errors of the flow and of the checkpoint, or
// ctx.Err() when ctx ends.
func Latent(ctx context.Context, action lattice.Action, flow Transporter, cfg LatentConfig) (*LatentResult, error) {
	cfg, err := cfg.withDefaults(action, flow)
	if err != nil {
		return nil, err
	}
	l := newLatent(action, flow, cfg)
	if l.beta == 0 {
		l.beta = 0.5
	}
	l.saved, err = newSavedRun(cfg.Checkpoint, cfg.CheckpointEvery, "latent", l.fingerprint)
	if err != nil {
		return nil, err
	}
	if restored, err := l.saved.restore(l.read); err != nil {
		return nil, err
	} else if !restored {
		if err := l.start(ctx); err != nil {
			return nil, err
		}
	}
	total := cfg.Thermalisation + cfg.Steps
	for l.done < total {
		accepted, err := l.step(ctx)
		if err != nil {
			return nil, l.saved.stopped(ctx, err, l.write)
		}
		kept := l.done - cfg.Thermalisation
		switch {
		case kept >= 0:
			l.accepted += accepted / float64(cfg.Steps)
			for c := range cfg.Chains {
				l.out.set(c, kept, l.field(c))
			}
		case cfg.Beta == 0:
			// Robbins–Monro on log β, with a gain that falls.
			l.beta = math.Min(1, l.beta*math.Exp((accepted-cfg.Acceptance)/math.Sqrt(1+float64(l.done)/4)))
		}
		l.done++
		if cfg.Progress != nil {
			cfg.Progress(l.done, total)
		}
		if err := l.saved.saveDue(l.write); err != nil {
			return nil, err
		}
	}
	if err := l.saved.save(l.write); err != nil {
		return nil, err
	}
	return &LatentResult{Ensemble: l.out.Ensemble, chains: cfg.Chains, Beta: l.beta, Acceptance: l.accepted}, nil
}

func (cfg LatentConfig) withDefaults(action lattice.Action, flow Transporter) (LatentConfig, error) {
	if flow == nil {
		return cfg, fmt.Errorf("mcmc: expected a flow for moves in latent space, got nil")
	}
	if err := lattice.CheckAction(action); err != nil {
		return cfg, fmt.Errorf("mcmc: latent space: %w", err)
	}
	if !flow.Layout().Equal(action.Layout()) {
		return cfg, fmt.Errorf("mcmc: expected a flow of fields on %v for %s, got one of fields on %v", action.Layout(), lattice.Describe(action), flow.Layout())
	}
	for _, n := range []struct {
		name  string
		value *int
		def   int
	}{{"chains", &cfg.Chains, 64}, {"steps", &cfg.Steps, 256}, {"steps of thermalisation", &cfg.Thermalisation, 64}} {
		if *n.value == 0 {
			*n.value = n.def
		}
		if *n.value < 1 {
			return cfg, fmt.Errorf("mcmc: expected at least one of the %s in latent space, got %d", n.name, *n.value)
		}
	}
	if cfg.Acceptance == 0 {
		cfg.Acceptance = 0.4
	}
	if !(cfg.Beta >= 0 && cfg.Beta <= 1) || !(cfg.Acceptance > 0 && cfg.Acceptance < 1) {
		return cfg, fmt.Errorf("mcmc: expected steps in latent space of a size β up to 1 and an acceptance between 0 and 1, got %v and %v", cfg.Beta, cfg.Acceptance)
	}
	return cfg, nil
}

// latent is a run of Latent.
type latent struct {
	LatentConfig
	action lattice.Action
	flow   Transporter
	pcg    *rand.PCG
	rng    *rand.Rand
	out    *kept
	saved  *savedRun

	// done is the number of steps that were made, accepted the fraction of the proposals in those
	// that are kept, over the number of all of them.
	done            int
	accepted, beta  float64
	z, fields, logw []float64
}

func newLatent(action lattice.Action, flow Transporter, cfg LatentConfig) *latent {
	l := &latent{LatentConfig: cfg, action: action, flow: flow, pcg: rand.NewPCG(cfg.Seed, 0), beta: cfg.Beta}
	l.rng, l.out = rand.New(l.pcg), newKept(action.Layout(), cfg.Chains, cfg.Steps)
	return l
}

// field returns the present field of a chain.
func (l *latent) field(chain int) []float64 {
	size := l.action.Layout().Size()
	return l.fields[chain*size : (chain+1)*size]
}

// start draws the starts.
func (l *latent) start(ctx context.Context) error {
	l.z = l.flow.Latent(l.rng, l.Chains)
	var err error
	if l.fields, l.logw, err = l.weigh(ctx, l.z); err != nil {
		return err
	}
	for c, w := range l.logw {
		if !finite(w) {
			return fmt.Errorf("mcmc: expected starts of finite weight in latent space, got log w = %v of chain %d", w, c)
		}
	}
	return nil
}

// weigh returns the configurations of latent fields and their log-weights.
func (l *latent) weigh(ctx context.Context, z []float64) (fields, logw []float64, err error) {
	fields, logw, err = l.flow.Map(ctx, z)
	if err != nil {
		return nil, nil, fmt.Errorf("mcmc: latent space: %w", err)
	}
	size := l.action.Layout().Size()
	if len(fields) != len(z) || len(logw)*size != len(z) {
		return nil, nil, fmt.Errorf("mcmc: expected %d configurations with their densities from the flow, got %d numbers and %d densities", len(z)/size, len(fields), len(logw))
	}
	for c := range logw {
		logw[c] = -l.action.Value(fields[c*size:(c+1)*size]) - logw[c]
	}
	return fields, logw, nil
}

// step makes a step of all chains, and returns the fraction that was accepted. A proposal
// without a finite weight is rejected. After an error it is as if the step had not been begun.
func (l *latent) step(ctx context.Context) (accepted float64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	before := *l.pcg
	z := l.flow.Perturb(l.rng, l.z, l.beta)
	fields, logw, err := l.weigh(ctx, z)
	if err != nil {
		*l.pcg = before
		return 0, err
	}
	size := l.action.Layout().Size()
	for c, w := range logw {
		if !(l.rng.Float64() < math.Exp(w-l.logw[c])) || !finite(w) {
			continue
		}
		accepted += 1 / float64(l.Chains)
		copy(l.z[c*size:(c+1)*size], z[c*size:(c+1)*size])
		copy(l.fields[c*size:(c+1)*size], fields[c*size:(c+1)*size])
		l.logw[c] = w
	}
	return accepted, nil
}
