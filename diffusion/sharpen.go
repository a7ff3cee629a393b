package diffusion

import (
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// The mean of |φ_k|² over N configurations has the relative error √(2/N), and with a wrong
// spectrum alone log-weights have the standard deviation √(n/N), n the number of modes that
// no symmetry relates: at N = 10⁴ more than a good network leaves. The action knows better.
// Of the following estimators every mode takes the one that fluctuates least.
//
//   - The direct one, C_k = ⟨|φ_k-m_k|²⟩.
//   - That of the drift K = -∂S/∂φ, where ⟨(φ-m)_k K_k*⟩ = -1 and ⟨|K_k|²⟩ = F_k, the mean
//     curvature Σ_r e^{-ik·r} ⟨∂²S/∂φ(0)∂φ(r)⟩:
//
//     C_k = 1/F_k + ⟨|(φ-m)_k + K_k/F_k|²⟩.
//
//     The last term vanishes in a free theory, and is small at weak coupling.
//   - That of one site, for a [lattice.SiteAction]: given the others, the mean μ(x) and the
//     variance v(x) of φ(x) are integrals over one variable, and
//
//     C_k = ⟨Re (μ-m)_k (φ-m)_k*⟩ + ⟨v⟩,
//
//     where the first term is small for sites that are nearly independent.

// sharpen replaces the measured spectrum by the best of these estimates.
func (m *Measurement) sharpen(action lattice.Action, ens *lattice.Ensemble, s lattice.Symmetries) {
	layout := ens.Layout
	stiff := symmetrized(stiffness(action, ens), layout, s)
	estimators := []*spectrumEstimator{newSpectrumEstimator(layout.Size()), newSpectrumEstimator(layout.Size())}
	direct, drift := estimators[0], estimators[1]
	for k, f := range stiff {
		drift.offset[k] = 1 / f
		drift.useless = drift.useless || !(f > 0)
	}
	site := newConditional(action, ens)
	var single *spectrumEstimator
	if site != nil {
		single = newSpectrumEstimator(layout.Size())
		estimators = append(estimators, single)
	}
	n, volume := float64(ens.Len()), layout.Volume()
	force, field := make([]float64, layout.Size()), make([]float64, volume)
	fourier := lattice.NewFourier(layout.Lattice)
	phik, other := make([]complex128, volume), make([]complex128, volume)
	for _, phi := range ens.All() {
		action.Drift(force, phi)
		for c, mean := range m.Mean {
			one, k := layout.Component(phi, c), layout.Component(force, c)
			for x, v := range one {
				field[x] = v - mean
			}
			fourier.Transform(phik, field)
			fourier.Transform(other, k)
			for i, f := range phik {
				at := c*volume + i
				direct.add(at, f, f)
				y := f + other[i]*complex(drift.offset[at], 0)
				drift.add(at, y, y)
			}
			if site != nil {
				variance := site.mean(field, one, k, mean)
				fourier.Transform(other, field)
				for i, f := range phik {
					single.add(i, f, other[i])
					single.offset[i] += variance / n
				}
			}
		}
	}
	for _, e := range estimators {
		e.finish(n)
		symmetrized(e.sum, layout, s)
		symmetrized(e.square, layout, s)
	}
	for k := range m.Spectrum {
		best := direct
		for _, e := range estimators[1:] {
			if c := e.sum[k] + e.offset[k]; !e.useless && c > 0 && e.square[k] < best.square[k] {
				best = e
			}
		}
		if best != direct {
			m.Spectrum[k] = best.sum[k] + best.offset[k]
		}
	}
}

// spectrumEstimator is an estimate of C_k as a mean of products of modes and an offset.
type spectrumEstimator struct {
	sum, square, offset []float64
	useless             bool
}

func newSpectrumEstimator(size int) *spectrumEstimator {
	return &spectrumEstimator{sum: make([]float64, size), square: make([]float64, size), offset: make([]float64, size)}
}

// add adds Re ab* of a configuration at mode k.
func (e *spectrumEstimator) add(k int, a, b complex128) {
	p := real(a)*real(b) + imag(a)*imag(b)
	e.sum[k] += p
	e.square[k] += p * p
}

// finish turns the sums over n configurations into means and variances.
func (e *spectrumEstimator) finish(n float64) {
	for k := range e.sum {
		e.sum[k] /= n
		e.square[k] = e.square[k]/n - e.sum[k]*e.sum[k]
	}
}

// conditional holds mean and variance of φ(x) in the field h of the other sites, under
// exp(-V(φ) + hφ), as a table.
type conditional struct {
	potential, slope []float64 // V and V′
	from, step       float64   // of h
	values           []float64 // mean
	variances        []float64
}

// conditionalEntries is the number of entries of the table, and conditionalNodes that of the
// nodes of each integral.
const conditionalEntries, conditionalNodes = 512, 512

// newConditional returns the table for the fields h that occur in the ensemble, or nil for an
// action that does not tell the potential of a site.
func newConditional(action lattice.Action, ens *lattice.Ensemble) *conditional {
	a, ok := action.(lattice.SiteAction)
	if !ok || ens.Components != 1 {
		return nil
	}
	c := &conditional{potential: a.SitePotential()}
	c.slope = derivative(c.potential)
	low, high, far := math.Inf(1), math.Inf(-1), 0.0
	force := make([]float64, ens.Size())
	for _, phi := range ens.All() {
		action.Drift(force, phi)
		for x, k := range force {
			h := k + polynomial(c.slope, phi[x])
			low, high, far = min(low, h), max(high, h), max(far, math.Abs(phi[x]))
		}
	}
	// A site goes further out than any of the ensemble hardly ever.
	far *= 1.5
	c.from, c.step = low, (high-low)/(conditionalEntries-1)
	for i := range conditionalEntries {
		h := c.from + c.step*float64(i)
		var exponents [conditionalNodes]float64
		top := math.Inf(-1)
		place := func(j int) float64 { return far * (2*float64(j)/(conditionalNodes-1) - 1) }
		for j := range exponents {
			x := place(j)
			exponents[j] = h*x - polynomial(c.potential, x)
			top = max(top, exponents[j])
		}
		var m [3]float64
		for j, e := range exponents {
			x, w := place(j), math.Exp(e-top)
			m[0], m[1], m[2] = m[0]+w, m[1]+w*x, m[2]+w*x*x
		}
		mean := m[1] / m[0]
		c.values, c.variances = append(c.values, mean), append(c.variances, m[2]/m[0]-mean*mean)
	}
	return c
}

// polynomial returns the polynomial with coefficients c at x.
func polynomial(c []float64, x float64) (y float64) {
	for n := len(c) - 1; n >= 0; n-- {
		y = y*x + c[n]
	}
	return y
}

// derivative returns the coefficients of the derivative of a polynomial.
func derivative(c []float64) []float64 {
	out := make([]float64, len(c)-1)
	for n, v := range c[1:] {
		out[n] = float64(n+1) * v
	}
	return out
}

// mean sets dst to the mean of every φ(x) given the other sites, less centre, and returns the
// mean of their variances.
func (c *conditional) mean(dst, phi, drift []float64, centre float64) (variance float64) {
	for x, k := range drift {
		place := 0.0
		if c.step > 0 {
			place = (k + polynomial(c.slope, phi[x]) - c.from) / c.step
		}
		i := max(0, min(int(place), conditionalEntries-2))
		t := place - float64(i)
		// The slope of the mean is the variance.
		dst[x] = hermite(c.values, c.variances, c.step, i, t) - centre
		variance += ((1-t)*c.variances[i] + t*c.variances[i+1]) / float64(len(drift))
	}
	return variance
}
