package diffusion

import (
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// maxResponses bounds the work of stiffness, in numbers of the drift.
const maxResponses = 1 << 27

// rounding is the part of the largest response below which one vanishes.
const rounding = 1e-6

// stiffness returns F_k of every component, from the response of the drift to small changes
// of the field at sites so far apart that the responses do not overlap.
func stiffness(action lattice.Action, ens *lattice.Ensemble) []float64 {
	r := newResponse(action, ens)
	layout := ens.Layout
	rng := rand.New(rand.NewPCG(0, 0))
	out := make([]float64, layout.Size())
	fourier := lattice.NewFourier(layout.Lattice)
	modes := make([]complex128, layout.Volume())
	for c := range layout.Components {
		mean := r.bilinear(ens)
		if mean == nil {
			mean = r.curvature(ens, c, rng)
		}
		fourier.Transform(modes, mean)
		for k, f := range modes {
			layout.Component(out, c)[k] = real(f) * math.Sqrt(float64(layout.Volume()))
		}
	}
	return out
}

// curvature returns the mean of ∂²S/∂φ(0)∂φ(r) of component c.
func (r *response) curvature(ens *lattice.Ensemble, c int, rng *rand.Rand) []float64 {
	colours := r.layout.Volume() / len(r.cells())
	perField := min(colours, max(1, maxResponses/(2*len(ens.Data)*r.layout.Components)))
	mean, count := make([]float64, r.layout.Volume()), 0.0
	for _, phi := range ens.All() {
		for _, colour := range rng.Perm(colours)[:perField] {
			count += r.add(mean, phi, c, colour)
		}
	}
	for x := range mean {
		mean[x] /= count
	}
	return mean
}

// bilinearFields is the number of configurations that tell whether sites are coupled bilinearly.
const bilinearFields = 4

// bilinear returns the mean of ∂²S/∂φ(0)∂φ(r) for an action that tells the potential V of a site and
// couples sites bilinearly: that of two sites is the same on every field, which is
// measured on a few, and that of one is ⟨V″⟩, which takes no drift. It returns nil for other actions.
func (r *response) bilinear(ens *lattice.Ensemble) []float64 {
	action, ok := r.action.(lattice.SiteAction)
	if !ok || r.layout.Components != 1 {
		return nil
	}
	rng := rand.New(rand.NewPCG(0, 0))
	var first []float64
	for i := range min(bilinearFields, ens.Len()) {
		mean := r.curvature(ens.Slice(i, i+1), 0, rng)
		if i == 0 {
			first = mean
		}
		for x, f := range mean[1:] {
			if math.Abs(f-first[x+1]) > rounding*math.Abs(first[0]) {
				return nil
			}
		}
	}
	curvature := derivative(derivative(action.SitePotential()))
	first[0] = 0
	for _, v := range ens.Data {
		first[0] += polynomial(curvature, v) / float64(len(ens.Data))
	}
	return first
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
