package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/internal/host"
)

// isResident says whether the state of a chunk stays on the device: for schemes with fixed
// steps, where a graph evaluates the score, and one call of it is enough.
func (f *ProbabilityFlow) isResident(scheme Integrator) bool {
	return f.host == nil && f.lifted == nil && tableaux[scheme].e == nil && f.plan.oneCall()
}

// integrateResident carries the state x of a chunk through the flow between two noise levels on
// the device; it reports n configurations after every step.
func (f *ProbabilityFlow) integrateResident(ctx context.Context, x *tensors.Tensor, chunk, n int, from, to float64, run run) (out end, err error) {
	r, z := f.newResident(run.seed, chunk, x)
	defer func() {
		if e := r.finalize(); err == nil && e != nil {
			err = fmt.Errorf("flow: %w", e)
		}
	}()
	start := f.clock.at(from)
	h := (f.clock.at(to) - start) / float64(run.steps)
	report := func() { run.report(n) }
	if run.scheme == Adams {
		z, err = r.adams(ctx, z, start, h, run.steps, report)
	} else {
		z, err = r.rungeKutta(ctx, tableaux[run.scheme], z, start, h, run.steps, report)
	}
	if err != nil {
		return end{}, err
	}
	out = end{fields: z.fields, change: make([]float64, z.change.Size()), effort: Effort{Accepted: run.steps, Evaluations: r.evaluations}}
	if err := host.Read(out.change, z.change); err != nil {
		return end{}, fmt.Errorf("flow: reading the change of log q: %w", err)
	}
	r.release(z)
	return out, z.change.FinalizeAll()
}

// adams does the steps of [Adams] from z; see there for the scheme.
func (r *resident) adams(ctx context.Context, z state, start, h float64, steps int, report func()) (state, error) {
	first, err := r.advance(ctx, start, z, z, nil, weights{})
	if err != nil {
		return z, err
	}
	if err := errors.Join(r.free(first.z), r.free(first.settled)); err != nil {
		return z, err
	}
	settled, slopes := z, []state{first.slope}
	var n nodes
	for i := range steps {
		predict := scaled(h, n.predictor())
		n.last++
		for pass := 0; pass == 0 || pass == 1 && n.last <= restarts; pass++ {
			settle, correct := n.corrector()
			known := slopes
			if pass == 1 {
				// The slope at the corrected state takes the place of that at the predicted one.
				known, predict = slopes[1:], nil
			}
			next, err := r.advance(ctx, start+h*float64(i+1), z, settled, known, weights{predict, scaled(h, settle), scaled(h, correct)})
			if err != nil {
				return z, err
			}
			old := []state{z, settled}
			if pass == 1 {
				old = append(old, slopes[0])
			}
			if len(known) == knownSlopes {
				old = append(old, known[knownSlopes-1])
				known = known[:knownSlopes-1]
			}
			slopes = append([]state{next.slope}, known...)
			z, settled = next.z, next.settled
			for _, s := range old {
				if err := r.free(s); err != nil {
					return z, err
				}
			}
		}
		report()
	}
	return z, nil
}

// rungeKutta does the steps of a Runge–Kutta scheme from z.
func (r *resident) rungeKutta(ctx context.Context, t tableau, z state, start, h float64, steps int, report func()) (state, error) {
	backwards := func(w []float64) []float64 {
		w = scaled(h, w)
		slices.Reverse(w)
		return w
	}
	for i := range steps {
		var slopes, old []state
		var next state
		for stage, c := range t.c {
			w := weights{predict: backwards(t.a[stage])}
			if stage == len(t.c)-1 {
				w.correct = backwards(t.b)
			}
			out, err := r.advance(ctx, start+h*(float64(i)+c), z, z, slopes, w)
			if err != nil {
				return z, err
			}
			slopes = append([]state{out.slope}, slopes...)
			old = append(old, out.slope, out.settled, next)
			next = out.z
		}
		for _, s := range append(old, z) {
			if err := r.free(s); err != nil {
				return z, err
			}
		}
		z = next
		report()
	}
	return z, nil
}

// scaled returns h times w.
func scaled(h float64, w []float64) []float64 {
	out := make([]float64, len(w))
	for i, x := range w {
		out[i] = h * x
	}
	return out
}
