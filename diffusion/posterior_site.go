package diffusion

import (
	"math"
	"slices"

	"github.com/latdiff/latdiff/lattice"
)

// siteMeans take, in the averages of a [posterior], the means of single sites in the place of the
// field: that of φ₀(x) with all others fixed is an integral over one variable, with H(x) =
// φ(x)/σ² + K(x) + V′(φ₀(x)) in the notation of [siteTable], and has the same mean and less
// variance (Rao and Blackwell). What is left is reduced by the field
//
//	Z = K(φ₀) - (φ₀-φ)/σ²,
//
// whose mean vanishes. Of its multiples, mode by mode, the one that leaves the least variance to single
// configurations is known from partial integrations: with D_k = ⟨|K_k|²⟩ = ⟨S″⟩_k,
//
//	⟨|Z_k|²⟩ = D_k + 1/σ²,  ⟨φ̂_k Z_k*⟩ = -w (D̄ - D_k),
//
// where φ̂ are the means of the sites, w is their average variance and D̄ the average of D_k: the
// coupling of a site to itself has no part in φ̂. So the mean of the clean field is, for every w that does not
// depend on the draws, that of
//
//	φ̂_k + w (D̄ - D_k)/(D_k + 1/σ²) Z_k,
//
// which in a free field does not fluctuate. w is taken at the estimate C_k/(C_k + σ²) φ_k of a Gaussian.
type siteMeans struct {
	table     siteTable
	action    lattice.SiteAction
	fourier   *lattice.Fourier
	clean     []float64 // C_k, of a mixture its second moment
	stiffness []float64 // D_k
	average   float64   // D̄
	variance  float64   // w
	sum       []float64 // of φ̂

	field, drift, weights []float64
}

// siteMeansFine is the number of entries of the table per standard deviation: cubics leave 10⁻⁵.
const siteMeansFine = 4

// newSiteMeans returns those of an action, or nil if it does not tell the potential of a site, or one
// that the nodes of a table do not resolve.
func newSiteMeans(m *Model, action lattice.Action, fourier *lattice.Fourier) *siteMeans {
	a, ok := action.(lattice.SiteAction)
	if !ok || m.layout.Components > 1 || len(fixedModes(m.space, m.layout)) > 0 || lattice.CheckSitePotential(a) != nil {
		return nil
	}
	// An ordered field has ⟨φ²⟩ - m² = Σ_k C_k/V + μ²/V.
	variance := mean(m.spectrum) + m.shift()*m.shift()
	s, err := newSite(a.SitePotential(), m.mean[0], variance)
	if err != nil || s.nodes > mostTableNodes {
		return nil
	}
	c := &siteMeans{action: a, fourier: fourier, table: siteTable{site: s, nodes: s.nodes, fine: siteMeansFine}}
	for k, v := range m.spectrum {
		c.stiffness = append(c.stiffness, (v+m.cfg.Residual[k])/(v*v))
	}
	c.average = mean(c.stiffness)
	c.clean = slices.Clone(m.spectrum)
	c.clean[0] += m.order * m.order
	row := func() []float64 { return make([]float64, len(m.spectrum)) }
	c.sum, c.field, c.drift, c.weights = row(), row(), row(), row()
	return c
}

// begin prepares the average at a noisy field centre over what begins with field, of the drift given.
func (c *siteMeans) begin(centre, field, drift []float64, sigma float64) {
	s2 := sigma * sigma
	edge, tilt := 0.0, float64(maxTilt)
	for i, x := range field {
		edge, tilt = max(edge, math.Abs(centre[i])), max(tilt, 2*math.Abs(drift[i]+c.table.site.slope(x)))
	}
	c.table.fill(sigma, 0, tilt, edge)
	clear(c.sum)
	for k, v := range c.clean {
		c.weights[k] = v / (v + s2)
	}
	for i, x := range centre {
		c.field[i] = x - c.table.site.centre
	}
	c.fourier.Filter(c.field, c.field, c.weights)
	for i := range c.field {
		c.field[i] += c.table.site.centre
	}
	c.action.Drift(c.drift, c.field)
	c.variance = 0
	for i, x := range c.field {
		_, du := c.table.at(centre[i]/s2 + c.drift[i] + c.table.site.slope(x))
		c.variance += (1 + du) * s2 / float64(len(c.field))
	}
}

// add adds a configuration.
func (c *siteMeans) add(centre, field, drift []float64, sigma float64) {
	s2 := sigma * sigma
	for i, x := range field {
		h := centre[i]/s2 + drift[i] + c.table.site.slope(x)
		c.sum[i] += (c.table.mean(h) + h) * s2
	}
}

// end replaces the sums of n clean fields and of their drifts by those of what has the same mean: the
// estimate of the clean field, and the drift of which it is the mean, (φ₀-φ)/σ².
func (c *siteMeans) end(sum, sumDrift, centre []float64, sigma float64, n int) {
	s2 := sigma * sigma
	for k, d := range c.stiffness {
		c.weights[k] = c.variance * (c.average - d) / (d + 1/s2)
	}
	for i, x := range sum {
		sumDrift[i] -= (x - float64(n)*centre[i]) / s2
	}
	c.fourier.Filter(sum, sumDrift, c.weights)
	for i, x := range c.sum {
		sum[i] += x
		sumDrift[i] = (sum[i] - float64(n)*centre[i]) / s2
	}
}
