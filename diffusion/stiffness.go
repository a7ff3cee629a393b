package diffusion

import (
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// maxResponses bounds the work of stiffness, in numbers of the drift.
const maxResponses = 1 << 27

// stiffness returns F_k of every component, from the response of the drift to small changes
// of the field at sites so far apart that the responses do not overlap.
func stiffness(action lattice.Action, ens *lattice.Ensemble) []float64 {
	r := newResponse(action, ens)
	layout := ens.Layout
	colours := layout.Volume() / len(r.cells())
	perField := min(colours, max(1, maxResponses/(2*len(ens.Data)*layout.Components)))
	rng := rand.New(rand.NewPCG(0, 0))
	out := make([]float64, layout.Size())
	fourier := lattice.NewFourier(layout.Lattice)
	modes := make([]complex128, layout.Volume())
	for c := range layout.Components {
		mean := make([]float64, layout.Volume()) // of ∂²S/∂φ(0)∂φ(r)
		count := 0.0
		for _, phi := range ens.All() {
			for _, colour := range rng.Perm(colours)[:perField] {
				count += r.add(mean, phi, c, colour)
			}
		}
		fourier.Transform(modes, mean)
		for k, f := range modes {
			layout.Component(out, c)[k] = real(f) * math.Sqrt(float64(layout.Volume())) / count
		}
	}
	return out
}

// response measures how the drift answers to changes of the field.
type response struct {
	action       lattice.Action
	layout       lattice.Layout
	step         float64
	spacing      []int // of the sites that are changed together, in every direction
	field        []float64
	up, down     []float64
	coord, shift []int
}

// newResponse finds the smallest spacing, in every direction a divisor of the extent, at
// which the responses do not overlap.
func newResponse(action lattice.Action, ens *lattice.Ensemble) *response {
	layout := ens.Layout
	size, dim := layout.Size(), layout.Dim()
	square := 0.0
	for _, v := range ens.Config(0) {
		square += v * v / float64(size)
	}
	r := &response{
		action: action, layout: layout, step: 1e-4 * math.Sqrt(square), spacing: layout.Dims(),
		field: make([]float64, size), up: make([]float64, size), down: make([]float64, size),
		coord: make([]int, dim), shift: make([]int, dim),
	}
	if !(square > 0) {
		r.step = 1e-4
	}
	// How far does the response to a change at the origin reach?
	reach, largest := make([]int, dim), 0.0
	answers := make([]float64, layout.Volume())
	for c := range layout.Components {
		r.respond(ens.Config(0), c, []int{0})
		for x := range layout.Size() {
			d := math.Abs(r.up[x] - r.down[x])
			answers[x%layout.Volume()] = max(answers[x%layout.Volume()], d)
			largest = max(largest, d)
		}
	}
	const rounding = 1e-6
	for x, d := range answers {
		if d <= rounding*largest {
			continue
		}
		layout.Coord(r.coord, x)
		for mu, v := range r.coord {
			reach[mu] = max(reach[mu], min(v, layout.Extent(mu)-v))
		}
	}
	spacing := make([]int, dim)
	for mu, n := range layout.Dims() {
		spacing[mu] = n
		for s := 2*reach[mu] + 1; s < n; s++ {
			if n%s == 0 {
				spacing[mu] = s
				break
			}
		}
	}
	r.spacing = spacing
	return r
}

// cells returns the sites that are changed together, for the first colour.
func (r *response) cells() (sites []int) {
	for x := range r.layout.Volume() {
		r.layout.Coord(r.coord, x)
		first := true
		for mu, v := range r.coord {
			first = first && v%r.spacing[mu] == 0
		}
		if first {
			sites = append(sites, x)
		}
	}
	return sites
}

// respond sets up and down to the drifts of phi with component c changed by ± the step at
// the sites.
func (r *response) respond(phi []float64, c int, sites []int) {
	for i, dst := range [][]float64{r.up, r.down} {
		copy(r.field, phi)
		for _, x := range sites {
			r.layout.Component(r.field, c)[x] += r.step * float64(1-2*i)
		}
		r.action.Drift(dst, r.field)
	}
}

// add adds ∂²S/∂φ(y)∂φ(y+r) for all sites y of a colour to sum, and returns their number.
func (r *response) add(sum, phi []float64, c, colour int) float64 {
	for mu, s := range r.spacing {
		r.shift[mu] = colour % s
		colour /= s
	}
	sites := r.cells()
	for i, x := range sites {
		r.layout.Coord(r.coord, x)
		for mu := range r.coord {
			r.coord[mu] += r.shift[mu]
		}
		sites[i] = r.layout.Index(r.coord...)
	}
	r.respond(phi, c, sites)
	up, down := r.layout.Component(r.up, c), r.layout.Component(r.down, c)
	for x := range sum {
		// The displacement from the nearest changed site, all of whose coordinates are
		// smaller than half the spacing, or half the lattice.
		r.layout.Coord(r.coord, x)
		for mu, s := range r.spacing {
			d := (r.coord[mu] - r.shift[mu] + s) % s
			if 2*d > s {
				d -= s
			}
			r.coord[mu] = d
		}
		sum[r.layout.Index(r.coord...)] -= (up[x] - down[x]) / (2 * r.step)
	}
	return float64(len(sites))
}
