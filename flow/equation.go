package flow

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/internal/host"
)

// equation is the flow dz/dℓ of one chunk of configurations. Its state z holds batch
// fields, in the representation of the graphs, and then per estimate and configuration
// the accumulated ∫ σ² ∇·r dℓ.
type equation struct {
	f      *ProbabilityFlow
	n      int // configurations that matter
	probes []probeCall
	// evaluations counts the calls of slope.
	evaluations int
	known, est  []float64
	modes, root []float64 // of an evaluation without a graph
}

func (f *ProbabilityFlow) newEquation(seed uint64, chunk, n int) *equation {
	return &equation{
		f: f, n: n, probes: f.draw(seed, chunk),
		known: make([]float64, f.cfg.Batch), est: make([]float64, f.plan.perCall*f.cfg.Batch),
	}
}

// fields returns the number of variables that are fields.
func (e *equation) fields() int { return e.f.cfg.Batch * e.f.layout.Size() }

// start returns the state that begins with the fields x, which are consumed.
func (e *equation) start(x *tensors.Tensor) ([]float64, error) {
	z := make([]float64, e.fields()+e.f.plan.sets*e.f.cfg.Batch)
	if err := host.Read(z[:e.fields()], x); err != nil {
		return nil, err
	}
	return z, x.FinalizeAll()
}

// slope sets dst to dz/dℓ.
func (e *equation) slope(ctx context.Context, dst, z []float64, l float64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.evaluations++
	f, fields := e.f, e.fields()
	switch sigma := math.Exp(l); {
	case f.host != nil:
		return e.hostSlope(dst, z, sigma)
	case f.lifted != nil:
		return e.liftedSlope(dst, z, sigma)
	}
	x := host.Tensor(f.cfg.DType, z[:fields], f.dims()...)
	sigma := host.Scalar(f.cfg.DType, math.Exp(l))
	args := []any{x, sigma}
	if len(e.probes) > 0 {
		args = append(args, e.probes[0].base, e.probes[0].mask)
	}
	out, err := f.field.Call(args...)
	if err != nil {
		return fmt.Errorf("flow: evaluating the score: %w", err)
	}
	if err := read(out, dst[:fields], e.known, e.est); err != nil {
		return err
	}
	change := dst[fields:]
	for i := range change {
		change[i] = e.known[i%f.cfg.Batch]
	}
	for i, call := range e.probes {
		if i > 0 {
			out, err := f.probe.Call(x, sigma, call.base, call.mask)
			if err != nil {
				return fmt.Errorf("flow: evaluating the divergence: %w", err)
			}
			if err := read(out, e.est); err != nil {
				return err
			}
		}
		e.collect(change, call)
	}
	return x.FinalizeAll()
}

// collect adds the estimates of one call to the sets to which they belong.
func (e *equation) collect(change []float64, call probeCall) {
	batch, p := e.f.cfg.Batch, e.f.plan
	for j := range p.perCall {
		set := call.set + j/p.size
		if set == p.sets {
			return
		}
		for i, v := range e.est[j*batch : (j+1)*batch] {
			change[set*batch+i] += v
		}
	}
}

// read copies tensors to dst and frees them.
func read(from []*tensors.Tensor, dst ...[]float64) error {
	for i, t := range from {
		if err := host.Read(dst[i], t); err != nil {
			return fmt.Errorf("flow: reading the score: %w", err)
		}
		if err := t.FinalizeAll(); err != nil {
			return fmt.Errorf("flow: reading the score: %w", err)
		}
	}
	return nil
}
