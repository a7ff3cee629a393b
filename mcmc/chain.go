package mcmc

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"

	"github.com/latdiff/latdiff/lattice"
)

// Chain is one Markov chain: a kernel, the field it acts on, and a PCG generator
// of its own. A chain is not safe for concurrent use; chains with kernels of
// their own are independent of each other.
type Chain struct {
	kernel Kernel
	phi    []float64
	pcg    *rand.PCG
	rng    *rand.Rand
	steps  int
	stats  KernelStats
	// pause, if not nil, makes Run stop before a step with errPaused once it is closed.
	pause <-chan struct{}
	// watch, if not nil, is called every watched steps.
	watch func() error
}

// errPaused is not seen by users: a generator that makes checkpoints goes on.
var errPaused = errors.New("mcmc: paused")

// watched is the number of steps of a chain from one look at it to the next.
const watched = 16

// NewChain returns a chain of kernel that starts at a copy of the field start,
// with the generator rand.NewPCG(seed1, seed2). Chains with the same seed1 and
// different seed2 are statistically independent. It returns an error if kernel is
// nil or if start is empty or not finite. A chain of the independence sampler from a field
// that its proposer hardly ever draws, such as φ = 0, may sit there for hundreds of steps:
// start it from [Independence.Start].
func NewChain(kernel Kernel, start []float64, seed1, seed2 uint64) (*Chain, error) {
	if kernel == nil {
		return nil, fmt.Errorf("mcmc: expected a kernel for the chain, got nil")
	}
	if len(start) == 0 {
		return nil, fmt.Errorf("mcmc: expected a start field with at least one site, got none")
	}
	if err := lattice.CheckField(start, len(start)); err != nil {
		return nil, fmt.Errorf("mcmc: start of the chain: %w", err)
	}
	pcg := rand.NewPCG(seed1, seed2)
	return &Chain{kernel: kernel, phi: slices.Clone(start), pcg: pcg, rng: rand.New(pcg)}, nil
}

// Run makes n transitions. It stops at a cancelled ctx with ctx.Err(), at an
// error of the kernel, or with an error when the field has become non-finite;
// Steps tells how many transitions were made. Cancellation never interrupts a
// transition, so the chain can go on afterwards as if it had not stopped.
func (c *Chain) Run(ctx context.Context, n int) error {
	done := ctx.Done()
	for range n {
		select {
		case <-done:
			return ctx.Err()
		case <-c.pause:
			return errPaused
		default:
		}
		info, err := c.kernel.Step(ctx, c.rng, c.phi)
		if err != nil {
			return fmt.Errorf("mcmc: step %d: %w", c.steps, err)
		}
		c.steps++
		c.stats.Add(info)
		if c.watch != nil && c.steps%watched == 0 {
			if err := c.watch(); err != nil {
				return err
			}
		}
	}
	if err := lattice.CheckField(c.phi, len(c.phi)); err != nil {
		return fmt.Errorf("mcmc: after step %d: %w", c.steps, err)
	}
	return nil
}

// Thermalise makes n transitions, the first half of them with the adaptation of
// an [Adaptive] kernel switched on, and then clears the accumulated statistics.
// The second half lets the chain forget that its kernel depended on the past.
func (c *Chain) Thermalise(ctx context.Context, n int) error {
	if err := c.thermalise(ctx, n, 0); err != nil {
		return err
	}
	c.ClearStats()
	return nil
}

// thermalise is Thermalise for a chain that has made the first done of the n
// transitions. The statistics that it leaves are those of the second half.
func (c *Chain) thermalise(ctx context.Context, n, done int) error {
	if done < n/2 {
		a, ok := c.kernel.(Adaptive)
		if ok {
			a.SetAdaptation(true)
		}
		err := c.Run(ctx, n/2-done)
		if ok {
			a.SetAdaptation(false)
		}
		if err != nil {
			return err
		}
		done = n / 2
		c.ClearStats()
	}
	return c.Run(ctx, n-done)
}

// Field returns the present field, valid until the next transition. It is the
// chain's own memory; the caller must not modify it.
func (c *Chain) Field() []float64 { return c.phi }

// Steps returns the number of transitions made since the start.
func (c *Chain) Steps() int { return c.steps }

// Stats returns the reports accumulated since the start, the end of the last [Chain.Thermalise] or
// the last [Chain.ClearStats].
func (c *Chain) Stats() KernelStats { return c.stats }

// ClearStats forgets the reports, as [Chain.Thermalise] does in the end.
func (c *Chain) ClearStats() { c.stats = KernelStats{} }

// Kernel returns the kernel of the chain.
func (c *Chain) Kernel() Kernel { return c.kernel }

const chainMagic = "latdiff chain 1\n"

// MarshalBinary returns the state of the chain: generator, field, number of
// steps, accumulated statistics, and the state of a [Stateful] kernel.
func (c *Chain) MarshalBinary() ([]byte, error) {
	gen, err := c.pcg.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("mcmc: state of the generator: %w", err)
	}
	b := putBytes([]byte(chainMagic), gen)
	b = putUint(b, uint64(c.steps))
	b = c.stats.append(b)
	b = putFloats(b, c.phi)
	if k, ok := c.kernel.(Stateful); ok {
		state, err := k.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("mcmc: state of the kernel: %w", err)
		}
		b = putBytes(b, state)
	}
	return putUint(b, uint64(crc32.ChecksumIEEE(b))), nil
}

// UnmarshalBinary restores a state written by MarshalBinary into a chain with a
// kernel built like the one that was saved and a field of the same length. The
// chain then continues bit by bit as the saved one would have. It returns an
// error if the data are damaged or belong to another kernel or field; the state
// of a chain after an error of its kernel is undefined, otherwise unchanged.
func (c *Chain) UnmarshalBinary(data []byte) error {
	n := len(data) - 8
	if n < len(chainMagic) || string(data[:len(chainMagic)]) != chainMagic {
		return fmt.Errorf("mcmc: expected the state of a chain, got %d bytes without its header", len(data))
	}
	sum := decoder{b: data[n:]}
	if got, want := uint64(crc32.ChecksumIEEE(data[:n])), sum.uint(); got != want {
		return fmt.Errorf("mcmc: expected checksum %08x of the state of a chain, got %08x", want, got)
	}
	d := decoder{b: data[len(chainMagic):n]}
	gen := d.bytes()
	steps := int(d.uint())
	var st KernelStats
	st.decode(&d)
	phi := d.floats()
	k, stateful := c.kernel.(Stateful)
	var state []byte
	if stateful {
		state = d.bytes()
	}
	if err := d.finish(); err != nil {
		return fmt.Errorf("mcmc: expected the state of a chain with a kernel %T: %w", c.kernel, err)
	}
	if err := lattice.CheckField(phi, len(c.phi)); err != nil {
		return fmt.Errorf("mcmc: saved field: %w", err)
	}
	var pcg rand.PCG
	if err := pcg.UnmarshalBinary(gen); err != nil {
		return fmt.Errorf("mcmc: state of the generator: %w", err)
	}
	if stateful {
		if err := k.UnmarshalBinary(state); err != nil {
			return fmt.Errorf("mcmc: state of the kernel: %w", err)
		}
	}
	*c.pcg, c.steps, c.stats = pcg, steps, st
	copy(c.phi, phi)
	return nil
}
