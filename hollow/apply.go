package hollow

import (
	"math"

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
	gate1, gate2 := b.gate("gate1", width), b.gate("gate2", width)
	weights := b.rows("output", width)
	c := b.context()
	inputs := channels
	if b.sign != nil {
		inputs++
	}
	// The columns of the first layer are those of the context, the alignment and the
	// field, that of the second belongs to the first.
	first := scaleRows(gate1, b.param("context", 1/math.Sqrt(float64(inputs)), width, inputs))
	units := b.eachSpecies(1, func(s *species) *graph.Node { return s.unit })
	own := scaleColumns(scaleRows(gate1, b.param("own", 1/math.Sqrt(float64(len(b.species))), width, len(b.species))), units)
	second := b.param("second", 1/math.Sqrt(float64(width)), width, width)
	bias1, bias2 := b.biasAt(b.scope, "bias1", 0.5, width), b.biasAt(b.scope, "bias2", 0.5, width)
	offset := b.biasAt(b.scope, "offset", 0, len(b.species))
	s1 := newSigmoid(mix(join(2, first, own, bias1), c.fields, b.sign, b.field, b.ones()), b.copies)
	s2 := newSigmoid(mix(join(2, scaleRows(gate2, second), bias2), s1.value, b.ones()), b.copies)
	out = graph.Add(mix(join(2, weights, offset), s1.value, b.ones()), mix(weights, s2.value))

	// The derivative of out(x) with respect to the arguments of the first layer, backward
	// through the same layers, for every species that is an output:
	// (w + Mᵀ(w ⊙ s₂′)) ⊙ s₁′. For a vector the slopes are symmetric matrices in the copies.
	slopes2, identity := s2.jacobian(), b.identity()
	for i := range b.species {
		w, column := weights, own
		if len(b.species) > 1 {
			w, column = graph.SliceAxis(weights, 1, graph.AxisElem(i)), columns(own, i, i+1)
		}
		through := join(2, transposed(scaleRows(graph.Mul(graph.Reshape(w, b.levels, width), gate2), second)), transposed(w))
		back := s1.withJacobian(mix(through, slopes2, identity))
		var part *graph.Node
		if b.sign == nil {
			part = sumSites(graph.Mul(mix(transposed(column), back), b.multiplicity()))
		} else {
			fromContext, fromSign := columns(first, 0, channels), columns(first, channels, inputs)
			direct := graph.Sub(fromSign, graph.MulScalar(own, b.in.Shift))
			alongSign := b.alongSign(c, mix(transposed(fromContext), back))
			part = sumSites(mix(transposed(join(2, own, direct)), back))
			part = graph.Add(part, join(1, graph.ZerosLike(alongSign), alongSign))
		}
		if divergence != nil {
			part = graph.Add(divergence, part)
		}
		divergence = part
	}
	return out, b.total(divergence)
}
