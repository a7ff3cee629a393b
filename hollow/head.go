package hollow

import (
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// head is the pointwise function g of the smoothed part,
//
//	g_a = Σ_h w_ah s(p_h) + l_a·û + ψ_a Σ_b c_ab ψ_b² (+ Σ_b q_ab ψ_b² + o_a),
//
// with p linear in the filtered fields û, and ψ the expected clean field. The terms in
// brackets belong to a network that is not odd.
type head struct {
	*builder
	filters []*graph.Node // of every species, [levels, filters, modes]

	mixing, linear, estimate *graph.Node // by which p, g and ψ depend on û, [levels, …, species·filters]
	signs                    [3]*graph.Node
	weights                  *graph.Node // w [levels, species, head]
	cubic, quadratic         *graph.Node // c and q [levels, species, species]
	bias, offset             *graph.Node // of p and g, as columns, or nil

	s           sigmoid
	u           *graph.Node // û [batch, species·filters, copies·sites]
	psi, square *graph.Node // ψ [batch, species, copies·sites] and ψ² [batch, species, sites]
}

// smoothed returns W ∗ g(û) and its divergence [batch].
func (b *builder) smoothed() (out, divergence *graph.Node) {
	h := &head{builder: b}
	h.weigh()
	g := h.value()
	divergence = h.trace()
	if b.hasPairs() {
		more, trace := h.bilocal().value()
		g, divergence = graph.Add(g, more), graph.Add(divergence, trace)
	}
	if b.cfg.Gradients > 0 {
		more, trace := h.gradients().value(h.u)
		g, divergence = graph.Add(g, more), graph.Add(divergence, trace)
	}
	wiener := b.eachSpecies(1, func(s *species) *graph.Node { return s.wiener })
	return transform(b.filtered(wiener, transform(g, b.dims)), b.dims), divergence
}

// weigh sets the weights.
func (h *head) weigh() {
	m, n, width := len(h.species), h.cfg.numFilters(), h.cfg.Head
	var norms []*graph.Node
	for _, s := range h.species {
		f := s.filters(s.spectrum)
		h.filters = append(h.filters, f)
		norms = append(norms, s.norms(f))
	}
	norm := join(1, norms...)
	gate := h.gate("head_gate", width)
	h.mixing = scaleColumns(scaleRows(gate, h.param("head_filters", 0.7/math.Sqrt(float64(m)), width, m*n)), norm)
	h.linear = scaleColumns(h.rows("head_linear", m*n), norm)
	h.estimate = h.blocks((*species).estimate)
	if h.sign != nil {
		h.signs = [3]*graph.Node{
			scaleRows(gate, h.param("head_offsets", 0.7, width, 1)),
			row(h.coefficients("head_sign", 1)),
			row(graph.Mul(h.species[0].estimateNorm(), h.in.Shift)),
		}
	}
	h.bias, h.offset = h.biasAt(h.scope, "head_bias", 0.5, width), h.biasAt(h.scope, "head_offset", 0, m)
	h.weights = h.rows("head_output", width)
	h.cubic = graph.MulScalar(h.rows("head_cubic", m), 0.2)
	if h.biased {
		h.quadratic = graph.MulScalar(h.rows("head_quadratic", m), 0.2)
	}
}

// value returns g.
func (h *head) value() *graph.Node {
	u := h.eachSpecies(1, func(s *species) *graph.Node {
		f := h.filters[slices.Index(h.species, s)]
		return transform(h.filtered(f, onChannels(s.modes, h.cfg.numFilters())), h.dims)
	})
	h.u = u
	h.s = newSigmoid(mix(join(2, h.mixing, h.signs[0], h.bias), u, h.sign, h.ones()), h.copies)
	// Besides the sigmoids there are linear terms, and cubic ones: the drift grows like φ³,
	// which no bounded function can follow.
	h.psi = mix(join(2, h.estimate, h.signs[2]), u, h.sign)
	h.square = sumCopies(graph.Square(h.psi), h.copies)
	g := mix(join(2, h.weights, h.linear, h.signs[1], h.offset), h.s.value, u, h.sign, h.ones())
	g = graph.Add(g, graph.Mul(h.psi, repeatCopies(mix(h.cubic, h.square), h.copies)))
	if h.biased {
		g = graph.Add(g, mix(h.quadratic, h.square))
	}
	return g
}

// rates are what the derivatives of g contribute to the divergence: sums over sites and
// tangents of rates times s′(p), cubic times ψ², quadratic times ψ, and a constant, [levels,
// tangents, …] each. quadratic is nil for a network that is odd.
type rates struct{ sigmoid, cubic, quadratic, constant *graph.Node }

// rates returns the derivatives of g_a with respect to the filtered fields of species a,
// times their tangents, summed over a.
func (h *head) rates() (r rates) {
	m, n := len(h.species), h.cfg.numFilters()
	add := func(sum **graph.Node, x *graph.Node) {
		if *sum != nil {
			x = graph.Add(*sum, x)
		}
		*sum = x
	}
	for a, s := range h.species {
		fields, sign := s.tangents(h.filters[a])
		// along returns the derivative of what depends on û by w, and on the sign by o,
		// [levels, tangents, rows of w].
		along := func(w, o *graph.Node) *graph.Node {
			if m > 1 {
				w = columns(w, a*n, (a+1)*n)
			}
			return transposed(mix(join(2, w, o), fields, sign))
		}
		output := func(w *graph.Node) *graph.Node {
			if m > 1 {
				w = graph.SliceAxis(w, 1, graph.AxisElem(a))
			}
			return w
		}
		add(&r.sigmoid, scaleColumns(along(h.mixing, h.signs[0]), graph.Reshape(output(h.weights), h.levels, -1)))
		add(&r.constant, graph.Reshape(along(output(h.linear), h.signs[1]), h.levels, -1))
		// The derivatives of ψ_a Σ_b c_ab ψ_b² and Σ_b q_ab ψ_b² with respect to ψ_a are
		// n Σ_b c_ab ψ_b² + 2 c_aa ψ_a² for n copies, and 2 q_aa ψ_a.
		only := make([]float64, m)
		only[a] = 2
		psi := along(output(h.estimate), h.signs[2]) // [levels, tangents, 1]
		diagonal := h.constant(only, 1, m)
		c := graph.Reshape(output(h.cubic), h.levels, m)
		c = graph.Add(graph.MulScalar(c, float64(h.copies)), graph.Mul(c, repeatLevels(diagonal, h.levels)))
		add(&r.cubic, mix(psi, row(c)))
		if h.biased {
			q := graph.Mul(graph.Reshape(output(h.quadratic), h.levels, m), repeatLevels(diagonal, h.levels))
			add(&r.quadratic, mix(psi, row(q)))
		}
	}
	return r
}

// trace returns the divergence of W ∗ g(û) [batch].
func (h *head) trace() *graph.Node {
	r, psi := h.rates(), h.psi
	if !h.biased {
		psi = nil
	}
	sums := sumSites(mix(join(2, r.sigmoid, r.cubic, r.quadratic), h.s.trace(), h.square, psi))
	constant := graph.MulScalar(r.constant, float64(h.sites*h.copies))
	return h.total(graph.Add(sums, graph.BroadcastToDims(constant, sums.Shape().Dimensions...)))
}

// estimateNorm returns the reciprocal of the standard deviation of the expected clean
// field, with the expected magnetisation of an ordered phase, [levels, 1].
func (s *species) estimateNorm() *graph.Node {
	variance := meanLast(graph.Mul(graph.Square(s.wiener), s.noisy))
	if s.in.Shift != nil {
		variance = graph.Add(variance, graph.Square(s.in.Shift))
	}
	return graph.Reciprocal(graph.Sqrt(variance))
}

// estimate returns the weights [levels, 1, filters] that make, of the fields filtered by
// C/(C + aσ²), the expected clean field W ∗ φ, divided by its standard deviation.
func (s *species) estimate() *graph.Node {
	weights := make([]float64, s.cfg.numFilters())
	weights[optimal] = 1
	return row(product(s.estimateNorm(), s.constant(weights, 1, len(weights))))
}

// tangents returns, as fields of one or two sites, the derivatives of the filtered fields
// and of the alignment that contribute to the divergence. The first is ∂û_a(x)/∂φ(y)
// followed by the filter W back to y = x, the return amplitude. The second is that of
// constant fields, with respect to the alignment.
func (s *species) tangents(filters *graph.Node) (fields, signs *graph.Node) {
	fields = graph.Reshape(meanLast(graph.Mul(filters, onChannels(s.wiener, s.cfg.numFilters()))), s.levels, -1, 1)
	if s.sign == nil {
		return fields, nil
	}
	zero := s.zeroMode()
	wiener := graph.SliceAxis(zero, 1, graph.AxisElem(optimal))
	along := s.times(graph.Neg(graph.Mul(wiener, s.in.Shift)), zero)
	fields = join(2, fields, graph.Reshape(along, s.levels, -1, 1))
	wiener = row(wiener)
	return fields, join(2, graph.ZerosLike(wiener), wiener)
}
