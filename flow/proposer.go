package flow

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// ProposerConfig configures a [Proposer].
type ProposerConfig struct {
	// Batch is the number of configurations that are drawn ahead of the chain. Default:
	// four times the batch of the flow.
	Batch int
}

// Proposer hands out the configurations of a flow one by one, with their densities, as
// the proposals of an independence sampler: it has the methods of mcmc.Proposer and
// mcmc.LogProber. Configurations are drawn ahead in batches, each from a seed that the
// generator of the chain supplies, so that a chain is a function of its own seed. A
// Proposer must not be used by two goroutines at once; many can share one flow.
//
// With a divergence that is known exactly the sampler is exact up to the step error of
// the flow, see [ProbabilityFlow.StepError]: LogProb integrates in the direction opposite to that
// of Propose, and the two densities of one configuration differ by that much. With
// random probes both densities carry noise, drawn afresh in every call, which the
// sampler must be told of (mcmc.IndependenceConfig.NoiseVariance).
type Proposer struct {
	f      *ProbabilityFlow
	single *ProbabilityFlow // for one configuration at a time
	batch  int

	seed        uint64   // of the present batch
	next        int      // place in it
	ahead       *Samples // nil if the batch has to be drawn (again)
	evaluations uint64   // of LogProb
}

// NewProposer returns a proposer of f, whose progress is not reported. It returns an error if f is nil or Batch negative.
func NewProposer(f *ProbabilityFlow, cfg ProposerConfig) (*Proposer, error) {
	if f == nil {
		return nil, fmt.Errorf("flow: expected a flow to draw proposals from, got nil")
	}
	if cfg.Batch < 0 {
		return nil, fmt.Errorf("flow: expected a number of proposals to draw ahead ≥ 0, got %d", cfg.Batch)
	}
	p := &Proposer{f: f, batch: cfg.Batch}
	if p.batch == 0 {
		p.batch = 4 * f.cfg.Batch
	}
	p.next = p.batch
	one := f.cfg
	one.Batch, one.Progress, one.Checkpoint = 1, nil, ""
	var err error
	p.single, err = New(f.backend, f.m, one)
	return p, err
}

// Layout returns the layout of the configurations that it draws.
func (p *Proposer) Layout() lattice.Layout { return p.f.layout }

// Propose writes the next configuration into dst and returns its log q. The generator is
// used for the seed of a new batch only. It returns an error if dst does not have the
// volume of the lattice, those of [ProbabilityFlow.Sample], and the error of an ended
// context; the same call then draws the same batch again.
func (p *Proposer) Propose(ctx context.Context, rng *rand.Rand, dst []float64) (logq float64, err error) {
	if len(dst) != p.f.layout.Size() {
		return 0, fmt.Errorf("flow: expected a field of %d numbers, got %d", p.f.layout.Size(), len(dst))
	}
	if p.next == p.batch {
		p.seed, p.next, p.ahead = rng.Uint64(), 0, nil
	}
	if p.ahead == nil {
		if err := p.draw(ctx); err != nil {
			return 0, err
		}
	}
	copy(dst, p.ahead.Ensemble.Config(p.next))
	p.next++
	return p.ahead.LogQ[p.next-1], nil
}

func (p *Proposer) draw(ctx context.Context) error {
	f := *p.f
	f.cfg.Progress, f.cfg.Checkpoint = nil, ""
	var err error
	p.ahead, err = f.Sample(ctx, p.batch, p.seed)
	return err
}

// LogProb returns log q of any configuration, at the cost of one evaluation of the flow.
// Errors are those of [ProbabilityFlow.LogProb] and that of an ended context.
func (p *Proposer) LogProb(ctx context.Context, phi []float64) (logq float64, err error) {
	ens := lattice.NewEnsemble(p.f.layout, 1)
	if err := lattice.CheckField(phi, p.f.layout.Size()); err != nil {
		return 0, fmt.Errorf("flow: %w", err)
	}
	ens.Data = append(ens.Data, phi...)
	p.evaluations++
	// The seeds of batches are 64 random bits, apart from those that count from them.
	l, err := p.single.LogProb(ctx, ens, p.seed+p.evaluations)
	if err != nil {
		return 0, err
	}
	return l.LogQ[0], nil
}

// stateBytes is the length of the state of a Proposer.
const stateBytes = 4 * 8

// MarshalBinary returns the place in the sequence of proposals: the seed of the present
// batch, which is drawn again when the state is restored.
func (p *Proposer) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, stateBytes)
	for _, v := range []uint64{uint64(p.batch), p.seed, uint64(p.next), p.evaluations} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b, nil
}

// UnmarshalBinary restores a state written by MarshalBinary of a proposer with the same
// flow and Batch.
func (p *Proposer) UnmarshalBinary(data []byte) error {
	if len(data) != stateBytes {
		return fmt.Errorf("flow: expected the state of a proposer in %d bytes, got %d", stateBytes, len(data))
	}
	var v [4]uint64
	for i := range v {
		v[i] = binary.LittleEndian.Uint64(data[8*i:])
	}
	if v[0] != uint64(p.batch) || v[2] > v[0] {
		return fmt.Errorf("flow: expected the state of a proposer with batches of %d, got place %d in batches of %d", p.batch, v[2], v[0])
	}
	p.seed, p.next, p.evaluations, p.ahead = v[1], int(v[2]), v[3], nil
	return nil
}
