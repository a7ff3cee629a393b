package main

import (
	"math"
	"math/rand/v2"
	"sort"

	"github.com/latdiff/latdiff/lattice"
)

// density is e^{-S}/Z of a toy potential by the trapezoid rule, which converges
// exponentially for such functions, between the points ±reach where e^{-S} is negligible.
type density struct {
	action *lattice.Toy
	reach  float64
	logZ   float64
	phi2   float64   // ⟨φ²⟩
	x, cdf []float64 // the distribution function at equidistant points
}

// negligible is S - min S at the ends of the interval.
const negligible = 40

func newDensity(action *lattice.Toy) *density {
	mu2, g := action.Mu2(), action.G()
	// S and its minimum; for the double well it lies at φ² = -6μ²/g.
	bottom, least := 0.0, 0.0
	if mu2 < 0 {
		bottom, least = math.Sqrt(-6*mu2/g), -1.5*mu2*mu2/g
	}
	value := func(x float64) float64 { return action.Value([]float64{x}) - least }
	hi := bottom + 1
	for value(hi) < negligible {
		hi *= 2
	}
	lo := bottom
	for range 60 {
		if mid := (lo + hi) / 2; value(mid) < negligible {
			lo = mid
		} else {
			hi = mid
		}
	}
	const n = 8000
	d := &density{action: action, reach: hi, x: make([]float64, n+1), cdf: make([]float64, n+1)}
	h := 2 * hi / n
	z, before := 0.0, 0.0
	for i := range d.x {
		d.x[i] = -hi + float64(i)*h
		w := math.Exp(-value(d.x[i]))
		z += h * (w + before) / 2
		d.phi2 += h * w * d.x[i] * d.x[i]
		d.cdf[i] = z
		before = w
	}
	d.phi2 /= z
	d.logZ = math.Log(z) - least
	for i := range d.cdf {
		d.cdf[i] /= z
	}
	return d
}

// at returns the density at x.
func (d *density) at(x float64) float64 { return math.Exp(-d.action.Value([]float64{x}) - d.logZ) }

// below returns the probability of a value below x.
func (d *density) below(x float64) float64 {
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

// draw returns a value from the density.
func (d *density) draw(rng *rand.Rand) float64 {
	u := rng.Float64()
	i := max(1, sort.SearchFloat64s(d.cdf, u))
	if i == len(d.cdf) {
		return d.reach
	}
	return d.x[i-1] + (d.x[i]-d.x[i-1])*(u-d.cdf[i-1])/(d.cdf[i]-d.cdf[i-1])
}
