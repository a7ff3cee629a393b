package hollow

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// layers are the weights of G at the noise levels of a batch.
type layers struct {
	first  *graph.Node // of the context and, if there is one, the alignment, [levels, hidden, channels or channels+1]
	own    *graph.Node // of the field at the site, [levels, hidden, species]
	second *graph.Node // [levels, hidden, hidden]
	output *graph.Node // of both hidden layers, [levels, species, hidden]

	bias1, bias2, offset *graph.Node // as columns, or nil
}

func (b *builder) layers() (l layers) {
	width, inputs := b.cfg.Hidden, b.cfg.contextSize()
	if b.sign != nil {
		inputs++
	}
	gate1, gate2 := b.gate("gate1", width), b.gate("gate2", width)
	l.output = b.rows("output", width)
	l.first = scaleRows(gate1, b.param("context", 1/math.Sqrt(float64(inputs)), width, inputs))
	units := b.eachSpecies(1, func(s *species) *graph.Node { return s.unit })
	l.own = scaleColumns(scaleRows(gate1, b.param("own", 1/math.Sqrt(float64(len(b.species))), width, len(b.species))), units)
	l.second = scaleRows(gate2, b.param("second", 1/math.Sqrt(float64(width)), width, width))
	l.bias1, l.bias2 = b.biasAt(b.scope, "bias1", 0.5, width), b.biasAt(b.scope, "bias2", 0.5, width)
	l.offset = b.biasAt(b.scope, "offset", 0, len(b.species))
	return l
}
