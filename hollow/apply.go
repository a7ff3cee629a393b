package hollow

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
)

// ApplyDivergence builds the network; see [diffusion.ExactNetwork].
func (n *Network) ApplyDivergence(scope *model.Scope, in diffusion.Inputs) (out, divergence *graph.Node) {
	b := newBuilder(n.cfg, scope, in)
	out, divergence = b.hollow()
	smooth, trace := b.smoothed()
	return graph.Reshape(graph.Add(out, smooth), in.Field.Shape().Dimensions...), graph.Add(divergence, trace)
}

// hollow returns G(u(x), c(x)) and its divergence [batch].
func (b *builder) hollow() (out, divergence *graph.Node) {
	width, channels := b.cfg.Hidden, b.cfg.Channels
	c, l := b.context(), b.layers()
	s1 := newSigmoid(mix(join(2, l.first, l.own, l.bias1), c.fields, b.sign, b.field, b.ones()), b.copies)
	s2 := newSigmoid(mix(join(2, l.second, l.bias2), s1.value, b.ones()), b.copies)
	out = graph.Add(mix(join(2, l.output, l.offset), s1.value, b.ones()), mix(l.output, s2.value))

	// The derivative of out(x) with respect to the arguments of the first layer, backward
	// through the same layers, for every species that is an output:
	// (w + Mᵀ(w ⊙ s₂′)) ⊙ s₁′. For a vector the slopes are symmetric matrices in the copies.
	slopes2, identity := s2.jacobian(), b.identity()
	for i := range b.species {
		w, column := l.output, l.own
		if len(b.species) > 1 {
			w, column = graph.SliceAxis(l.output, 1, graph.AxisElem(i)), columns(l.own, i, i+1)
		}
		through := join(2, transposed(scaleRows(graph.Reshape(w, b.levels, width), l.second)), transposed(w))
		back := s1.withJacobian(mix(through, slopes2, identity))
		var part *graph.Node
		if b.sign == nil {
			part = sumSites(graph.Mul(mix(transposed(column), back), b.multiplicity()))
		} else {
			fromContext, fromSign := columns(l.first, 0, channels), columns(l.first, channels, channels+1)
			direct := graph.Sub(fromSign, graph.Mul(l.own, b.in.Shift))
			alongSign := b.alongSign(c, mix(transposed(fromContext), back))
			part = sumSites(mix(transposed(join(2, l.own, direct)), back))
			part = graph.Add(part, join(1, graph.ZerosLike(alongSign), alongSign))
		}
		if divergence != nil {
			part = graph.Add(divergence, part)
		}
		divergence = part
	}
	return out, b.total(divergence)
}
