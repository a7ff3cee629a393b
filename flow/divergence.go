package flow

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/lattice"
)

// Divergence is a way to find the divergence of a score, the trace of its Jacobian J.
// Parts of the divergence that a model knows are exact with every choice; see
// [diffusion.Remainder]. Reverse passes give εᵀJε, one for every vector ε and evaluation;
// the vectors stay fixed along a trajectory.
type Divergence int

const (
	// Automatic takes what the model knows and, for the rest, Probing where the lattice
	// has colours and else Rademacher.
	Automatic Divergence = iota
	// Jacobian is exact for every model, at the price of one reverse pass per number of the field.
	Jacobian
	// Rademacher is the Skilling–Hutchinson estimate (B.1) with random signs. With S
	// the symmetric part of the integrated Jacobian, n vectors have the variance
	// (2/n) Σ_{x≠y} S(x,y)².
	Rademacher
	// GaussianProbes is the estimate with Gaussian vectors, as in the paper. The sum in
	// its variance includes x = y, which usually dominates.
	GaussianProbes
	// Probing is the estimate with random signs on one colour of the lattice at a time
	// (Stathopoulos, Laeuchli and Orginos, arXiv:1302.4018): the sum in the variance
	// 2 Σ S(x,y)² is over different sites of the same colour, which are far apart:
	// the shortest distance in two dimensions is the root of the number of colours.
	// That pays where J decays with distance. With as many colours as sites it is exact.
	Probing
)

// String returns the name of the choice.
func (d Divergence) String() string {
	switch d {
	case Automatic:
		return "automatic"
	case Jacobian:
		return "jacobian"
	case Rademacher:
		return "rademacher"
	case GaussianProbes:
		return "gaussian"
	case Probing:
		return "probing"
	}
	return fmt.Sprintf("Divergence(%d)", int(d))
}

// knowsDivergence reports whether no part of the divergence of m has to be estimated.
func knowsDivergence(m diffusion.ScoreModel) bool {
	if _, ok := m.(diffusion.DivergenceModel); ok {
		return true
	}
	if d, ok := m.(*diffusion.Model); ok {
		_, ok = d.Network().(diffusion.ExactNetwork)
		return ok
	}
	return false
}

// passesPerCall bounds the number of reverse passes in one graph. They share a forward
// pass, but every one adds its nodes to the graph and may hold memory.
const passesPerCall = 8

// probing is the plan of the vectors for one way to the divergence: sets of size vectors
// each, every set giving one estimate, perCall of them in one graph.
type probing struct{ sets, size, perCall int }

func newProbing(cfg Config, layout lattice.Layout) probing {
	switch cfg.Divergence {
	case Automatic:
		return probing{sets: 1}
	case Jacobian:
		return probing{1, layout.Size(), min(layout.Size(), passesPerCall)}
	case Probing:
		// Every component is probed by itself.
		vectors := cfg.Probes * layout.Components
		if all := cfg.Repeats * vectors; all <= passesPerCall {
			return probing{cfg.Repeats, vectors, all}
		}
		return probing{cfg.Repeats, vectors, min(vectors, passesPerCall)}
	}
	calls := (cfg.Probes + passesPerCall - 1) / passesPerCall
	return probing{cfg.Probes, 1, (cfg.Probes + calls - 1) / calls}
}

// vectors returns the number of all vectors.
func (p probing) vectors() int { return p.sets * p.size }

// oneCall reports whether one call of a graph is the whole evaluation.
func (p probing) oneCall() bool { return p.vectors() <= p.perCall }

// masks returns the number of vectors of one set in a call, which differ in their mask.
func (p probing) masks() int { return min(p.perCall, p.size) }

// random reports whether estimates of different sets differ.
func (d Divergence) random() bool { return d >= Rademacher }

// probeCall holds the vectors of one call of a graph, base ⊙ mask for every base and every
// mask, those of one base after another. Missing vectors are zero.
type probeCall struct {
	base, mask *tensors.Tensor
	// set is the set of the first vector.
	set int
}

// draw returns the calls that make up one evaluation for chunk c. The vectors of a
// configuration depend on its place alone, not on the direction of the flow.
func (f *ProbabilityFlow) draw(seed uint64, c int) []probeCall {
	rng := rand.New(rand.NewPCG(seed+0x9e3779b97f4a7c15, uint64(c)))
	random := func(vectors, perCall int) *tensors.Tensor {
		data := make([]float64, vectors*f.cfg.Batch*f.layout.Size())
		for i := range data {
			if f.cfg.Divergence == GaussianProbes {
				data[i] = rng.NormFloat64()
			} else {
				data[i] = 1 - 2*float64(rng.Uint64()&1)
			}
		}
		return host.Tensor(f.cfg.DType, data, append([]int{perCall}, f.dims()...)...)
	}
	p := f.plan
	ones := host.Tensor(f.cfg.DType, slices.Repeat([]float64{1}, f.layout.Size()), f.maskDims(1)...)
	var calls []probeCall
	if p.size == 1 {
		for set := 0; set < p.sets; set += p.perCall {
			calls = append(calls, probeCall{random(min(p.perCall, p.sets-set), p.perCall), ones, set})
		}
		return calls
	}
	masks := f.masks()
	if p.oneCall() && f.cfg.Divergence.random() {
		return []probeCall{{random(p.sets, p.sets), masks[0], 0}}
	}
	for set := range p.sets {
		base := ones
		if f.cfg.Divergence.random() {
			base = random(1, 1)
		}
		for _, mask := range masks {
			calls = append(calls, probeCall{base, mask, set})
		}
	}
	return calls
}

// masks returns the indicators of all colours, as many at a time as one call takes; for the
// Jacobian every site has its own colour.
func (f *ProbabilityFlow) masks() []*tensors.Tensor {
	v, n := f.layout.Size(), f.plan.masks()
	colours := make([]int, v)
	for x := range colours {
		colours[x] = x
	}
	if f.cfg.Divergence == Probing {
		sites := colouring(f.layout.Lattice, f.cfg.Probes)
		for i := range colours {
			colours[i] = sites[i%len(sites)] + i/len(sites)*f.cfg.Probes
		}
	}
	var masks []*tensors.Tensor
	for lo := 0; lo < f.plan.size; lo += n {
		mask := make([]float64, n*v)
		for x, c := range colours {
			if c >= lo && c < lo+n {
				mask[(c-lo)*v+x] = 1
			}
		}
		masks = append(masks, host.Tensor(f.cfg.DType, mask, f.maskDims(n)...))
	}
	return masks
}

// maskDims returns the shape of n fields that hold for all configurations.
func (f *ProbabilityFlow) maskDims(n int) []int { return append([]int{n}, fieldShape(f.layout, 1)...) }

// Vectors returns the number of reverse passes in one evaluation of the divergence, 0
// for a model that knows its own.
func (f *ProbabilityFlow) Vectors() int { return f.plan.vectors() }

// summary returns the mean of the estimates est[i], est[i+batch], … and its standard error.
func (f *ProbabilityFlow) summary(est []float64, i int) (mean, deviation float64) {
	n := float64(f.plan.sets)
	for j := i; j < len(est); j += f.cfg.Batch {
		mean += est[j] / n
	}
	if !f.cfg.Divergence.random() {
		return mean, 0
	}
	square := 0.0
	for j := i; j < len(est); j += f.cfg.Batch {
		square += (est[j] - mean) * (est[j] - mean)
	}
	return mean, math.Sqrt(square / (n - 1) / n)
}
