package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// Reflector is a [HoppingAction] of one component that knows about which point the
// potential of a site is nearly symmetric: what [Overrelaxation] needs.
type Reflector interface {
	HoppingAction
	// Reflect returns w = 2c(h) - v for the value v of a site in the field
	// h = 2κ Σ_{±μ} φ(x±μ̂) of those of its neighbours that are other sites, and the
	// change of V(v) - hv. The links of extents of 1, which join the site to itself,
	// are a part of V. c may be any function of h; the closer it is to the minimum of
	// V(v) - hv, the more reflections are accepted.
	Reflect(v, h float64) (w, delta float64)
}

// Overrelaxation reflects each site in turn in the field h = 2κ Σ_{±μ} φ(x±μ̂) of its
// neighbours (S. L. Adler, Phys. Rev. D 23 (1981) 2901; M. Creutz, Phys. Rev. D 36
// (1987) 515). One component is reflected about the minimum of its potential, see
// [Reflector],
//
//	φ_x ← 2c(h) - φ_x,
//
// with a Metropolis step for what the potential is not symmetric about c. The
// reflection is its own inverse whatever function of h the point c is, so that the
// kernel leaves exp(-S) invariant. Several components whose potential depends on |φ|
// alone are reflected about the direction of h,
//
//	φ_x ← 2(φ_x·h)h/h² - φ_x,
//
// which leaves |φ_x| and φ_x·h, and so S, as they are and is always accepted.
//
// It nearly conserves S and so is not ergodic, but it moves long waves ballistically
// where [Metropolis] diffuses: a few of its sweeps to each Metropolis sweep reduce the
// critical slowing down of |M|, which the cluster update of the signs alone cannot do.
// Sites are visited in the order of [Metropolis].
type Overrelaxation struct {
	g      siteGraph
	order  []int32
	layout lattice.Layout
	// action reflects one component; it is nil for several.
	action Reflector
	draws  [][2]float64
	// h is the field at a site of several components.
	h []float64
}

var _ Kernel = (*Overrelaxation)(nil)

// NewOverrelaxation returns the kernel of action. It returns an error if there is no
// action, if an action of one component is no [Reflector] or its Reflect contradicts
// its Value, or if the potential of one of several components does not depend on |φ|
// alone.
func NewOverrelaxation(action HoppingAction) (*Overrelaxation, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("mcmc: overrelaxation: %w", err)
	}
	l := action.Layout()
	k := &Overrelaxation{g: newSiteGraph(action), order: siteOrder(l.Lattice), layout: l}
	if l.Components > 1 {
		r, err := measureReflections(action)
		if err != nil {
			return nil, err
		}
		if !r.all {
			return nil, fmt.Errorf("mcmc: expected a potential that depends on |φ| alone for overrelaxation, got %s", lattice.Describe(action))
		}
		k.h = make([]float64, l.Components)
		return k, nil
	}
	reflector, ok := action.(Reflector)
	if !ok {
		return nil, fmt.Errorf("mcmc: expected an action with the method Reflect for overrelaxation, got %T", action)
	}
	k.action = reflector
	k.draws = make([][2]float64, min(l.Volume(), 64))
	return k, k.check()
}

// check compares Reflect with Value at a few sites of random fields. They differ where
// the method belongs to an action that another one embeds and adds to.
func (k *Overrelaxation) check() error {
	rng := rand.New(rand.NewPCG(1, 0x6f766572))
	phi := make([]float64, k.layout.Size())
	for _, scale := range []float64{0.1, 1, 2} {
		before := randomField(rng, k.action, phi, scale)
		for range 4 {
			x := rng.IntN(len(phi))
			v, h := phi[x], k.g.field(phi, int32(x))
			w, delta := k.action.Reflect(v, h)
			back, opposite := k.action.Reflect(w, h)
			phi[x] = w
			want := k.action.Value(phi) - before
			phi[x] = v
			if !finite(want) {
				continue
			}
			size := math.Abs(before) + math.Abs(want) + float64(len(phi))*scale*scale
			if !(math.Abs(delta-want) <= 1e-9*size && math.Abs(delta+opposite) <= 1e-9*size && math.Abs(back-v) <= 1e-9*(1+math.Abs(w))) {
				return fmt.Errorf("mcmc: expected a reflection of %T that undoes itself and changes S by %v, got %v -> %v -> %v and %v: is it that of an embedded action?",
					k.action, want, v, w, back, delta)
			}
		}
	}
	return nil
}

// Step reflects every site once. It returns an error if phi does not have the size of
// the layout.
func (k *Overrelaxation) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != k.layout.Size() {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", k.layout.Size(), len(phi))
	}
	if k.action == nil {
		for _, x := range k.order {
			k.turn(phi, x)
		}
		return Info{Accepted: true, AcceptProb: 1}, nil
	}
	accepted, delta := 0, 0.0
	for done := 0; done < len(k.order); done += len(k.draws) {
		// Numbers are drawn first and outcomes chosen without branches.
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
	draws := k.draws[:len(order)]
	for i, x := range order {
		v := phi[x]
		w, d := k.action.Reflect(v, k.g.field(phi, x))
		vb, wb := math.Float64bits(v), math.Float64bits(w)
		change, n := uint64(0), 0
		if d < draws[i][1] {
			vb, change, n = wb, math.Float64bits(d), 1
		}
		phi[x] = math.Float64frombits(vb)
		accepted += n
		delta += math.Float64frombits(change)
	}
	return accepted, delta
}

// turn reflects the components at site x about the direction of the field.
func (k *Overrelaxation) turn(phi []float64, x int32) {
	v := k.layout.Volume()
	along, h2 := 0.0, 0.0
	for c := range k.h {
		component := phi[c*v : (c+1)*v]
		h := k.g.field(component, x)
		k.h[c] = h
		along += h * component[x]
		h2 += h * h
	}
	if h2 == 0 {
		// No direction to reflect about.
		return
	}
	f := 2 * along / h2
	for c, h := range k.h {
		i := c*v + int(x)
		phi[i] = f*h - phi[i]
	}
}
