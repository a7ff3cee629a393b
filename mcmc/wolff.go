package mcmc

import (
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

// Wolff is the single-cluster update (U. Wolff, Phys. Rev. Lett. 62 (1989) 361)
// of the Ising variables sign φ embedded in φ⁴ (R. C. Brower and P. Tamayo, Phys.
// Rev. Lett. 62 (1989) 1087). From a random site, links of (4.2) are activated
// with the probability 1 - exp(min(0, -4κφ(x)φ(y))), and the connected cluster
// changes sign. It never rejects and leaves exp(-S) invariant for any sign of κ
// and any extent, where an extent of 2 has two links between the same sites.
//
// |φ(x)| never changes: combine it with a kernel that changes it, see [Cycle].
type Wolff struct {
	g        siteGraph
	clusters int
	// mark[x] is the number of the last cluster that x belonged to.
	mark  []uint64
	count uint64
	stack []int32
	size  int
}

var _ Kernel = (*Wolff)(nil)

// NewWolff returns the cluster kernel of action. It returns an error if action is
// nil or Clusters negative.
func NewWolff(action *lattice.Phi4, cfg WolffConfig) (*Wolff, error) {
	if action == nil {
		return nil, fmt.Errorf("mcmc: expected a φ⁴ action for the cluster update, got nil")
	}
	if cfg.Clusters < 0 {
		return nil, fmt.Errorf("mcmc: expected a number of clusters ≥ 0, got %d", cfg.Clusters)
	}
	v := action.Layout().Volume()
	return &Wolff{
		g: newSiteGraph(action), clusters: max(cfg.Clusters, 1),
		mark: make([]uint64, v), stack: make([]int32, 0, v),
	}, nil
}

// Size returns the number of sites that the last step flipped, a site counted
// once for each cluster it was in.
func (w *Wolff) Size() int { return w.size }

// Step builds and flips the configured number of clusters. It returns an error if
// phi does not have the volume of the lattice. DeltaH is 0: there is no accept
// step.
func (w *Wolff) Step(rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != len(w.mark) {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d sites, got %d", len(w.mark), len(phi))
	}
	w.size = 0
	for range w.clusters {
		w.size += w.cluster(rng, phi)
	}
	return Info{Accepted: true, AcceptProb: 1}, nil
}

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
