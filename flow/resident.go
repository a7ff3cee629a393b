package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/internal/host"
)

// state is the state of a chunk on the device: fields [batch, components, extents…] and the
// change of log q, [sets, batch]. Slopes have the same shapes.
type state struct{ fields, change *tensors.Tensor }

func (s state) finalize() error {
	err := s.fields.FinalizeAll()
	if e := s.change.FinalizeAll(); err == nil {
		err = e
	}
	return err
}

// knownSlopes is the number of slopes from before that an evaluation combines.
const knownSlopes = correctorNodes - 1

// The numbers of an evaluation come in one vector: σ, the rate dℓ/du, and three sets of weights.
const (
	predictAt       = 2
	settleAt        = predictAt + knownSlopes
	correctAt       = settleAt + correctorNodes
	residentNumbers = correctAt + correctorNodes
)

// advanceGraph builds one evaluation. Inputs: a state z and one that is settled, y, the slopes
// k₁, k₂, … from before, the latest first (fields and change each), the numbers σ, dℓ/du, p₁…,
// s₀…, c₀…, and, unless the divergence is known, a base and a mask of probe vectors. With the
// slope k₀ at z + Σ_i p_i k_i, in the variable u of the clock, it returns
//
//	z′ = y′ + Σ_i c_i k_i,  y′ = y + Σ_i s_i k_i  and k₀.
func (f *ProbabilityFlow) advanceGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	z, settled, in := in[:2], in[2:4], in[4:]
	slopes, in := in[:2*knownSlopes], in[2*knownSlopes:]
	numbers, probes := in[0], in[1:]
	number := func(i int) *graph.Node { return graph.Reshape(graph.SliceAxis(numbers, 0, graph.AxisElem(i))) }
	// combine adds slopes, [fields, change] one after the other, with the weights from number
	// lo on.
	combine := func(to []*graph.Node, lo int, slopes []*graph.Node) []*graph.Node {
		sum := []*graph.Node{to[0], to[1]}
		for i := range len(slopes) / 2 {
			for j := range sum {
				sum[j] = graph.Add(sum[j], graph.Mul(slopes[2*i+j], number(lo+i)))
			}
		}
		return sum
	}
	at := combine(z, predictAt, slopes)
	slope := f.slopeAt(scope, at[0], number(0), number(1), probes)
	slopes = append(slope, slopes...)
	settled = combine(settled, settleAt, slopes)
	z = combine(settled, correctAt, slopes)
	return []*graph.Node{z[0], z[1], settled[0], settled[1], slope[0], slope[1]}
}

// slopeAt builds dz/du and the rate of the change of log q, in float64.
func (f *ProbabilityFlow) slopeAt(scope *model.Scope, z, sigma, rate *graph.Node, probes []*graph.Node) []*graph.Node {
	out := f.fieldGraph(scope, append([]*graph.Node{f.fromState(z), f.fromState(sigma)}, probes...))
	change := graph.BroadcastToDims(graph.ExpandAxes(toState(out[1]), 0), f.plan.sets, f.cfg.Batch)
	if len(out) > 2 {
		// The vectors of a set follow one another.
		forms := graph.SliceAxis(toState(out[2]), 0, graph.AxisRange(0, f.plan.vectors()))
		sets := graph.Reshape(forms, f.plan.sets, f.plan.size, f.cfg.Batch)
		change = graph.Add(change, graph.ReduceSum(sets, 1))
	}
	return []*graph.Node{graph.Mul(toState(out[0]), rate), graph.Mul(change, rate)}
}

// weights combine slopes, the latest first; those of settle and correct begin with the slope of
// the evaluation itself. Missing ones are zero.
type weights struct{ predict, settle, correct []float64 }

// resident integrates one chunk whose state stays on the device from the first evaluation to
// the last. Every evaluation of a scheme with fixed steps is one call of the same graph.
type resident struct {
	f           *ProbabilityFlow
	probes      []any // base and mask, or nothing
	zero        state
	live        []state // to be freed
	evaluations int
}

// newResident returns the integration of a chunk, and its start at the fields x, which it takes
// over.
func (f *ProbabilityFlow) newResident(seed uint64, chunk int, x *tensors.Tensor) (*resident, state) {
	r := &resident{f: f}
	for _, call := range f.draw(seed, chunk) {
		r.probes = append(r.probes, call.base, call.mask)
	}
	change := func() *tensors.Tensor {
		return tensors.FromShape(shapes.Make(dtypes.Float64, f.plan.sets, f.cfg.Batch))
	}
	r.zero = r.keep(state{tensors.FromShape(x.Shape()), change()})
	return r, r.keep(state{x, change()})
}

// keep notes that s is to be freed.
func (r *resident) keep(s state) state {
	r.live = append(r.live, s)
	return s
}

// release leaves s to the caller.
func (r *resident) release(s state) bool {
	i := slices.Index(r.live, s)
	if i >= 0 {
		r.live = slices.Delete(r.live, i, i+1)
	}
	return i >= 0
}

// free frees s unless that has been done.
func (r *resident) free(s state) error {
	if !r.release(s) {
		return nil
	}
	return s.finalize()
}

// finalize frees everything.
func (r *resident) finalize() error {
	var err error
	for _, s := range r.live {
		err = errors.Join(err, s.finalize())
	}
	for _, p := range r.probes {
		err = errors.Join(err, p.(*tensors.Tensor).FinalizeAll())
	}
	return err
}

// evaluation is what one call of the graph returns.
type evaluation struct{ z, settled, slope state }

// advance does one evaluation at u; see advanceGraph. Slopes are given the latest first.
func (r *resident) advance(ctx context.Context, u float64, z, settled state, slopes []state, w weights) (out evaluation, err error) {
	if err := ctx.Err(); err != nil {
		return out, err
	}
	r.evaluations++
	sigma := r.f.clock.sigma(u)
	numbers := make([]float64, residentNumbers)
	numbers[0], numbers[1] = sigma, r.f.clock.rate(sigma)
	copy(numbers[predictAt:], w.predict)
	copy(numbers[settleAt:], w.settle)
	copy(numbers[correctAt:], w.correct)
	args := []any{z.fields, z.change, settled.fields, settled.change}
	for i := range knownSlopes {
		k := r.zero
		if i < len(slopes) {
			k = slopes[i]
		}
		args = append(args, k.fields, k.change)
	}
	vector := host.Tensor(dtypes.Float64, numbers, len(numbers))
	t, err := r.f.advance.Call(append(append(args, vector), r.probes...)...)
	if err == nil {
		out = evaluation{r.keep(state{t[0], t[1]}), r.keep(state{t[2], t[3]}), r.keep(state{t[4], t[5]})}
	}
	if err := errors.Join(err, vector.FinalizeAll()); err != nil {
		return out, fmt.Errorf("flow: evaluating the score: %w", err)
	}
	return out, nil
}
