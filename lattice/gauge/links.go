package gauge

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// Links is the geometry of the links of a lattice: plaquettes, loops and gauge
// transformations, which are the same for every [Weight]. It is immutable and safe for
// concurrent use. Methods panic where a slice does not have the length that they state, as
// those of package lattice do.
type Links struct {
	layout lattice.Layout
	planes [][2]int
}

// NewLinks returns the links of a lattice. It returns an error if there is no lattice or
// if it has less than two dimensions.
func NewLinks(lat *lattice.Lattice) (*Links, error) {
	if lat == nil {
		return nil, fmt.Errorf("gauge: expected a lattice, got nil")
	}
	if lat.Dim() < 2 {
		return nil, fmt.Errorf("gauge: expected a lattice of at least two dimensions, got %v", lat)
	}
	l := &Links{layout: lattice.Vector(lat, lat.Dim())}
	if err := l.layout.Check(); err != nil {
		return nil, fmt.Errorf("gauge: %w", err)
	}
	for nu := range lat.Dim() {
		for mu := range nu {
			l.planes = append(l.planes, [2]int{mu, nu})
		}
	}
	return l, nil
}

// Layout returns the layout of the links, d components on the lattice.
func (l *Links) Layout() lattice.Layout { return l.layout }

// Planes returns the planes µ < ν in the order of [Links.Plaquettes]: (0,1), (0,2), (1,2),
// (0,3) and so on. The caller must not modify it.
func (l *Links) Planes() [][2]int { return l.planes }

// Plaquettes writes the angles θ_µν(x) of all plaquettes, in (-π, π], into dst and returns
// it: V numbers of every one of the d(d-1)/2 planes, plane after plane. A nil dst is
// allocated.
func (l *Links) Plaquettes(dst, links []float64) []float64 {
	l.mustFit(links)
	v := l.layout.Volume()
	if dst == nil {
		dst = make([]float64, len(l.planes)*v)
	}
	mustLength("plaquettes", dst, len(l.planes)*v)
	for p := range l.planes {
		out := dst[p*v : (p+1)*v]
		q := l.plane(links, p)
		for x := range out {
			out[x] = Wrap(q.angle(x))
		}
	}
	return dst
}

// MeanPlaquette returns the mean of cos θ over all plaquettes.
func (l *Links) MeanPlaquette(links []float64) float64 {
	l.mustFit(links)
	sum, v := 0.0, l.layout.Volume()
	for p := range l.planes {
		q := l.plane(links, p)
		for x := range v {
			sum += math.Cos(q.angle(x))
		}
	}
	return sum / float64(v*len(l.planes))
}

// Hot fills links with independent uniform angles in (-π, π], the theory at β = 0. The
// cold start, at β = ∞, is links of zero.
func (l *Links) Hot(rng *rand.Rand, links []float64) {
	l.mustFit(links)
	uniform(rng, links)
}

// uniform fills angles with independent uniform ones in (-π, π].
func uniform(rng *rand.Rand, angles []float64) {
	for i := range angles {
		angles[i] = math.Pi * (1 - 2*rng.Float64())
	}
}

// plane has the links of two directions and their neighbours.
type plane struct {
	mu, nu   []float64
	fmu, fnu []int32
}

func (l *Links) plane(links []float64, p int) plane {
	mu, nu := l.planes[p][0], l.planes[p][1]
	return plane{
		l.layout.Component(links, mu), l.layout.Component(links, nu),
		l.layout.Forward(mu), l.layout.Forward(nu),
	}
}

// angle returns θ_µν(x), not wrapped.
func (p *plane) angle(x int) float64 {
	return p.mu[x] + p.nu[p.fmu[x]] - p.mu[p.fnu[x]] - p.nu[x]
}

func (l *Links) mustFit(links []float64) { mustLength("links", links, l.layout.Size()) }

func mustLength(what string, x []float64, n int) {
	if len(x) != n {
		panic(fmt.Sprintf("gauge: expected %d numbers of %s, got %d", n, what, len(x)))
	}
}
