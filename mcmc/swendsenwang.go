package mcmc

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// SwendsenWang is the multi-cluster update (R. H. Swendsen and J.-S. Wang, Phys.
// Rev. Lett. 58 (1987) 86) of the Ising variables embedded in a [HoppingAction], with
// the reflections and the bond probability of [Wolff]: the whole lattice is split into
// clusters, and each of them is reflected with probability 1/2. What is invariant under
// the reflections, such as |φ(x)|, never changes.
type SwendsenWang struct {
	kappa4      float64
	reflections reflections
	layout      lattice.Layout
	direction   []float64
	// along is φ·r, for several components.
	along    []float64
	forward  [][]int32
	parent   []int32
	flip     []bool
	clusters int
}

var _ Kernel = (*SwendsenWang)(nil)

// NewSwendsenWang returns the cluster kernel of action. It returns an error if there is
// no action, if it has not the form of a [HoppingAction], or if its potential has no
// reflection.
func NewSwendsenWang(action HoppingAction) (*SwendsenWang, error) {
	r, err := measureReflections(action)
	if err != nil {
		return nil, err
	}
	lat := action.Layout()
	k := &SwendsenWang{
		kappa4: 4 * action.Kappa(), reflections: r, layout: lat,
		direction: make([]float64, lat.Components),
		parent:    make([]int32, lat.Volume()),
		flip:      make([]bool, lat.Volume()),
	}
	if lat.Components > 1 {
		k.along = make([]float64, lat.Volume())
	}
	for mu := range lat.Dim() {
		// The link of an extent of 1 joins a site to itself and does not see its sign.
		if lat.Extent(mu) > 1 {
			k.forward = append(k.forward, lat.Forward(mu))
		}
	}
	return k, nil
}

// Clusters returns the number of clusters of the last step.
func (k *SwendsenWang) Clusters() int { return k.clusters }

// Step decomposes the lattice into clusters and flips half of them. It returns an
// error if phi does not have the size of the layout. DeltaH is 0: there is no accept
// step.
func (k *SwendsenWang) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != k.layout.Size() {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", k.layout.Size(), len(phi))
	}
	if k.along == nil {
		k.decompose(rng, phi)
		for x := range phi {
			if k.flip[k.root(int32(x))] {
				phi[x] = -phi[x]
			}
		}
		return Info{Accepted: true, AcceptProb: 1}, nil
	}
	k.reflections.draw(rng, k.direction)
	project(k.along, phi, k.direction)
	k.decompose(rng, k.along)
	for x := range k.along {
		if k.flip[k.root(int32(x))] {
			for c, r := range k.direction {
				phi[c*len(k.along)+x] -= 2 * k.along[x] * r
			}
		}
	}
	return Info{Accepted: true, AcceptProb: 1}, nil
}

// decompose finds the clusters of the signs of s and draws which of them to flip.
func (k *SwendsenWang) decompose(rng *rand.Rand, s []float64) {
	for x := range k.parent {
		k.parent[x] = int32(x)
	}
	for _, fwd := range k.forward {
		for x, y := range fwd {
			if a := k.kappa4 * s[x] * s[y]; a > 0 && rng.ExpFloat64() < a {
				k.join(int32(x), y)
			}
		}
	}
	k.clusters = 0
	for x, p := range k.parent {
		if p == int32(x) {
			k.flip[x] = rng.Uint64()>>63 == 1
			k.clusters++
		}
	}
}

// root returns the root of the cluster of x and halves the path to it.
func (k *SwendsenWang) root(x int32) int32 {
	for k.parent[x] != x {
		k.parent[x] = k.parent[k.parent[x]]
		x = k.parent[x]
	}
	return x
}

// join makes the lower of two roots the root of both clusters.
func (k *SwendsenWang) join(x, y int32) {
	x, y = k.root(x), k.root(y)
	k.parent[max(x, y)] = min(x, y)
}
