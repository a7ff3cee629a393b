package flow

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion/nn"
)

// vectors returns the probe vectors ε = base ⊙ mask of one call, each in the shape of phi, in the
// directions in which noise moves a field.
func (f *ProbabilityFlow) vectors(phi, base, mask *graph.Node) []*graph.Node {
	dims := phi.Shape().Dimensions
	pick := func(set *graph.Node, i int) *graph.Node {
		e := graph.SliceAxis(set, 0, graph.AxisElem(i))
		return graph.BroadcastToDims(graph.Reshape(e, e.Shape().Dimensions[1:]...), dims...)
	}
	masks := mask.Shape().Dimensions[0]
	e := make([]*graph.Node, f.plan.perCall)
	for p := range e {
		e[p] = f.space.Tangent(graph.Mul(pick(base, p/masks), pick(mask, p%masks)))
	}
	return e
}

// termsAndForms returns the terms at phi and the quadratic forms of one call. in holds σ and,
// unless the divergence is known and there are no forms, a base and a mask of probe vectors.
func (f *ProbabilityFlow) termsAndForms(scope *model.Scope, phi *graph.Node, in []*graph.Node) (terms, *graph.Node) {
	switch {
	case len(in) == 1:
		return f.terms(scope, phi, in[0]), nil
	case f.folded:
		return f.foldedForms(scope, phi, in[0], in[1], in[2])
	}
	t := f.terms(scope, phi, in[0])
	return t, f.quadraticForms(t.learned, phi, in[1], in[2])
}

// quadraticForms returns εᵀ(∂r/∂φ)ε (B.3) for the vectors ε of one call, [vectors, batch]:
// one reverse pass each, which share the forward pass.
func (f *ProbabilityFlow) quadraticForms(r, phi, base, mask *graph.Node) *graph.Node {
	if r == nil {
		return graph.Zeros(phi.Graph(), shapes.Make(phi.DType(), f.plan.perCall, f.cfg.Batch))
	}
	forms := make([]*graph.Node, f.plan.perCall)
	for p, e := range f.vectors(phi, base, mask) {
		product := graph.Gradient(graph.ReduceAllSum(graph.Mul(r, e)), phi)[0]
		forms[p] = graph.ExpandAxes(nn.SumSites(graph.Mul(product, e)), 0)
	}
	return graph.Concatenate(forms, 0)
}

// foldedForms returns the terms and the quadratic forms of one call from one reverse pass
// through a batch with a copy of every field for every vector.
func (f *ProbabilityFlow) foldedForms(scope *model.Scope, phi, sigma, base, mask *graph.Node) (terms, *graph.Node) {
	n, dims := f.plan.perCall, phi.Shape().Dimensions
	copies := make([]*graph.Node, n)
	for i := range copies {
		copies[i] = phi
	}
	all := graph.Concatenate(copies, 0)
	t := f.terms(scope, all, sigma)
	forms := graph.Zeros(phi.Graph(), shapes.Make(phi.DType(), n, dims[0]))
	if t.learned != nil {
		e := graph.Concatenate(f.vectors(phi, base, mask), 0)
		product := graph.Gradient(graph.ReduceAllSum(graph.Mul(t.learned, e)), all)[0]
		forms = graph.Reshape(nn.SumSites(graph.Mul(product, e)), n, dims[0])
	}
	first := func(x *graph.Node) *graph.Node {
		if x == nil {
			return nil
		}
		return graph.SliceAxis(x, 0, graph.AxisRange(0, dims[0]))
	}
	return terms{r: first(t.r), known: first(t.known)}, forms
}
