package flow

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/hartley"
)

// Spectrum, mean and noise levels are inputs of the graphs, which thus hold for every model of the
// same kind. The state of the flow is the field itself or, where the linear part is solved
// exactly, y = H(φ - m)/√(C + σ²) in the basis of the Hartley transform H; with an evaluator of
// lifted angles it is Hy. It is in float64, the score in the type of the configuration.

// compile prepares the executors; GoMLX builds each graph at its first call.
func (f *ProbabilityFlow) compile() error {
	for _, e := range []struct {
		exec  **model.Exec
		build func(scope *model.Scope, in []*graph.Node) []*graph.Node
	}{
		{&f.encode, f.encodeGraph},
		{&f.decode, f.decodeGraph},
		{&f.fromModes, f.fromModesGraph},
		{&f.toModes, f.toModesGraph},
		{&f.field, f.fieldGraph},
		{&f.probe, f.probeGraph},
		{&f.advance, f.advanceGraph},
	} {
		exec, err := model.NewExec(f.backend, f.m.Store(), e.build)
		if err != nil {
			return fmt.Errorf("flow: %w", err)
		}
		*e.exec = exec
	}
	return nil
}

// encodeGraph maps φ at σ_min to the state.
func (f *ProbabilityFlow) encodeGraph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	z := in[0]
	if f.linear != nil {
		z = f.rotated(graph.Mul(hartley.Transform(f.shifted(z, -1)), f.like(graph.Reciprocal(f.root(in[1])), z)))
	}
	return []*graph.Node{toState(z)}
}

// decodeGraph maps the state to φ at σ_min.
func (f *ProbabilityFlow) decodeGraph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	z := f.fromState(in[0])
	if f.linear != nil {
		z = f.shifted(hartley.Transform(graph.Mul(f.rotated(z), f.like(f.root(in[1]), z))), 1)
	}
	return []*graph.Node{z}
}

// fromModesGraph maps the modes of φ at σ_max to the state.
func (f *ProbabilityFlow) fromModesGraph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	z := in[0]
	if f.linear == nil {
		z = hartley.Transform(z)
	} else {
		z = f.rotated(graph.Mul(f.shiftedModes(z, -1), f.like(graph.Reciprocal(f.root(in[1])), z)))
	}
	return []*graph.Node{toState(z)}
}

// toModesGraph is the inverse of fromModesGraph.
func (f *ProbabilityFlow) toModesGraph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	z := f.fromState(in[0])
	if f.linear == nil {
		return []*graph.Node{hartley.Transform(z)}
	}
	return []*graph.Node{f.shiftedModes(graph.Mul(f.rotated(z), f.like(f.root(in[1]), z)), 1)}
}

// toState and fromState change between the types of state and score.
func toState(x *graph.Node) *graph.Node { return graph.ConvertDType(x, dtypes.Float64) }

func (f *ProbabilityFlow) fromState(x *graph.Node) *graph.Node {
	return graph.ConvertDType(x, f.cfg.DType)
}

// noisy returns C_k + σ² of the linear part, C_k for the modes that noise leaves alone.
func (f *ProbabilityFlow) noisy(sigma float64) []float64 {
	d := make([]float64, f.layout.Size())
	for k, c := range f.linear.Spectrum() {
		d[k] = c + sigma*sigma
	}
	for _, k := range f.space.Fixed(f.layout) {
		d[k] = f.linear.Spectrum()[k]
	}
	return d
}

// noisyModes builds what noisy returns, [1, components, extents…] in the type of the scalar sigma.
func (f *ProbabilityFlow) noisyModes(l diffusion.LinearModel, sigma *graph.Node) *graph.Node {
	spectrum := f.like(diffusion.SpectrumNode(l, sigma.Graph()), sigma)
	variance := graph.Square(sigma)
	if fixed := f.space.Fixed(f.layout); len(fixed) > 0 {
		moving := slices.Repeat([]float64{1}, f.layout.Size())
		for _, k := range fixed {
			moving[k] = 0
		}
		variance = graph.Mul(hartley.Const(sigma.Graph(), sigma.DType(), moving, fieldShape(f.layout, 1)...), variance)
	}
	return graph.Add(spectrum, variance)
}

// root builds √(C_k + σ²) of the linear part.
func (f *ProbabilityFlow) root(sigma *graph.Node) *graph.Node {
	return graph.Sqrt(f.noisyModes(f.linear, sigma))
}

// like returns numbers in the type of x and, unless x is a scalar, in its shape.
func (f *ProbabilityFlow) like(numbers, x *graph.Node) *graph.Node {
	if numbers.DType() != x.DType() {
		numbers = graph.ConvertDType(numbers, x.DType())
	}
	if x.Rank() == 0 {
		return numbers
	}
	return graph.BroadcastToDims(numbers, x.Shape().Dimensions...)
}

