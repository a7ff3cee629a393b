package mcmc

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// HoppingAction is an action of the form
//
//	S = -2κ Σ_x Σ_µ φ(x)·φ(x+µ̂) + Σ_x V(φ(x))
//
// with any potential V of a site: what cluster updates and overrelaxation need to know
// of a theory. Their constructors check the form, and the symmetry of V that they rely
// on, on random fields.
type HoppingAction interface {
	lattice.Action
	// Kappa returns the hopping parameter κ.
	Kappa() float64
}

// siteGraph holds the links between different sites: near[x*links:(x+1)*links] are the
// neighbours of x. A link of an extent of 1 joins a site to itself and is left out: it
// is a part of the potential.
type siteGraph struct {
	kappa2 float64
	links  int
	near   []int32
}

func newSiteGraph(a HoppingAction) siteGraph {
	lat := a.Layout().Lattice
	g := siteGraph{kappa2: 2 * a.Kappa()}
	for x := range lat.Volume() {
		for mu := range lat.Dim() {
			if lat.Extent(mu) > 1 {
				g.near = append(g.near, lat.Forward(mu)[x], lat.Backward(mu)[x])
			}
		}
	}
	g.links = len(g.near) / lat.Volume()
	return g
}

// field returns 2κ Σ φ over the neighbours of x in a component of a field.
func (g *siteGraph) field(phi []float64, x int32) float64 {
	h := 0.0
	for _, y := range g.near[int(x)*g.links : int(x+1)*g.links] {
		h += phi[y]
	}
	return g.kappa2 * h
}

// reflections are the reflections φ → φ - 2(φ·r)r of the field at one site that leave
// its potential invariant.
type reflections struct {
	// all is set if they are those along every direction r; one component has one.
	all bool
	// axes are the components that can change their sign.
	axes []int
}

var errNoReflection = errors.New("expected an action -2κ Σφ·φ' + ΣV(φ) whose V is invariant under a reflection of the field")

// measureReflections finds the reflections by applying them to a random half of the
// sites of random fields, where nothing but the hopping term may change. That also
// shows whether the action has the form it claims. It returns an error if there is no
// reflection.
func measureReflections(action HoppingAction) (reflections, error) {
	if err := lattice.CheckAction(action); err != nil {
		return reflections{}, fmt.Errorf("mcmc: %w", err)
	}
	l := action.Layout()
	if math.IsNaN(action.Kappa()) || math.IsInf(action.Kappa(), 0) {
		return reflections{}, fmt.Errorf("mcmc: expected a finite hopping parameter, got %v", action.Kappa())
	}
	r := reflections{all: true}
	rng := rand.New(rand.NewPCG(1, 0x7265666c656374))
	direction := make([]float64, l.Components)
	r.all = invariantSites(rng, action, func(phi, image []float64, x int) {
		randomDirection(rng, direction)
		along := 0.0
		for c, d := range direction {
			along += d * phi[c*l.Volume()+x]
		}
		for c, d := range direction {
			image[c*l.Volume()+x] -= 2 * along * d
		}
	})
	for c := range l.Components {
		if r.all || invariantSites(rng, action, func(_, image []float64, x int) { image[c*l.Volume()+x] *= -1 }) {
			r.axes = append(r.axes, c)
		}
	}
	if len(r.axes) == 0 {
		return r, fmt.Errorf("mcmc: %w, got %s", errNoReflection, lattice.Describe(action))
	}
	return r, nil
}

// draw writes a random direction to reflect along.
func (r *reflections) draw(rng *rand.Rand, direction []float64) {
	if r.all {
		randomDirection(rng, direction)
		return
	}
	clear(direction)
	direction[r.axes[rng.IntN(len(r.axes))]] = 1
}

// randomDirection writes a unit vector, uniform on the sphere; the only number of one
// component is 1.
func randomDirection(rng *rand.Rand, r []float64) {
	if len(r) == 1 {
		r[0] = 1
		return
	}
	norm := 0.0
	for norm == 0 {
		for c := range r {
			r[c] = rng.NormFloat64()
			norm += r[c] * r[c]
		}
	}
	norm = 1 / math.Sqrt(norm)
	for c := range r {
		r[c] *= norm
	}
}

// invariantSites tells whether S + 2κ Σφ·φ' stays the same when move changes the image
// of every site x, and of a random half of the sites. Fields of several sizes are
// tried, since a term may be invisible where another is large.
func invariantSites(rng *rand.Rand, action HoppingAction, move func(phi, image []float64, x int)) bool {
	l := action.Layout()
	phi, image := make([]float64, l.Size()), make([]float64, l.Size())
	for _, scale := range []float64{0.1, 1, 2} {
		randomField(rng, action, phi, scale)
		before, size := potential(action, phi)
		for half := range 2 {
			copy(image, phi)
			for x := range l.Volume() {
				if half == 0 || rng.Uint64()>>63 == 1 {
					move(phi, image, x)
				}
			}
			// The comparison is false for a NaN.
			after, _ := potential(action, image)
			if !(math.Abs(after-before) <= 1e-9*size) {
				return false
			}
		}
	}
	return true
}

// potential returns S + 2κ Σφ·φ' = ΣV, and the size of its terms.
func potential(action HoppingAction, phi []float64) (v, size float64) {
	l := action.Layout()
	hop, squares := float64(l.Volume())*l.Hopping(phi), 0.0
	for _, p := range phi {
		squares += p * p
	}
	v = action.Value(phi) + 2*action.Kappa()*hop
	return v, math.Abs(v) + squares
}
