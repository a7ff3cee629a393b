package diffusion

import "math"

// siteTable is the mean and the variance of one variable with the density
//
//	exp(-V(φ₀) + bφ₀² + Hφ₀ - φ₀²/2σ²)
//
// as functions of H, at one noise level: u = ⟨φ₀⟩/σ² - H, du/dH and d²u/dH² are tabulated, and
// interpolated by cubics. ⟨φ₀⟩ is σ²(u + H), and the variance σ²(du/dH + 1).
type siteTable struct {
	site  *site
	nodes int // of an integral, at most mostTableNodes
	fine  int // entries per inverse standard deviation of φ₀

	sigma, b, tilt     float64
	from, step         float64
	value, slope, bend []float64
}

const (
	// hostFine is the fine of a table for a score in float32, mostTableNodes the number of its nodes.
	hostFine       = 16
	mostTableNodes = 128
)

// fill tabulates a noise level for noisy fields up to edge and fields h of other sites up to tilt.
func (t *siteTable) fill(sigma, b, tilt, edge float64) {
	t.sigma, t.b, t.tilt = sigma, b, tilt
	edge = edge/(sigma*sigma) + tilt
	width := min(sigma, t.site.reach/4)
	n := int(2*edge*width*float64(t.fine)) + 2
	t.from, t.step = -edge, 2*edge/float64(n-1)
	t.value, t.slope, t.bend = t.value[:0], t.slope[:0], t.bend[:0]
	for i := range n {
		u, du, ddu := t.solve(t.from + t.step*float64(i))
		t.value, t.slope, t.bend = append(t.value, u), append(t.slope, du), append(t.bend, ddu)
	}
}

// solve returns u, du/dH and d²u/dH² at H.
func (t *siteTable) solve(field float64) (u, du, ddu float64) {
	s, s2 := t.site, t.sigma*t.sigma
	peak := field * s2 // of the Gaussian alone
	window := siteWindow*t.sigma + t.tilt*s2
	lo, hi := max(peak-window, s.centre-s.reach), min(peak+window, s.centre+s.reach)
	lo, hi = min(lo, peak+window/2), max(hi, peak-window/2)
	var all [mostTableNodes]float64
	exponents := all[:t.nodes]
	step := (hi - lo) / float64(t.nodes-1)
	top := math.Inf(-1)
	for i := range exponents {
		x := lo + step*float64(i)
		exponents[i] = t.b*x*x - s.value(x) - (x-peak)*(x-peak)/(2*s2)
		top = max(top, exponents[i])
	}
	var m [4]float64
	for i, e := range exponents {
		x := lo + step*float64(i) - peak
		w := math.Exp(e - top)
		m[0], m[1], m[2], m[3] = m[0]+w, m[1]+w*x, m[2]+w*x*x, m[3]+w*x*x*x
	}
	mean, square, cube := m[1]/m[0], m[2]/m[0], m[3]/m[0]
	variance := square - mean*mean
	return mean / s2, variance/s2 - 1, (cube - 3*mean*square + 2*mean*mean*mean) / s2
}

// at interpolates u and du/dH; beyond the table u goes on
// with its slope.
func (t *siteTable) at(field float64) (u, du float64) {
	i, r, inside := t.place(field)
	if !inside {
		return t.value[i] + t.slope[i]*r*t.step, t.slope[i]
	}
	return hermite(t.value, t.slope, t.step, i, r), hermite(t.slope, t.bend, t.step, i, r)
}

// mean is at for u alone.
func (t *siteTable) mean(field float64) float64 {
	i, r, inside := t.place(field)
	if !inside {
		return t.value[i] + t.slope[i]*r*t.step
	}
	return hermite(t.value, t.slope, t.step, i, r)
}

// place returns the entry below a field and the distance from it in steps, or that from the first or the
// last entry outside of the table.
func (t *siteTable) place(field float64) (i int, r float64, inside bool) {
	r = (field - t.from) / t.step
	last := len(t.value) - 1
	switch {
	case !(r > 0):
		return 0, r, false
	case r >= float64(last):
		return last, r - float64(last), false
	}
	i = int(r)
	return i, r - float64(i), true
}
