package schwinger

import (
	"fmt"
	"math"
	"math/cmplx"
	"sync"

	"github.com/latdiff/latdiff/lattice"
)

// Dirac is the Wilson–Dirac operator D = 1 - κH of package schwinger on one lattice. It is
// safe for concurrent use. Methods panic unless links have two numbers per site.
//
// H joins even sites, whose coordinates have an even sum, to odd ones and back, so that
//
//	det D = det M,  M = 1 - κ² H_eo H_oe
//
// on the even sites (T. A. DeGrand, Comput. Phys. Commun. 52 (1988) 161): a complex
// matrix of V rows in the place of one of 2V. It is factorised with partial pivoting.
type Dirac struct {
	layout lattice.Layout
	kappa  float64
	// even and odd list the sites of a parity, and place has the number of a site in its list.
	even, odd []int32
	place     []int32
	// boundary[µ·V+x] is the sign of the link from x in direction µ: -1 where it wraps around
	// the time.
	boundary []float64
	pool     sync.Pool
}

// NewDirac returns the operator on a lattice of two dimensions. It returns an error unless
// there is such a lattice with even extents, and a finite κ.
func NewDirac(lat *lattice.Lattice, kappa float64) (*Dirac, error) {
	switch {
	case lat == nil:
		return nil, fmt.Errorf("schwinger: expected a lattice, got nil")
	case lat.Dim() != 2 || lat.Extent(0)%2 != 0 || lat.Extent(1)%2 != 0:
		return nil, fmt.Errorf("schwinger: expected a lattice of two dimensions with even extents, got %v", lat)
	case math.IsNaN(kappa) || math.IsInf(kappa, 0):
		return nil, fmt.Errorf("schwinger: expected a finite hopping parameter κ, got %v", kappa)
	}
	v := lat.Volume()
	d := &Dirac{layout: lattice.Vector(lat, 2), kappa: kappa, place: make([]int32, v), boundary: make([]float64, 2*v)}
	if err := d.layout.Check(); err != nil {
		return nil, fmt.Errorf("schwinger: %w", err)
	}
	coord := make([]int, 2)
	for x := range v {
		lat.Coord(coord, x)
		list := &d.even
		if (coord[0]+coord[1])%2 != 0 {
			list = &d.odd
		}
		d.place[x] = int32(len(*list))
		*list = append(*list, int32(x))
		d.boundary[x], d.boundary[v+x] = 1, 1
		if coord[0] == lat.Extent(0)-1 {
			d.boundary[x] = -1
		}
	}
	d.pool.New = func() any { return newWorkspace(v) }
	return d, nil
}

// Layout returns the layout of the links, two components on the lattice.
func (d *Dirac) Layout() lattice.Layout { return d.layout }

// Kappa returns the hopping parameter κ.
func (d *Dirac) Kappa() float64 { return d.kappa }

// Mass returns the bare mass m = 1/(2κ) - 2 in lattice units.
func (d *Dirac) Mass() float64 { return 1/(2*d.kappa) - 2 }

// spin is a matrix of the two spin components.
type spin [2][2]complex128

// projectors are 1-σ_µ and 1+σ_µ.
var projectors = [2][2]spin{
	{{{1, -1}, {-1, 1}}, {{1, 1}, {1, 1}}},
	{{{1, 1i}, {-1i, 1}}, {{1, -1i}, {1i, 1}}},
}

func (a *spin) times(b *spin) spin {
	var c spin
	for i := range 2 {
		for j := range 2 {
			c[i][j] = a[i][0]*b[0][j] + a[i][1]*b[1][j]
		}
	}
	return c
}

// hop is one of the four terms of H in the row of a site.
type hop struct {
	to    int32
	block spin
}

// hops returns the terms of H in the row of site x, where u has the links as phases with the
// signs of the boundary.
func (d *Dirac) hops(u []complex128, x int32) [4]hop {
	var out [4]hop
	v := d.layout.Volume()
	for mu := range 2 {
		y, z := d.layout.Forward(mu)[x], d.layout.Backward(mu)[x]
		out[2*mu] = hop{y, scaled(u[mu*v+int(x)], &projectors[mu][0])}
		out[2*mu+1] = hop{z, scaled(cmplx.Conj(u[mu*v+int(z)]), &projectors[mu][1])}
	}
	return out
}

func scaled(f complex128, a *spin) spin {
	return spin{{f * a[0][0], f * a[0][1]}, {f * a[1][0], f * a[1][1]}}
}

// phases writes the links as phases, with the signs of the boundary, into u.
func (d *Dirac) phases(u []complex128, links []float64) {
	if len(links) != len(u) {
		panic(fmt.Sprintf("schwinger: expected %d links on %v, got %d", len(u), d.layout, len(links)))
	}
	for i, phi := range links {
		sin, cos := math.Sincos(phi)
		u[i] = complex(d.boundary[i]*cos, d.boundary[i]*sin)
	}
}

// Matrix returns D as a dense matrix of 2V rows, row by row; row 2x+a is spin a at site x.
func (d *Dirac) Matrix(links []float64) []complex128 {
	v := d.layout.Volume()
	u := make([]complex128, 2*v)
	d.phases(u, links)
	out := make([]complex128, 4*v*v)
	for x := range v {
		out[(2*x)*2*v+2*x], out[(2*x+1)*2*v+2*x+1] = 1, 1
		for _, h := range d.hops(u, int32(x)) {
			for a := range 2 {
				for b := range 2 {
					out[(2*x+a)*2*v+2*int(h.to)+b] -= complex(d.kappa, 0) * h.block[a][b]
				}
			}
		}
	}
	return out
}
