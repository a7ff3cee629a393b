package gauge

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// Torus is the geometry of the links in two dimensions, where there is a topological charge
// and where the plaquettes and two holonomies are all that a gauge transformation leaves. It
// is immutable and safe for concurrent use.
type Torus struct{ *Links }

// NewTorus returns the links of a two-dimensional lattice. It returns an error if there is
// no lattice or if it does not have two dimensions.
func NewTorus(lat *lattice.Lattice) (*Torus, error) {
	l, err := NewLinks(lat)
	if err != nil {
		return nil, err
	}
	if lat.Dim() != 2 {
		return nil, fmt.Errorf("gauge: expected a lattice of two dimensions for a charge, got %v", lat)
	}
	return &Torus{l}, nil
}

// Charge returns the topological charge Q = (1/2π) Σ_p θ_p with θ_p in (-π, π], which is an
// integer for any links.
func (t *Torus) Charge(links []float64) int {
	t.mustFit(links)
	return t.charge(links)
}

// charge is Q of a lattice of two dimensions.
func (l *Links) charge(links []float64) int {
	sum := 0.0
	p := l.plane(links, 0)
	for x := range l.layout.Volume() {
		sum += Wrap(p.angle(x))
	}
	return int(math.Round(sum / (2 * math.Pi)))
}

// TopologicalCharge returns the charge of [Torus.Charge] in two dimensions, and false in
// others; see [lattice.ChargedAction].
func (l *Links) TopologicalCharge(links []float64) (q int, ok bool) {
	l.mustFit(links)
	if l.layout.Dim() != 2 {
		return 0, false
	}
	return l.charge(links), true
}

// Holonomies returns the angles in (-π, π] of the two loops through the origin,
//
//	h₀ = Σ_{x₀} φ_0(x₀, 0),  h₁ = Σ_{x₁} φ_1(0, x₁).
//
// With the plaquettes they are all that is gauge-invariant, see [Torus.FromPlaquettes].
func (t *Torus) Holonomies(links []float64) (h0, h1 float64) {
	t.mustFit(links)
	lay := t.layout
	return Wrap(line(lay.Component(links, 0), lay.Forward(0), 0, lay.Extent(0))),
		Wrap(line(lay.Component(links, 1), lay.Forward(1), 0, lay.Extent(1)))
}

// FromPlaquettes writes the links with the given plaquettes, V angles in the order of the
// sites, and holonomies h₀, h₁ (see [Torus.Holonomies]) into dst and returns it. The gauge
// is that of the maximal tree of [Links.TreeGauge]: the links
//
//	φ_0(x₀, x₁) = 0,           x₀ < L₀-1,
//	φ_0(L₀-1, x₁) = h₀ - Σ_{y₁<x₁} Σ_{y₀} θ(y₀, y₁),
//	φ_1(0, x₁) = 0,            x₁ < L₁-1,   φ_1(0, L₁-1) = h₁,
//	φ_1(x₀, x₁) = φ_1(0, x₁) + Σ_{y₀<x₀} θ(y₀, x₁),
//
// wrapped. All plaquettes but the last one determine the links, with the Jacobian 1: the map
// from V-1 plaquettes, two holonomies and V-1 gauge angles to the 2V links preserves
// dφ = dθ dh dα. Plaquettes need not be in (-π, π]; their sum must be a multiple 2πq of 2π,
// to 10⁻⁶, where q is the charge if they are in (-π, π]. It returns an error if the sum is
// another one or not finite. A nil dst is allocated.
//
// [Links.Plaquettes] and [Torus.Holonomies] are the inverse: of links in the gauge of the
// tree they give what FromPlaquettes makes these links of.
func (t *Torus) FromPlaquettes(dst, plaquettes []float64, h0, h1 float64) ([]float64, error) {
	l0, l1 := t.layout.Extent(0), t.layout.Extent(1)
	mustLength("plaquettes", plaquettes, l0*l1)
	sum := 0.0
	for _, theta := range plaquettes {
		sum += theta
	}
	// The comparison is false for NaN.
	if !(math.Abs(math.Remainder(sum, 2*math.Pi)) <= 1e-6) {
		return dst, fmt.Errorf("gauge: expected plaquettes with a sum of 2π times an integer, got %v = 2π·%v", sum, sum/(2*math.Pi))
	}
	if dst == nil {
		dst = make([]float64, t.layout.Size())
	}
	t.mustFit(dst)
	a, b := t.layout.Component(dst, 0), t.layout.Component(dst, 1)
	clear(a)
	wrapping := h0
	for x1 := range l1 {
		angle := 0.0
		if x1 == l1-1 {
			angle = h1
		}
		a[(l0-1)*l1+x1] = Wrap(wrapping)
		for x0 := range l0 {
			x := x0*l1 + x1
			b[x] = Wrap(angle)
			angle += plaquettes[x]
			wrapping -= plaquettes[x]
		}
	}
	return dst, nil
}
