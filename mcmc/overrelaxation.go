package mcmc

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// Overrelaxation reflects each site in turn about the minimum of its potential in
// the field of its neighbours (S. L. Adler, Phys. Rev. D 23 (1981) 2901; M. Creutz,
// Phys. Rev. D 36 (1987) 515),
//
//	φ_x ← 2v*(h) - φ_x,  h = 2κ Σ_{±μ} φ(x±μ̂),
//
// with a Metropolis step for what the potential is not symmetric about v*. The
// reflection is its own inverse whatever function of h the point v* is, so that the
// kernel leaves exp(-S) invariant. It nearly conserves S and so is not ergodic, but
// it moves long waves ballistically where [Metropolis] diffuses: a few of its sweeps
// to each Metropolis sweep reduce the critical slowing down of |M|, which the
// cluster update of the signs alone cannot do. Sites are visited in the order of
// [Metropolis].
type Overrelaxation struct {
	g       siteGraph
	order   []int32
	m, l    float64
	maximum float64
	draws   []metropolisDraw
}

var _ Kernel = (*Overrelaxation)(nil)

// NewOverrelaxation returns the kernel of action. It returns an error if action is
// nil.
func NewOverrelaxation(action *lattice.Phi4) (*Overrelaxation, error) {
	if action == nil {
		return nil, fmt.Errorf("mcmc: expected a φ⁴ action for overrelaxation, got nil")
	}
	lat := action.Layout().Lattice
	k := &Overrelaxation{
		g:     newSiteGraph(action),
		order: checkerboard(lat),
		m:     1 - 2*action.Lambda() - 2*action.Kappa()*float64(selfLinks(lat)),
		l:     action.Lambda(),
		draws: make([]metropolisDraw, min(lat.Volume(), 64)),
	}
	if k.order == nil {
		for x := range lat.Volume() {
			k.order = append(k.order, int32(x))
		}
	}
	if k.m < 0 {
		k.maximum = math.Sqrt(-k.m / (2 * k.l))
	}
	return k, nil
}

// Step reflects every site once. It returns an error if phi does not have the
// volume of the lattice.
func (k *Overrelaxation) Step(rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != len(k.order) {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d sites, got %d", len(k.order), len(phi))
	}
	accepted, delta := 0, 0.0
	for done := 0; done < len(k.order); done += len(k.draws) {
		// As in phi4Sweep, numbers are drawn first and outcomes chosen without branches.
		order := k.order[done:min(done+len(k.draws), len(k.order))]
		drawMetropolis(rng, k.draws[:len(order)])
		n, d := k.sites(phi, order)
		accepted += n
		delta += d
	}
	return Info{
		Accepted:   accepted > 0,
		AcceptProb: float64(accepted) / float64(len(phi)),
		DeltaH:     delta,
	}, nil
}

func (k *Overrelaxation) sites(phi []float64, order []int32) (accepted int, delta float64) {
	links, kappa2, m, l := k.g.links, k.g.kappa2, k.m, k.l
	draws := k.draws[:len(order)]
	for i, x := range order {
		h := 0.0
		for _, y := range k.g.near[int(x)*links : int(x+1)*links] {
			h += phi[y]
		}
		h *= kappa2
		v := phi[x]
		w := 2*k.centre(h) - v
		p, q := v*v, w*w
		d := (q-p)*(m+l*(q+p)) - h*(w-v)
		vb, wb := math.Float64bits(v), math.Float64bits(w)
		change, n := uint64(0), 0
		if d < draws[i].exponential {
			vb, change, n = wb, math.Float64bits(d), 1
		}
		phi[x] = math.Float64frombits(vb)
		accepted += n
		delta += math.Float64frombits(change)
	}
	return accepted, delta
}

// centre approximates the minimum of v²(m + λv²) - hv on the side of h by Newton's
// method from a point beyond it, from where it converges monotonically. The last
// step is a few per cent, its square the error: enough for a good acceptance.
func (k *Overrelaxation) centre(h float64) float64 {
	if k.l == 0 {
		return h / (2 * k.m)
	}
	var v float64
	if k.m > 0 {
		v = h / (2 * k.m)
	} else {
		v = math.Cbrt(h/(4*k.l)) + math.Copysign(k.maximum, h)
	}
	for range 16 {
		q := 4 * k.l * v * v
		next := (2*q*v + h) / (2*k.m + 3*q)
		close := math.Abs(next-v) <= math.Abs(v)/32
		v = next
		if close {
			break
		}
	}
	return v
}
