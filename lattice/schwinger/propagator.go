package schwinger

import (
	"fmt"
	"math"
)

// Propagator is G = D⁻¹ for one configuration of links.
type Propagator struct {
	dirac *Dirac
	// g has 2V rows, row 2x+a for spin a at site x.
	g []complex128
}

// Propagator returns G = D⁻¹. It returns an error if links are not finite or do not have the
// size of the layout, or if D is singular.
func (d *Dirac) Propagator(links []float64) (*Propagator, error) {
	if err := d.layout.CheckField(links); err != nil {
		return nil, fmt.Errorf("schwinger: propagator: %w", err)
	}
	w := d.pool.Get().(*workspace)
	defer d.pool.Put(w)
	d.load(w, links)
	if det := w.m.invert(); det.phase == 0 {
		return nil, fmt.Errorf("schwinger: expected an operator that has an inverse, got a singular one at κ = %v", d.kappa)
	}
	n := 2 * d.layout.Volume()
	p := &Propagator{d, make([]complex128, n*n)}
	// The rows of even sites are M⁻¹ and κM⁻¹H_eo.
	for i, x := range d.even {
		for j, y := range d.even {
			for a := range 2 {
				copy(p.row(x, a)[2*y:2*y+2], w.m.row(2*i + a)[2*j:2*j+2])
			}
		}
		for _, y := range d.odd {
			b := d.evenToOdd(w, x, y)
			for a := range 2 {
				copy(p.row(x, a)[2*y:2*y+2], b[a][:])
			}
		}
	}
	// The rows of odd sites follow from DG = 1: G(x,·) = 1 + κ Σ_z H(x,z)G(z,·).
	for _, x := range d.odd {
		for a := range 2 {
			row := p.row(x, a)
			row[2*int(x)+a] = 1
			for _, h := range d.hops(w.u, x) {
				for b := range 2 {
					subtract(row, -complex(d.kappa, 0)*h.block[a][b], p.row(h.to, b))
				}
			}
		}
	}
	return p, nil
}

// row returns row 2x+a.
func (p *Propagator) row(x int32, a int) []complex128 {
	n := 2 * p.dirac.layout.Volume()
	return p.g[(2*int(x)+a)*n : (2*int(x)+a+1)*n]
}

// At returns G from spin b at site y to spin a at site x. It panics where there is no such
// site or spin.
func (p *Propagator) At(x, a, y, b int) complex128 { return p.row(int32(x), a)[2*y+b] }

// Condensate returns -ψ̄ψ of one flavour, (2κ/V) Tr D⁻¹, with fields of the canonical
// normalisation, whose operator is D/(2κ). It is bare: with Wilson fermions it has an
// additive part that does not vanish with the mass.
func (p *Propagator) Condensate() float64 {
	v, sum := p.dirac.layout.Volume(), 0.0
	for x := range v {
		for a := range 2 {
			sum += real(p.At(x, a, x, a))
		}
	}
	return 2 * p.dirac.kappa * sum / float64(v)
}

// Pion writes the correlator of the pion ψ̄_1γ_5ψ_2 at zero momentum,
//
//	C(t) = (2κ)² Σ_{x₁} tr G(x,y)G(x,y)†,  x₀ - y₀ = t mod L₀,
//
// averaged over all sources y, into dst and returns it: L₀ numbers, all positive. (G(y,x) =
// γ_5G(x,y)†γ_5 turns the trace of two propagators into this one.) Of the mean over an ensemble,
// lattice.EffectiveMass makes the effective mass. A nil dst is allocated; it panics if dst
// has another length.
func (p *Propagator) Pion(dst []float64) []float64 {
	l0 := p.dirac.layout.Extent(0)
	if dst == nil {
		dst = make([]float64, l0)
	}
	if len(dst) != l0 {
		panic(fmt.Sprintf("schwinger: expected a correlator of %d times, got %d", l0, len(dst)))
	}
	clear(dst)
	v := p.dirac.layout.Volume()
	l1 := v / l0
	norm := math.Pow(2*p.dirac.kappa, 2) / float64(v)
	for x := range v {
		for a := range 2 {
			for j, g := range p.row(int32(x), a) {
				t := (x/l1 - j/2/l1 + l0) % l0
				dst[t] += norm * (real(g)*real(g) + imag(g)*imag(g))
			}
		}
	}
	return dst
}
