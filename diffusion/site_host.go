package diffusion

import (
	"math"
	"sync"

	"github.com/latdiff/latdiff/internal/lanes"
)

// siteHost adds the solution of one site to the remainder of a model on the CPU.
type siteHost struct {
	*site
	spectrum  []float64
	kernels   *lanes.Kernels
	transform *lanes.Transform
	scratch   sync.Pool // of *siteFields
}

// siteFields are all lanes of some fields.
type siteFields struct{ field, mean, pull, temp []float32 }

func newSiteHost(m *Model) *siteHost {
	h := &siteHost{site: m.site, spectrum: m.spectrum, kernels: lanes.Fastest()}
	h.transform = lanes.NewTransform(h.kernels, m.layout.Dims())
	return h
}

// siteLevel is the solution at one noise level. With H = φ/σ² + h + h₀ the mean and the
// variance of φ₀ are functions of H alone, and with u = ⟨φ₀⟩/σ² - H the score is
// s = u + h + h₀, its derivative (du/dH)/σ². u, du/dH and d²u/dH² are tabulated.
type siteLevel struct {
	*siteHost
	sigma              float64
	precision          []float32 // A_k
	own, w, alpha, h0  float64
	from, step         float64 // of the table
	value, slope, bend []float64
}

const (
	// siteFine is the number of entries of the table per inverse standard deviation of φ₀,
	// and siteTableNodes that of the nodes of each.
	siteFine       = 16
	siteTableNodes = 128
)

// level tabulates the solution at a noise level.
func (h *siteHost) level(sigma float64) *siteLevel {
	l := &siteLevel{siteHost: h, sigma: sigma}
	v := float64(len(h.spectrum))
	for _, c := range h.spectrum {
		a := 1 / (c + sigma*sigma)
		l.precision = append(l.precision, float32(a))
		l.own, l.w = l.own+a/v, l.w+a*c/v
	}
	l.alpha = l.own / l.w / 2
	l.h0 = 2*l.alpha*h.centre - 2*h.site.alpha*h.site.mean
	// φ reaches siteWindow·σ further than φ₀.
	edge := (math.Abs(h.centre)+h.reach+siteWindow*sigma)/(sigma*sigma) + maxTilt
	width := min(sigma, h.reach/4)
	n := int(2*edge*width*siteFine) + 2
	l.from, l.step = -edge, 2*edge/float64(n-1)
	for i := range n {
		u, du, ddu := l.solve(l.from + l.step*float64(i))
		l.value, l.slope, l.bend = append(l.value, u), append(l.slope, du), append(l.bend, ddu)
	}
	return l
}

// solve returns u, du/dH and d²u/dH² at H.
func (l *siteLevel) solve(field float64) (u, du, ddu float64) {
	s2 := l.sigma * l.sigma
	peak := field * s2 // of the Gaussian alone
	window := siteWindow*l.sigma + maxTilt*s2
	lo, hi := max(peak-window, l.centre-l.reach), min(peak+window, l.centre+l.reach)
	lo, hi = min(lo, peak+window/2), max(hi, peak-window/2)
	var exponents [siteTableNodes]float64
	top := math.Inf(-1)
	b := l.site.alpha - l.alpha
	for i := range exponents {
		x := lo + (hi-lo)*float64(i)/(siteTableNodes-1)
		exponents[i] = b*x*x - l.site.value(x) - (x-peak)*(x-peak)/(2*s2)
		top = max(top, exponents[i])
	}
	var m [4]float64
	for i, e := range exponents {
		x := lo + (hi-lo)*float64(i)/(siteTableNodes-1) - peak
		w := math.Exp(e - top)
		m[0], m[1], m[2], m[3] = m[0]+w, m[1]+w*x, m[2]+w*x*x, m[3]+w*x*x*x
	}
	mean, square, cube := m[1]/m[0], m[2]/m[0], m[3]/m[0]
	variance := square - mean*mean
	return mean / s2, variance/s2 - 1, (cube - 3*mean*square + 2*mean*mean*mean) / s2
}

// at interpolates u and du/dH; beyond the table u goes on
// with its slope.
func (l *siteLevel) at(field float64) (u, du float64) {
	place := (field - l.from) / l.step
	last := len(l.value) - 1
	switch {
	case !(place > 0):
		return l.value[0] + l.slope[0]*(field-l.from), l.slope[0]
	case place >= float64(last):
		return l.value[last] + l.slope[last]*(field-l.from-l.step*float64(last)), l.slope[last]
	}
	i := int(place)
	t := place - float64(i)
	return hermite(l.value, l.slope, l.step, i, t), hermite(l.slope, l.bend, l.step, i, t)
}

// add adds the modes of what one site adds to the score of the Gaussian, and its divergence
// unless that is nil.
func (l *siteLevel) add(r, divergence, modes []float64) {
	v := len(l.spectrum)
	f, _ := l.scratch.Get().(*siteFields)
	if f == nil {
		row := func() []float32 { return make([]float32, v*lanes.Width) }
		f = &siteFields{row(), row(), row(), make([]float32, l.transform.Scratch())}
	}
	defer l.scratch.Put(f)
	for lo := 0; lo < len(modes); lo += lanes.Width * v {
		n := min(lanes.Width, (len(modes)-lo)/v)
		clear(f.field)
		for i := range n {
			for k, x := range modes[lo+i*v : lo+(i+1)*v] {
				f.field[k*lanes.Width+i] = float32(x)
			}
		}
		l.transform.Apply(f.field, f.temp)
		weight := 1 / (l.sigma * l.sigma)
		for j, x := range f.field {
			// μ - φ = σ²s.
			u, _ := l.at((float64(x)+l.centre)*weight + l.h0)
			f.mean[j] = x + float32((u+l.h0)/weight)
		}
		copy(f.pull, f.mean)
		l.transform.Apply(f.pull, f.temp)
		l.kernels.Scale(f.pull, f.pull, l.precision)
		l.transform.Apply(f.pull, f.temp)
		var sums [lanes.Width]float64
		for j, x := range f.field {
			h := (l.own*float64(f.mean[j])-float64(f.pull[j]))/(l.w*l.w) + l.h0
			u, du := l.at((float64(x)+l.centre)*weight + h)
			f.field[j] = float32(u + h)
			sums[j%lanes.Width] += du*weight + l.own
		}
		l.transform.Apply(f.field, f.temp)
		for i := range n {
			for k := range v {
				// The linear part of the score is -A(φ - m).
				r[lo+i*v+k] += float64(f.field[k*lanes.Width+i]) + float64(l.precision[k])*modes[lo+i*v+k]
			}
			if divergence != nil {
				divergence[lo/v+i] += sums[i]
			}
		}
	}
}
