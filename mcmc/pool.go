package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/latdiff/latdiff/lattice"
)

// Pool is a [Proposer] of precomputed pairs of a configuration and its log q. It
// hands them out in their order, each once, so that the proposals are independent
// draws of q if the configurations are; it then reports [ErrPoolExhausted].
type Pool struct {
	cfgs *lattice.Ensemble
	logq []float64
	logw []float64
	next int
}

var _ Proposer = (*Pool)(nil)

// NewPool returns the pool of the pairs (configuration i of cfgs, logq[i]), whose
// log-weights under action it evaluates. The pool keeps cfgs and logq. It returns
// an error if cfgs or action is nil, if they have different layouts, if there is no pair, or if
// the numbers of configurations and densities differ. Pairs that are not finite are allowed; they
// get the log-weight -Inf and are never accepted.
func NewPool(cfgs *lattice.Ensemble, logq []float64, action lattice.Action) (*Pool, error) {
	if cfgs == nil || action == nil {
		return nil, fmt.Errorf("mcmc: expected configurations and an action for the pool, got nil")
	}
	if err := cfgs.CheckLayout(action.Layout()); err != nil {
		return nil, fmt.Errorf("mcmc: pool: %w", err)
	}
	n := cfgs.Len()
	if n == 0 || n != len(logq) {
		return nil, fmt.Errorf("mcmc: expected as many log q as configurations and at least one, got %d and %d", len(logq), n)
	}
	p := &Pool{cfgs: cfgs, logq: logq, logw: make([]float64, n)}
	for i := range p.logw {
		w := math.NaN()
		if phi := cfgs.Config(i); allFinite(phi) {
			w = -action.Value(phi) - logq[i]
		}
		if !finite(w) {
			w = math.Inf(-1)
		}
		p.logw[i] = w
	}
	return p, nil
}

// Layout returns that of the configurations.
func (p *Pool) Layout() lattice.Layout { return p.cfgs.Layout }

// Propose copies the next configuration into dst.
func (p *Pool) Propose(_ context.Context, _ *rand.Rand, dst []float64) (float64, error) {
	if p.next == len(p.logq) {
		return 0, ErrPoolExhausted
	}
	p.next++
	return p.pair(p.next-1, dst)
}

func (p *Pool) pair(i int, dst []float64) (float64, error) {
	if len(dst) != p.cfgs.Size() {
		return 0, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", p.cfgs.Size(), len(dst))
	}
	copy(dst, p.cfgs.Config(i))
	return p.logq[i], nil
}

// Remaining returns the number of pairs that have not been proposed.
func (p *Pool) Remaining() int { return len(p.logq) - p.next }

// LogWeights returns log w = -S - log q of all pairs, -Inf where it is not finite.
func (p *Pool) LogWeights() []float64 { return slices.Clone(p.logw) }

// DMMC runs the independence sampler once through all pairs, see [DMMC]; entries
// of Index refer to the configurations of the pool. It does not use up the pool.
func (p *Pool) DMMC(rng *rand.Rand) (DMMCResult, error) { return DMMC(rng, p.logw) }

// WithReplacement returns a proposer that draws pairs of the pool at random, again
// and again, as the published code of arXiv:2309.17082 does. It is approximate:
// the proposals repeat, so that the chain converges to the reweighted pool and not
// to exp(-S); the bias is that of an importance sample of the size of the pool.
func (p *Pool) WithReplacement() Proposer { return resampler{p} }

type resampler struct{ pool *Pool }

func (r resampler) Layout() lattice.Layout { return r.pool.Layout() }

func (r resampler) Propose(_ context.Context, rng *rand.Rand, dst []float64) (float64, error) {
	return r.pool.pair(rng.IntN(len(r.pool.logq)), dst)
}

// MarshalBinary returns the place in the pool.
func (p *Pool) MarshalBinary() ([]byte, error) { return putUint(nil, uint64(p.next)), nil }

// UnmarshalBinary restores the place in the pool.
func (p *Pool) UnmarshalBinary(data []byte) error {
	d := decoder{b: data}
	next := d.uint()
	if err := d.finish(); err != nil {
		return err
	}
	if next > uint64(len(p.logq)) {
		return fmt.Errorf("mcmc: expected a place in a pool of %d pairs, got %d", len(p.logq), next)
	}
	p.next = int(next)
	return nil
}
