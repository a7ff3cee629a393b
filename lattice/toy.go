package lattice

import "fmt"

// Toy is the model (3.19) with independent one-variable degrees of freedom,
//
//	S(φ) = Σ_x [ μ²/2 φ(x)² + g/4! φ(x)⁴ ];
//
// the paper uses a single one. (μ², g) = (1, 0.4) is its single well and
// (-1, 0.4) its double well.
type Toy struct {
	layout Layout
	mu2, g float64
}

var _ LocalAction = (*Toy)(nil)

// NewToy returns the model (3.19) with the parameters μ² (any sign) and g, at every
// site of a lattice with the extents dims; without extents there is one variable. It
// returns an error if a parameter is not finite, if g < 0, if g = 0 and μ² ≤ 0, or for
// extents that [New] refuses.
func NewToy(mu2, g float64, dims ...int) (*Toy, error) {
	if !finite(mu2) || !finite(g) {
		return nil, fmt.Errorf("lattice: expected finite toy parameters, got μ² = %v, g = %v", mu2, g)
	}
	if g < 0 || (g == 0 && mu2 <= 0) {
		return nil, fmt.Errorf("lattice: expected a toy potential bounded from below, got μ² = %v, g = %v", mu2, g)
	}
	if len(dims) == 0 {
		dims = []int{1}
	}
	lat, err := New(dims...)
	if err != nil {
		return nil, err
	}
	return &Toy{layout: Scalar(lat), mu2: mu2, g: g}, nil
}

// Layout returns the layout of the fields.
func (a *Toy) Layout() Layout { return a.layout }

// Params returns μ² and g under the names "mu2" and "g"; see [Params].
func (a *Toy) Params() map[string]float64 { return map[string]float64{"mu2": a.mu2, "g": a.g} }

// Mu2 returns μ².
func (a *Toy) Mu2() float64 { return a.mu2 }

// G returns the coupling g.
func (a *Toy) G() float64 { return a.g }

// Value returns S(φ) of (3.19), summed over the elements of phi.
func (a *Toy) Value(phi []float64) float64 {
	s := 0.0
	for _, v := range phi {
		s += a.site(v)
	}
	return s
}

func (a *Toy) site(v float64) float64 {
	q := v * v
	return q * (a.mu2/2 + a.g/24*q)
}

// Drift writes K = -μ²φ - g/3! φ³ into dst and returns it; see [Action].
func (a *Toy) Drift(dst, phi []float64) []float64 {
	dst = grow(dst, len(phi))
	for x, v := range phi {
		dst[x] = -v * (a.mu2 + a.g/6*v*v)
	}
	return dst
}

// Difference returns S(φ with φ_x = v) - S(φ).
func (a *Toy) Difference(phi []float64, x int, v float64) float64 { return a.site(v) - a.site(phi[x]) }
