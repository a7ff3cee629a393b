package mcmc

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// WolffConfig configures [NewWolff]. The zero value is usable.
type WolffConfig struct {
	// Clusters is the number of clusters a step builds and flips; 0 means 1. It is
	// fixed on purpose: going on until a given number of sites has been flipped
	// makes the end of a step depend on the state, and biases it.
	Clusters int
}

// Wolff is the single-cluster update (U. Wolff, Phys. Rev. Lett. 62 (1989) 361) of the
// Ising variables that are embedded in a [HoppingAction] whose potential is invariant
// under reflections of the field at a site: the signs of φ·r for a direction r, in
// φ⁴ theory the signs of φ (R. C. Brower and P. Tamayo, Phys. Rev. Lett. 62 (1989)
// 1087). From a random site, links are activated with the probability
// 1 - exp(min(0, -4κ (φ(x)·r)(φ(y)·r))), and the connected cluster is reflected,
// φ → φ - 2(φ·r)r. The direction is drawn for every cluster: on the sphere if V is
// invariant under all reflections, as for O(N), or else one of the components whose
// sign V does not see. It never rejects and leaves exp(-S) invariant for any sign of κ
// and any extent, where an extent of 2 has two links between the same sites.
//
// Whatever is invariant under the reflections, such as |φ(x)|, never changes: combine it
// with a kernel that changes it, see [Cycle].
type Wolff struct {
	g           siteGraph
	reflections reflections
	layout      lattice.Layout
	clusters    int
	direction   []float64
	// along is φ·r, for several components.
	along []float64
	// mark[x] is the number of the last cluster that x belonged to.
	mark  []uint64
	count uint64
	stack []int32
	size  int
}

var _ Kernel = (*Wolff)(nil)

// NewWolff returns the cluster kernel of action. It returns an error if there is no
// action, if it has not the form of a [HoppingAction], if its potential has no
// reflection, or if Clusters is negative.
func NewWolff(action HoppingAction, cfg WolffConfig) (*Wolff, error) {
	r, err := measureReflections(action)
	if err != nil {
		return nil, err
	}
	if cfg.Clusters < 0 {
		return nil, fmt.Errorf("mcmc: expected a number of clusters ≥ 0, got %d", cfg.Clusters)
	}
	l := action.Layout()
	w := &Wolff{
		g: newSiteGraph(action), reflections: r, layout: l, clusters: max(cfg.Clusters, 1),
		direction: make([]float64, l.Components),
		mark:      make([]uint64, l.Volume()), stack: make([]int32, 0, l.Volume()),
	}
	if l.Components > 1 {
		w.along = make([]float64, l.Volume())
	}
	return w, nil
}

// Size returns the number of sites that the last step flipped, a site counted
// once for each cluster it was in.
func (w *Wolff) Size() int { return w.size }

// Step builds and flips the configured number of clusters. It returns an error if
// phi does not have the size of the layout. DeltaH is 0: there is no accept step.
func (w *Wolff) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != w.layout.Size() {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", w.layout.Size(), len(phi))
	}
	w.size = 0
	for range w.clusters {
		if w.along == nil {
			w.size += w.cluster(rng, phi)
			continue
		}
		w.reflections.draw(rng, w.direction)
		project(w.along, phi, w.direction)
		w.size += w.cluster(rng, w.along)
		for c, r := range w.direction {
			component := w.layout.Component(phi, c)
			for x, m := range w.mark {
				if m == w.count {
					// The projection has changed its sign, by twice its value.
					component[x] += 2 * w.along[x] * r
				}
			}
		}
	}
	return Info{Accepted: true, AcceptProb: 1}, nil
}

// project writes φ·r into dst.
func project(dst, phi, r []float64) {
	clear(dst)
	for c, d := range r {
		for x, v := range phi[c*len(dst):][:len(dst)] {
			dst[x] += d * v
		}
	}
}

// cluster flips the signs of a cluster.
func (w *Wolff) cluster(rng *rand.Rand, phi []float64) int {
	w.count++
	seed := int32(rng.IntN(len(phi)))
	w.mark[seed] = w.count
	stack := append(w.stack[:0], seed)
	size := 0
	links := w.g.links
	for len(stack) > 0 {
		x := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		size++
		// Sites are flipped when they leave the stack; the neighbours that are not
		// marked still have their old sign, and so has v.
		v := phi[x]
		phi[x] = -v
		c := 2 * w.g.kappa2 * v
		for _, y := range w.g.near[int(x)*links : int(x+1)*links] {
			if w.mark[y] == w.count {
				continue
			}
			// 1 - exp(-a) is the probability that an exponential variate is below a.
			if a := c * phi[y]; a > 0 && rng.ExpFloat64() < a {
				w.mark[y] = w.count
				stack = append(stack, y)
			}
		}
	}
	return size
}
