package gauge

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// interval is a Gauss–Legendre rule on [0, π] with the weight in its own weights, relative to
// ∫dθ/2π e^{-s} = 1.
type interval struct{ theta, weight []float64 }

// panelPoints is the number of points of the rule on each of the panels of [0, π].
const panelPoints = 32

func newInterval(w Weight, points int) *interval {
	panels := points/panelPoints + 1
	in := &interval{make([]float64, panels*panelPoints), make([]float64, panels*panelPoints)}
	x, rule := make([]float64, panelPoints), make([]float64, panelPoints)
	width := math.Pi / float64(panels)
	quad.Legendre{}.FixedLocations(x, rule, 0, width)
	least, norm := math.Inf(1), 0.0
	for i := range in.theta {
		in.theta[i] = float64(i/panelPoints)*width + x[i%panelPoints]
		in.weight[i] = w.Energy(in.theta[i])
		least = math.Min(least, in.weight[i])
	}
	for i, s := range in.weight {
		in.weight[i] = rule[i%panelPoints] * math.Exp(least-s)
		norm += in.weight[i]
	}
	for i := range in.weight {
		in.weight[i] /= norm
	}
	return in
}

// transform returns ∫dθ cos(νθ) e^{-s} over (-π, π).
func (in *interval) transform(nu float64) float64 {
	sum := 0.0
	for i, t := range in.theta {
		sum += in.weight[i] * math.Cos(nu*t)
	}
	return sum
}

// moments returns ∫dθ θ² cos(nθ) e^{-s} and ∫dθ θ sin(nθ) e^{-s} over (-π, π).
func (in *interval) moments(n int) (a, b float64) {
	for i, t := range in.theta {
		sin, cos := math.Sincos(float64(n) * t)
		a += in.weight[i] * t * t * cos
		b += in.weight[i] * t * sin
	}
	return a, b
}
