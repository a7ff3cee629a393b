package hmc

import "github.com/latdiff/latdiff/lattice"

// plane moves the φ⁴ action (4.2) in two dimensions. Force, momentum update and
// field update share one pass over the lattice, which reads the field from one
// buffer and writes it to another.
type plane struct {
	rows, cols    int
	kappa, lambda float64
	// phi and next hold the field, pi the momenta, all row-major.
	phi, next, pi []float64
	loops         *loops
}

// loops are the passes over a plane, in one of their implementations.
type loops struct {
	name string
	// kickDrift does π ← π + aK(φ) and next ← φ + drift·π.
	kickDrift func(p *plane, c couplings, drift float64)
	// kick does π ← π + aK(φ).
	kick func(p *plane, c couplings)
	// energy returns the sums of π², φ(x)(φ(x+1̂) + φ(x+2̂)), φ² and φ⁴.
	energy func(p *plane) (pi2, hop, phi2, phi4 float64)
}

// couplings are the coefficients of a force times a step,
// aK = hop·Σ_{±μ} φ(x±μ̂) - φ(mass + quartic·φ²).
type couplings struct{ hop, mass, quartic float64 }

func newPlane(a *lattice.Phi4) *plane {
	l := a.Layout().Lattice
	p := &plane{
		rows: l.Extent(0), cols: l.Extent(1),
		kappa: a.Kappa(), lambda: a.Lambda(),
		phi: make([]float64, l.Volume()), next: make([]float64, l.Volume()),
		pi: make([]float64, l.Volume()),
	}
	p.loops = fastest(p.cols)
	return p
}

func (p *plane) load(phi []float64)  { copy(p.phi, phi) }
func (p *plane) store(phi []float64) { copy(phi, p.phi) }

func (p *plane) refresh(src *normalSource) { src.fill(p.pi) }

// couplings returns the coefficients of a K(φ).
func (p *plane) couplings(a float64) couplings {
	return couplings{hop: 2 * a * p.kappa, mass: 2 * a * (1 - 2*p.lambda), quartic: 4 * a * p.lambda}
}

func (p *plane) kickDrift(a, b float64) {
	p.loops.kickDrift(p, p.couplings(a), b)
	p.phi, p.next = p.next, p.phi
}

func (p *plane) kick(a float64) { p.loops.kick(p, p.couplings(a)) }

func (p *plane) hamiltonian() float64 {
	pi2, hop, phi2, phi4 := p.loops.energy(p)
	return pi2/2 - 2*p.kappa*hop + (1-2*p.lambda)*phi2 + p.lambda*phi4
}

// neighbours returns row i of the field and the rows before and after it, all with
// the length of a row.
func (p *plane) neighbours(i int) (mid, up, down []float64) {
	n := p.cols
	u, d := i-1, i+1
	if u < 0 {
		u = p.rows - 1
	}
	if d == p.rows {
		d = 0
	}
	mid = p.phi[i*n:][:n]
	return mid, p.phi[u*n:][:len(mid)], p.phi[d*n:][:len(mid)]
}
