package schwinger

import (
	"math"
	"math/cmplx"
)

// workspace is the memory of one evaluation.
type workspace struct {
	u []complex128
	m *dense
}

func newWorkspace(volume int) *workspace {
	return &workspace{make([]complex128, 2*volume), newDense(volume)}
}

// load writes the phases and M = 1 - κ²H_eo H_oe; row 2i+a is spin a at the even site i.
func (d *Dirac) load(w *workspace, links []float64) {
	d.phases(w.u, links)
	clear(w.m.a)
	square := complex(d.kappa*d.kappa, 0)
	for i, x := range d.even {
		top, bottom := w.m.row(2*i), w.m.row(2*i+1)
		top[2*i], bottom[2*i+1] = 1, 1
		for _, h := range d.hops(w.u, x) {
			for _, g := range d.hops(w.u, h.to) {
				b := h.block.times(&g.block)
				j := 2 * d.place[g.to]
				top[j] -= square * b[0][0]
				top[j+1] -= square * b[0][1]
				bottom[j] -= square * b[1][0]
				bottom[j+1] -= square * b[1][1]
			}
		}
	}
}

// LogDet returns log|det D| and the sign of det D, which is real; -Inf and 0 if D is
// singular.
func (d *Dirac) LogDet(links []float64) (logAbs float64, sign int) {
	w := d.pool.Get().(*workspace)
	defer d.pool.Put(w)
	d.load(w, links)
	det := w.m.eliminate()
	switch {
	case det.phase == 0:
		return det.log, 0
	case real(det.phase) < 0:
		return det.log, -1
	}
	return det.log, 1
}

// Gradient writes ∂log|det D|/∂φ_µ(x) = Re Tr D⁻¹∂D/∂φ_µ(x) for all links into dst and returns
// it, from one inverse of M. A nil dst is allocated. The numbers are not finite where D is
// singular.
func (d *Dirac) Gradient(dst, links []float64) []float64 {
	if dst == nil {
		dst = make([]float64, len(links))
	}
	clear(dst)
	d.addGradient(dst, links, 1)
	return dst
}

// addGradient adds factor times the gradient of log|det D| to dst.
func (d *Dirac) addGradient(dst, links []float64, factor float64) {
	w := d.pool.Get().(*workspace)
	defer d.pool.Put(w)
	d.load(w, links)
	if w.m.invert().phase == 0 {
		factor = math.NaN()
	}
	// With G = D⁻¹ and y = x+µ̂,
	//
	//	Tr D⁻¹∂D/∂φ = -iκ U tr (1-σ)G(y,x) + iκ U* tr (1+σ)G(x,y).
	//
	// The terms are complex conjugates, by G† = γ_5Gγ_5. One of x and y is even, and the term
	// with its row of G is twice the real part.
	v := d.layout.Volume()
	for mu := range 2 {
		forward := d.layout.Forward(mu)
		for x := range v {
			from, to, side, coefficient := int32(x), forward[x], 1, 1i*cmplx.Conj(w.u[mu*v+x])
			if d.isOdd(x) {
				from, to, side, coefficient = to, from, 0, -1i*w.u[mu*v+x]
			}
			g := d.evenToOdd(w, from, to)
			p := g.times(&projectors[mu][side])
			dst[mu*v+x] += factor * 2 * d.kappa * real(coefficient*(p[0][0]+p[1][1]))
		}
	}
}

// isOdd tells whether a site is odd.
func (d *Dirac) isOdd(x int) bool { return d.odd[d.place[x]] == int32(x) }

// evenToOdd returns the block G(x, y) = κ Σ_z M⁻¹(x,z) H(z,y) of an even x and an odd y, where
// w.m holds M⁻¹.
func (d *Dirac) evenToOdd(w *workspace, x, y int32) spin {
	top, bottom := w.m.row(2*int(d.place[x])), w.m.row(2*int(d.place[x])+1)
	var out spin
	for _, h := range d.into(w.u, y) {
		j := 2 * d.place[h.to]
		m := spin{{top[j], top[j+1]}, {bottom[j], bottom[j+1]}}
		b := m.times(&h.block)
		for a := range 2 {
			for c := range 2 {
				out[a][c] += complex(d.kappa, 0) * b[a][c]
			}
		}
	}
	return out
}

// into returns the four terms of H in the column of site y, with the sites of their rows.
func (d *Dirac) into(u []complex128, y int32) [4]hop {
	var out [4]hop
	v := d.layout.Volume()
	for mu := range 2 {
		z, x := d.layout.Forward(mu)[y], d.layout.Backward(mu)[y]
		out[2*mu] = hop{x, scaled(u[mu*v+int(x)], &projectors[mu][0])}
		out[2*mu+1] = hop{z, scaled(cmplx.Conj(u[mu*v+int(y)]), &projectors[mu][1])}
	}
	return out
}
