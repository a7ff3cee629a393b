package flow

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/hartley"
	"github.com/latdiff/latdiff/internal/nn"
)

// The state of the flow is the field itself or, where the linear part is solved
// exactly, y = H(φ)/√(C + σ²) in the basis of the Hartley transform H.

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
		{&f.step, f.stepGraph},
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
	if f.linear == nil {
		return in[:1]
	}
	return []*graph.Node{graph.Mul(hartley.Transform(in[0]), f.modes(in[0], f.noisy(f.cfg.SigmaMin), -0.5))}
}

// decodeGraph maps the state to φ at σ_min.
func (f *ProbabilityFlow) decodeGraph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	if f.linear == nil {
		return in[:1]
	}
	return []*graph.Node{hartley.Transform(graph.Mul(in[0], f.modes(in[0], f.noisy(f.cfg.SigmaMin), 0.5)))}
}

// fromModesGraph maps the modes of φ at σ_max to the state.
func (f *ProbabilityFlow) fromModesGraph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	if f.linear == nil {
		return []*graph.Node{hartley.Transform(in[0])}
	}
	return []*graph.Node{graph.Mul(in[0], f.modes(in[0], f.noisy(f.cfg.SigmaMax), -0.5))}
}

// toModesGraph is the inverse of fromModesGraph.
func (f *ProbabilityFlow) toModesGraph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	if f.linear == nil {
		return []*graph.Node{hartley.Transform(in[0])}
	}
	return []*graph.Node{graph.Mul(in[0], f.modes(in[0], f.noisy(f.cfg.SigmaMax), 0.5))}
}

// noisy returns C_k + σ² of the linear part.
func (f *ProbabilityFlow) noisy(sigma float64) []float64 {
	d := make([]float64, f.lat.Volume())
	for k, c := range f.linear.Spectrum() {
		d[k] = c + sigma*sigma
	}
	return d
}

// modes returns the constant values^power in the basis of modes, in the shape of x.
func (f *ProbabilityFlow) modes(x *graph.Node, values []float64, power float64) *graph.Node {
	m := make([]float64, len(values))
	for k, v := range values {
		m[k] = math.Pow(v, power)
	}
	c := hartley.Const(x.Graph(), x.DType(), m, append([]int{1}, f.lat.Dims()...)...)
	return graph.BroadcastToDims(c, x.Shape().Dimensions...)
}

// stepGraph builds one Runge–Kutta step of length h in ℓ = log σ. Inputs: the state,
// the probes [probes, batch, extents…], ℓ and h. Outputs: the new state and, per
// probe and configuration, the step's share of ∫ σ² ∇·s dℓ.
func (f *ProbabilityFlow) stepGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	x, probes, l, h := in[0], in[1], in[2], in[3]
	var slope, change *graph.Node
	next, total := x, (*graph.Node)(nil)
	for i, c := range f.tab.c {
		stage := x
		if i > 0 {
			stage = graph.Add(x, graph.Mul(graph.MulScalar(h, c), slope))
		}
		slope, change = f.rightHandSide(scope, stage, probes, graph.Exp(graph.Add(l, graph.MulScalar(h, c))))
		weight := graph.MulScalar(h, f.tab.b[i])
		next = graph.Add(next, graph.Mul(weight, slope))
		change = graph.Mul(weight, change)
		if total == nil {
			total = change
		} else {
			total = graph.Add(total, change)
		}
	}
	return []*graph.Node{next, total}
}

// rightHandSide returns dx/dℓ and σ² ∇·r [probes, batch] at noise level sigma, a
// scalar; r is the part of the score that is integrated numerically.
func (f *ProbabilityFlow) rightHandSide(scope *model.Scope, x, probes, sigma *graph.Node) (slope, change *graph.Node) {
	batch := x.Shape().Dimensions[0]
	s := graph.BroadcastToDims(sigma, batch)
	variance := graph.Square(sigma)
	if f.linear == nil {
		score, div := f.score(scope, x, probes, s)
		return graph.Neg(graph.Mul(variance, score)), graph.Mul(variance, div)
	}
	spectrum := f.modes(x, f.linear.Spectrum(), 1)
	root := graph.Sqrt(graph.Add(spectrum, variance))
	phi := hartley.Transform(graph.Mul(x, root))
	r, div := f.residual(scope, phi, probes, s)
	return graph.Neg(graph.Mul(variance, graph.Div(hartley.Transform(r), root))), graph.Mul(variance, div)
}

// residual returns r and its divergence [probes, batch].
func (f *ProbabilityFlow) residual(scope *model.Scope, phi, probes, sigma *graph.Node) (r, div *graph.Node) {
	parts := f.linear.Remainder(scope, phi, sigma)
	if r = parts.Sum(); r == nil {
		r = graph.ZerosLike(phi)
	}
	return r, f.divergence(parts, phi, probes)
}

// divergence returns the divergence of a remainder, [probes, batch].
func (f *ProbabilityFlow) divergence(r diffusion.Remainder, phi, probes *graph.Node) *graph.Node {
	div := graph.Zeros(phi.Graph(), shapes.Make(phi.DType(), probes.Shape().Dimensions[0], phi.Shape().Dimensions[0]))
	if r.Learned != nil {
		div = hutchinson(r.Learned, phi, probes)
	}
	if r.Known != nil {
		div = graph.Add(div, graph.ExpandAxes(r.Divergence, 0))
	}
	return div
}

// score returns the whole score and its divergence [probes, batch]. What is known of
// the divergence is never left to the probes.
func (f *ProbabilityFlow) score(scope *model.Scope, phi, probes, sigma *graph.Node) (score, div *graph.Node) {
	if f.exact {
		score, div = f.m.(diffusion.DivergenceModel).ScoreDivergence(scope, phi, sigma)
		return score, graph.ExpandAxes(div, 0)
	}
	score = f.m.Score(scope, phi, sigma)
	l, ok := diffusion.Linear(f.m)
	if !ok {
		return score, hutchinson(score, phi, probes)
	}
	div = f.divergence(l.Remainder(scope, phi, sigma), phi, probes)
	return score, graph.Sub(div, graph.ExpandAxes(f.inverseSum(phi, l, sigma), 0))
}

// inverseSum returns Σ_k 1/(C_k + σ²), [batch].
func (f *ProbabilityFlow) inverseSum(phi *graph.Node, l diffusion.LinearModel, sigma *graph.Node) *graph.Node {
	noisy := graph.Add(f.modes(phi, l.Spectrum(), 1), nn.PerSample(graph.Square(sigma), phi))
	return nn.SumSites(graph.Reciprocal(noisy))
}

// hutchinson returns εᵀ(∂r/∂φ)ε for every probe ε (B.3), [probes, batch]: one
// reverse pass per probe.
func hutchinson(r, phi, probes *graph.Node) *graph.Node {
	n := probes.Shape().Dimensions[0]
	estimates := make([]*graph.Node, n)
	for p := range n {
		e := graph.Reshape(graph.SliceAxis(probes, 0, graph.AxisElem(p)), phi.Shape().Dimensions...)
		product := graph.Gradient(graph.ReduceAllSum(graph.Mul(r, e)), phi)[0]
		estimates[p] = graph.ExpandAxes(nn.SumSites(graph.Mul(product, e)), 0)
	}
	return graph.Concatenate(estimates, 0)
}
