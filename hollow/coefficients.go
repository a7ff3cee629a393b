package hollow

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
)

// coefficients are the weights of a network of one component at one noise level, of a graph
// or as numbers. Those of terms that the network does not have are zero.
type coefficients[T any] struct {
	// The context: s(slopes·φ + offsets·m + siteBias), mixed by features, [channels,
	// features+1], and filtered by transfer, [channels, modes]. m is the alignment.
	slopes, offsets, siteBias, features, transfer T
	// The edges, see there; edgeBack is [directions, edges].
	edgeIn, edgeOwn, edgeTransfer, edgeBack T
	// G, see layers; firstSign belongs to the alignment.
	first, firstSign, own, bias1, second, bias2, output, offset T
	// The head, see there. filters are [filters, modes].
	filters, wiener, mixing, mixingSign, headBias, headOutput T
	linear, linearSign, headOffset, estimate, estimateSign    T
	cubic, quadratic                                          T
	rateSigmoid, rateCubic, rateQuadratic, rateConstant       T
	// The bilocal part, see there; they are empty where there is none.
	pairSlopes, pairOutput, pairInputs, pairKernels, pairReturns, pairAmplitude T
	// The gradients, see there; they are empty where there are none. Rates are [directions, …].
	gradientMixing, gradientEstimate, gradientOutput, gradientCubic, gradientRates, gradientCubicRates T
}

// all lists the coefficients in the order in which the graph returns them.
func (c *coefficients[T]) all() []*T {
	return []*T{
		&c.slopes, &c.offsets, &c.siteBias, &c.features, &c.transfer,
		&c.edgeIn, &c.edgeOwn, &c.edgeTransfer, &c.edgeBack,
		&c.first, &c.firstSign, &c.own, &c.bias1, &c.second, &c.bias2, &c.output, &c.offset,
		&c.filters, &c.wiener, &c.mixing, &c.mixingSign, &c.headBias, &c.headOutput,
		&c.linear, &c.linearSign, &c.headOffset, &c.estimate, &c.estimateSign,
		&c.cubic, &c.quadratic,
		&c.rateSigmoid, &c.rateCubic, &c.rateQuadratic, &c.rateConstant,
		&c.pairSlopes, &c.pairOutput, &c.pairInputs, &c.pairKernels, &c.pairReturns, &c.pairAmplitude,
		&c.gradientMixing, &c.gradientEstimate, &c.gradientOutput, &c.gradientCubic, &c.gradientRates, &c.gradientCubicRates,
	}
}

// Coefficients builds the weights at one noise level; see [diffusion.HostNetwork].
func (n *Network) Coefficients(scope *model.Scope, in diffusion.Inputs) []*graph.Node {
	b := newBuilder(n.cfg, scope, in)
	s := b.species[0]
	var c coefficients[*graph.Node]
	f := s.siteFeatures()
	c.slopes, c.offsets, c.siteBias, c.features, c.transfer = f.slopes, f.offsets, f.bias, f.features, s.transfer("", b.cfg.Channels)
	if b.cfg.Edges > 0 {
		e := s.edges()
		c.edgeIn, c.edgeOwn, c.edgeTransfer, c.edgeBack = e.in, e.own, e.transfer, join(0, e.back...)
	}

	l := b.layers()
	c.first, c.own, c.bias1, c.second, c.bias2, c.output, c.offset = l.first, l.own, l.bias1, l.second, l.bias2, l.output, l.offset
	if b.sign != nil {
		c.first, c.firstSign = columns(l.first, 0, b.cfg.Channels), columns(l.first, b.cfg.Channels, b.cfg.Channels+1)
	}

	h := &head{builder: b}
	h.weigh()
	r := h.rates()
	c.filters, c.wiener = h.filters[0], s.wiener
	c.mixing, c.mixingSign, c.headBias, c.headOutput = h.mixing, h.signs[0], h.bias, h.weights
	c.linear, c.linearSign, c.headOffset = h.linear, h.signs[1], h.offset
	c.estimate, c.estimateSign, c.cubic, c.quadratic = h.estimate, h.signs[2], h.cubic, h.quadratic
	c.rateSigmoid, c.rateCubic, c.rateQuadratic, c.rateConstant = r.sigmoid, r.cubic, r.quadratic, r.constant

	if b.hasPairs() {
		p := h.bilocal()
		c.pairSlopes, c.pairOutput, c.pairInputs = p.slopes, p.a, p.b
		c.pairKernels, c.pairReturns, c.pairAmplitude = p.kernels, p.returns, p.amplitude
	}

	if b.cfg.Gradients > 0 {
		g := h.gradients()
		c.gradientMixing, c.gradientEstimate, c.gradientOutput, c.gradientCubic = g.mixing, g.estimate, g.weights, g.cubic
		c.gradientRates, c.gradientCubicRates = join(0, g.rates...), join(0, g.cubicRates...)
	}

	// Terms that are missing have at most one coefficient for every sigmoid, or tangent.
	zeros := graph.ZerosLike(ones(b.field, max(2, b.cfg.Features, b.cfg.Hidden, b.cfg.Head)))
	var nodes []*graph.Node
	for _, x := range c.all() {
		if *x == nil {
			*x = zeros
		}
		nodes = append(nodes, *x)
	}
	return nodes
}