// shifted adds the mean of the linear part, times sign, to a field.
func (f *ProbabilityFlow) shifted(phi *graph.Node, sign float64) *graph.Node {
	if mean := f.mean(phi); mean != nil {
		phi = graph.Add(phi, f.like(graph.MulScalar(mean, sign), phi))
	}
	return phi
}

// shiftedModes does the same to a field in the basis of modes, whose zero mode holds √V m.
func (f *ProbabilityFlow) shiftedModes(modes *graph.Node, sign float64) *graph.Node {
	mean := f.mean(modes)
	if mean == nil {
		return modes
	}
	zero := make([]float64, f.layout.Volume())
	zero[0] = sign * math.Sqrt(float64(f.layout.Volume()))
	at := hartley.Const(modes.Graph(), mean.DType(), zero, append([]int{1, 1}, f.layout.Dims()...)...)
	all := fieldShape(f.layout, 1)
	return graph.Add(modes, f.like(graph.Mul(graph.BroadcastToDims(mean, all...), graph.BroadcastToDims(at, all...)), modes))
}

// mean builds the mean of every component of the linear part in the graph of x, nil if it
// vanishes.
func (f *ProbabilityFlow) mean(x *graph.Node) *graph.Node {
	l, ok := diffusion.Linear(f.m)
	if !ok || !slices.ContainsFunc(l.Mean(), func(m float64) bool { return m != 0 }) {
		return nil
	}
	return diffusion.MeanNode(l, x.Graph())
}

// terms are what the flow integrates numerically, at one point.
type terms struct {
	r     *graph.Node // score, without the linear part if that is solved exactly
	known *graph.Node // its divergence as far as it is known, [batch], or nil
	// learned is the part of r whose divergence is not known, or nil.
	learned *graph.Node
}

// fieldGraph builds dz/dℓ. Inputs: fields, σ and, unless the divergence is known, a base
// and a mask of probe vectors. Outputs: the slope of the fields, σ² times the known part
// of the divergence, [batch], and if there are vectors σ² εᵀJε, [vectors, batch].
func (f *ProbabilityFlow) fieldGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	phi, root := f.fieldAt(in[0], in[1])
	t, forms := f.termsAndForms(scope, phi, in[1:])
	r := t.r
	if root != nil {
		r = graph.Div(hartley.Transform(r), root)
	}
	variance := graph.Square(in[1])
	known := t.known
	if known == nil {
		known = graph.Zeros(phi.Graph(), shapes.Make(phi.DType(), f.cfg.Batch))
	}
	out := []*graph.Node{graph.Neg(graph.Mul(variance, r)), graph.Mul(variance, known)}
	if forms != nil {
		out = append(out, graph.Mul(variance, forms))
	}
	return out
}

// probeGraph builds the last output of fieldGraph alone, for further vectors.
func (f *ProbabilityFlow) probeGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	phi, _ := f.fieldAt(in[0], in[1])
	_, forms := f.termsAndForms(scope, phi, in[1:])
	return []*graph.Node{graph.Mul(graph.Square(in[1]), forms)}
}

// fieldAt returns φ, given the state at noise level sigma, a scalar, and √(C + σ²) where
// the state is the whitened one.
func (f *ProbabilityFlow) fieldAt(x, sigma *graph.Node) (phi, root *graph.Node) {
	if f.linear == nil {
		return x, nil
	}
	root = f.like(f.root(sigma), x)
	return f.shifted(hartley.Transform(graph.Mul(x, root)), 1), root
}

// terms builds the score and what is known of its divergence, which is never left to the
// probes.
func (f *ProbabilityFlow) terms(scope *model.Scope, phi, sigma *graph.Node) terms {
	s := graph.Reshape(sigma, 1)
	l, isLinear := diffusion.Linear(f.m)
	if !isLinear {
		if f.cfg.Divergence == Automatic {
			score, known := f.m.(diffusion.DivergenceModel).ScoreDivergence(scope, phi, s)
			return terms{r: score, known: known}
		}
		score := f.m.Score(scope, phi, s)
		return terms{r: score, learned: score}
	}
	parts := l.Remainder(scope, phi, s)
	t := terms{parts.Sum(), parts.Divergence, parts.Learned}
	if t.r == nil {
		t.r = graph.ZerosLike(phi)
	}
	precision := f.like(graph.Reciprocal(f.noisyModes(l, sigma)), phi)
	trace := diffusion.SumModes(f.space, f.layout, precision)
	if t.learned != nil && f.cfg.Divergence == Automatic {
		_, known := f.m.(diffusion.DivergenceModel).ScoreDivergence(scope, phi, s)
		t.known, t.learned = graph.Add(known, trace), nil
	}
	if f.linear == nil {
		t.r = graph.Sub(t.r, hartley.Filter(f.shifted(phi, -1), precision))
		if t.known == nil {
			t.known = graph.Neg(trace)
		} else {
			t.known = graph.Sub(t.known, trace)
		}
	}
	return t
}
