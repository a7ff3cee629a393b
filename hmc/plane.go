package hmc

import "github.com/latdiff/latdiff/lattice"

// plane moves the φ⁴ action (4.2) in two dimensions. Force, momentum update and
// field update share one pass over the lattice, which reads the field from one
// buffer and writes it to another.
//
// The rows of both buffers carry a halo: a copy of the last site before the first
// and of the first behind the last, so that the neighbours of a run of sites in a
// row are runs of memory. Rows start at multiples of eight elements after the
// first, an alignment that suits vector loads.
type plane struct {
	rows, cols int
	// stride is the distance of two rows, and start the index of the first site.
	stride, start int
	kappa, lambda float64
	phi, next     []float64
	// pi holds the momenta without a halo.
	pi []float64
}

// lanes is the longest vector in use, in elements.
const lanes = 8

func newPlane(a *lattice.Phi4) *plane {
	l := a.Lattice()
	rows, cols := l.Extent(0), l.Extent(1)
	stride := (cols + 2 + lanes - 1) / lanes * lanes
	n := lanes + rows*stride
	return &plane{
		rows: rows, cols: cols, stride: stride, start: lanes,
		kappa: a.Kappa(), lambda: a.Lambda(),
		phi: make([]float64, n), next: make([]float64, n),
		pi: make([]float64, rows*cols),
	}
}

// row returns the sites of row i in buf, shifted by the given number of elements.
func (p *plane) row(buf []float64, i, shift int) []float64 {
	o := p.start + i*p.stride + shift
	return buf[o : o+p.cols : o+p.cols]
}

// wrap fills the halo of row i of buf.
func (p *plane) wrap(buf []float64, i int) {
	o := p.start + i*p.stride
	buf[o-1], buf[o+p.cols] = buf[o+p.cols-1], buf[o]
}

func (p *plane) load(phi []float64) {
	for i := range p.rows {
		copy(p.row(p.phi, i, 0), phi[i*p.cols:])
		p.wrap(p.phi, i)
	}
}

func (p *plane) store(phi []float64) {
	for i := range p.rows {
		copy(phi[i*p.cols:], p.row(p.phi, i, 0))
	}
}

func (p *plane) refresh(src *normalSource) { src.fill(p.pi) }

// stencil is what the update of one row reads and writes.
type stencil struct {
	// mid, left, right, up and down are the sites of a row and their neighbours.
	mid, left, right, up, down []float64
}

func (p *plane) stencil(i int) stencil {
	up, down := i-1, i+1
	if up < 0 {
		up = p.rows - 1
	}
	if down == p.rows {
		down = 0
	}
	return stencil{
		mid: p.row(p.phi, i, 0), left: p.row(p.phi, i, -1), right: p.row(p.phi, i, 1),
		up: p.row(p.phi, up, 0), down: p.row(p.phi, down, 0),
	}
}

func (p *plane) momenta(i int) []float64 { return p.pi[i*p.cols : (i+1)*p.cols] }

func (p *plane) kickDrift(a, b float64) {
	hop, mass, quartic := 2*a*p.kappa, 2*a*(1-2*p.lambda), 4*a*p.lambda
	for i := range p.rows {
		kickDriftRow(p.stencil(i), p.row(p.next, i, 0), p.momenta(i), hop, mass, quartic, b)
		p.wrap(p.next, i)
	}
	p.phi, p.next = p.next, p.phi
}

func (p *plane) kick(a float64) {
	hop, mass, quartic := 2*a*p.kappa, 2*a*(1-2*p.lambda), 4*a*p.lambda
	for i := range p.rows {
		kickRow(p.stencil(i), p.momenta(i), hop, mass, quartic)
	}
}

func (p *plane) hamiltonian() float64 {
	hop, mass := -2*p.kappa, 1-2*p.lambda
	h := 0.0
	for i := range p.rows {
		h += energyRow(p.stencil(i), p.momenta(i), hop, mass, p.lambda)
	}
	return h
}

func kickDriftRow(s stencil, out, pi []float64, hop, mass, quartic, drift float64) {
	n := len(s.mid)
	left, right, up, down := s.left[:n], s.right[:n], s.up[:n], s.down[:n]
	out, pi = out[:n], pi[:n]
	for x, v := range s.mid {
		q := pi[x] + hop*(left[x]+right[x]+up[x]+down[x]) - v*(mass+quartic*v*v)
		pi[x] = q
		out[x] = v + drift*q
	}
}

func kickRow(s stencil, pi []float64, hop, mass, quartic float64) {
	n := len(s.mid)
	left, right, up, down := s.left[:n], s.right[:n], s.up[:n], s.down[:n]
	pi = pi[:n]
	for x, v := range s.mid {
		pi[x] += hop*(left[x]+right[x]+up[x]+down[x]) - v*(mass+quartic*v*v)
	}
}

// energyRow returns the contribution of one row to the Hamiltonian,
// Σ ½π² - 2κ φ(φ_right + φ_down) + (1-2λ)φ² + λφ⁴.
func energyRow(s stencil, pi []float64, hop, mass, quartic float64) float64 {
	n := len(s.mid)
	right, down := s.right[:n], s.down[:n]
	pi = pi[:n]
	sum := 0.0
	for x, v := range s.mid {
		p := pi[x]
		sum += 0.5*p*p + v*(hop*(right[x]+down[x])+v*(mass+quartic*v*v))
	}
	return sum
}
