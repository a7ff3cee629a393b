// Package toymodel solves the toy model (3.19) of arXiv:2309.17082 by quadrature: the
// density e^{-S}/Z of its single variable, and that density with Gaussian noise of any
// level, whose score is what a diffusion model has to learn.
package toymodel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/latdiff/latdiff/lattice"
)

// Density is e^{-S}/Z of one variable. It is safe for concurrent use.
type Density struct {
	action  *lattice.Toy
	minimum float64 // where S is least, not negative
	least   float64 // S there
	logZ    float64
	x, cdf  []float64 // the distribution function at equidistant points
}

const (
	// negligible is how far an exponent falls at the ends of an interval of integration.
	negligible = 40
	// perWidth is the number of points of the trapezoid rule per standard deviation of
	// the narrowest peak. For these entire functions the rule converges exponentially;
	// two points are enough for 1e-16 of a Gaussian.
	perWidth = 8
	// tablePerWidth is that of the table of the distribution function, which is
	// interpolated.
	tablePerWidth = 400
	// most bounds the number of points of the table.
	most = 1 << 21
)

// New returns the density of an action. It returns an error if the wells are too far
// apart for their width to be resolved.
func New(action *lattice.Toy) (*Density, error) {
	mu2, g := action.Mu2(), action.G()
	d := &Density{action: action}
	if mu2 < 0 {
		d.minimum = math.Sqrt(-6 * mu2 / g)
		d.least = d.value(d.minimum)
	}
	reach := ascend(d.minimum, 1, func(x float64) float64 { return d.value(x) - d.least })
	points := 2 * reach * tablePerWidth / d.width(0)
	if !(points < most) {
		return nil, fmt.Errorf("toymodel: expected wells that are resolved by %d points, got μ² = %v, g = %v", most, mu2, g)
	}
	n := max(4000, int(points))
	d.x, d.cdf = make([]float64, n+1), make([]float64, n+1)
	h := 2 * reach / float64(n)
	z, before := 0.0, 0.0
	for i := range d.x {
		d.x[i] = -reach + float64(i)*h
		w := math.Exp(d.least - d.value(d.x[i]))
		z += h * (w + before) / 2
		d.cdf[i] = z
		before = w
	}
	d.logZ = math.Log(z) - d.least
	for i := range d.cdf {
		d.cdf[i] /= z
	}
	return d, nil
}

// value returns S(x).
func (d *Density) value(x float64) float64 {
	q := x * x
	return q * (d.action.Mu2()/2 + d.action.G()/24*q)
}

// drift returns K(x) = -S'(x) and its derivative.
func (d *Density) drift(x float64) (k, slope float64) {
	mu2, g := d.action.Mu2(), d.action.G()
	return -x * (mu2 + g/6*x*x), -(mu2 + g/2*x*x)
}

// width returns a length that the peaks of exp(-S(x) - precision (x-φ)²/2) are not much
// narrower than.
func (d *Density) width(precision float64) float64 {
	_, slope := d.drift(d.minimum)
	// A quartic well has no curvature at its bottom, but the width (24/g)^{1/4}.
	return 1 / math.Sqrt(max(-slope, math.Sqrt(d.action.G()/6))+precision)
}

// ascend returns the point beyond start, in steps of the sign of step, at which the
// function f, growing from there on, reaches negligible.
func ascend(start, step float64, f func(float64) float64) float64 {
	inside, outside := start, start+step
	for f(outside) < negligible {
		step *= 2
		inside, outside = outside, outside+step
	}
	for range 40 {
		if mid := (inside + outside) / 2; f(mid) < negligible {
			inside = mid
		} else {
			outside = mid
		}
	}
	return outside
}

// Width returns a length that the peaks of the density are not much narrower than: the
// standard deviation of a harmonic well, for instance.
func (d *Density) Width() float64 { return d.width(0) }

// Action returns the action.
func (d *Density) Action() *lattice.Toy { return d.action }

// LogZ returns log ∫ e^{-S} dφ.
func (d *Density) LogZ() float64 { return d.logZ }

// Least returns the minimum of S.
func (d *Density) Least() float64 { return d.least }

// Moment returns ⟨φⁿ⟩.
func (d *Density) Moment(n int) float64 {
	if n%2 == 1 {
		return 0
	}
	sum, h := 0.0, d.x[1]-d.x[0]
	for _, x := range d.x {
		sum += h * math.Pow(x, float64(n)) * math.Exp(-d.value(x)-d.logZ)
	}
	return sum
}

// Range returns the φ > 0 at which S exceeds its minimum by depth > 0.
func (d *Density) Range(depth float64) float64 {
	scale := negligible / depth
	return ascend(d.minimum, 1, func(x float64) float64 { return scale * (d.value(x) - d.least) })
}

// Below returns the probability of a value below x.
func (d *Density) Below(x float64) float64 {
	i := sort.SearchFloat64s(d.x, x)
	switch i {
	case 0:
		return 0
	case len(d.x):
		return 1
	}
	u := (x - d.x[i-1]) / (d.x[i] - d.x[i-1])
	return min(1, d.cdf[i-1]+u*(d.cdf[i]-d.cdf[i-1]))
}

// Draw returns a value from the density, by the inverse of its distribution function.
func (d *Density) Draw(rng *rand.Rand) float64 {
	u := rng.Float64()
	i := max(1, sort.SearchFloat64s(d.cdf, u))
	if i == len(d.cdf) {
		return d.x[len(d.x)-1]
	}
	return d.x[i-1] + (d.x[i]-d.x[i-1])*(u-d.cdf[i-1])/(d.cdf[i]-d.cdf[i-1])
}
