package gauge

import (
	"fmt"

	"github.com/latdiff/latdiff/lattice"
)

// Action is the gauge action S = Σ_p s(θ_p) over all plaquettes of a lattice of any
// dimension d ≥ 2. It is immutable and safe for concurrent use.
type Action struct {
	*Links
	weight Weight
}

var (
	_ lattice.LocalAction   = (*Action)(nil)
	_ lattice.ChargedAction = (*Action)(nil)
)

// New returns the action of a weight on a lattice. It returns an error if there is no
// lattice of at least two dimensions, or if the weight is not even, periodic and finite or
// its derivative not that of its energy.
func New(lat *lattice.Lattice, w Weight) (*Action, error) {
	l, err := NewLinks(lat)
	if err != nil {
		return nil, err
	}
	if err := checkWeight(w); err != nil {
		return nil, err
	}
	return &Action{l, w}, nil
}

// NewWilson returns the action with the weight [Wilson] of β ≥ 0. Its errors are those of
// [New], and one for β < 0.
func NewWilson(lat *lattice.Lattice, beta float64) (*Action, error) {
	if !(beta >= 0) {
		return nil, fmt.Errorf("gauge: expected β ≥ 0, got %v", beta)
	}
	return New(lat, Wilson{beta})
}

// NewVillain returns the action with the weight [Villain] of β > 0. Its errors are those of
// [New].
func NewVillain(lat *lattice.Lattice, beta float64) (*Action, error) {
	return New(lat, Villain{beta})
}

// Weight returns the weight of a plaquette.
func (a *Action) Weight() Weight { return a.weight }

// Params returns the couplings of the weight, see [lattice.Params].
func (a *Action) Params() map[string]float64 { return a.weight.Params() }

// Value returns S = Σ_p s(θ_p).
func (a *Action) Value(links []float64) float64 {
	a.mustFit(links)
	sum := 0.0
	for i := range a.planes {
		p := a.plane(links, i)
		for x := range p.mu {
			sum += a.weight.Energy(p.angle(x))
		}
	}
	return sum
}

// Drift writes K_µ(x) = -∂S/∂φ_µ(x) into dst and returns it: minus the sum of ±s′(θ_p) over
// the 2(d-1) plaquettes with the link. See [lattice.Action].
func (a *Action) Drift(dst, links []float64) []float64 {
	a.mustFit(links)
	if dst == nil {
		dst = make([]float64, len(links))
	}
	a.mustFit(dst)
	clear(dst)
	for i := range a.planes {
		p, k := a.plane(links, i), a.plane(dst, i)
		for x := range p.mu {
			f := a.weight.Derivative(p.angle(x))
			k.mu[x] -= f
			k.nu[p.fmu[x]] -= f
			k.mu[p.fnu[x]] += f
			k.nu[x] += f
		}
	}
	return dst
}

// Difference returns the change of S when link i, component i/V of site i mod V, becomes v,
// at a cost independent of V.
func (a *Action) Difference(links []float64, i int, v float64) float64 {
	shift, sum := v-links[i], 0.0
	for theta, sign := range a.Around(links, i) {
		sum += a.weight.Energy(theta+sign*shift) - a.weight.Energy(theta)
	}
	return sum
}
