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

// siteLevel is the solution at one noise level.
type siteLevel struct {
	*siteHost
	table      *siteTable
	sigma      float64
	precision  []float32 // A_k
	own, w, h0 float64
}

// level tabulates the solution at a noise level.
func (h *siteHost) level(sigma float64) *siteLevel {
	l := &siteLevel{siteHost: h, sigma: sigma}
	v := float64(len(h.spectrum))
	for _, c := range h.spectrum {
		a := 1 / (c + sigma*sigma)
		l.precision = append(l.precision, float32(a))
		l.own, l.w = l.own+a/v, l.w+a*c/v
	}
	alpha := l.own / l.w / 2
	l.h0 = 2*alpha*h.centre - 2*h.site.alpha*h.site.mean
	l.table = &siteTable{site: h.site, nodes: mostTableNodes, fine: hostFine}
	// φ reaches siteWindow·σ further than φ₀.
	l.table.fill(sigma, h.site.alpha-alpha, maxTilt, math.Abs(h.centre)+h.reach+siteWindow*sigma)
	return l
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
			u, _ := l.table.at((float64(x)+l.centre)*weight + l.h0)
			f.mean[j] = x + float32((u+l.h0)/weight)
		}
		copy(f.pull, f.mean)
		l.transform.Apply(f.pull, f.temp)
		l.kernels.Scale(f.pull, f.pull, l.precision)
		l.transform.Apply(f.pull, f.temp)
		var sums [lanes.Width]float64
		for j, x := range f.field {
			h := (l.own*float64(f.mean[j])-float64(f.pull[j]))/(l.w*l.w) + l.h0
			u, du := l.table.at((float64(x)+l.centre)*weight + h)
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
