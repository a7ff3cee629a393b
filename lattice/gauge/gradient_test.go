package gauge_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

// Of a function of the plaquettes the gradient is that function's own, without its sum; of any
// gauge-invariant function it is that of differences along links with the given change of the
// plaquettes.
func TestPlaquetteGradient(t *testing.T) {
	for _, dims := range [][]int{{4, 4}, {3, 5}, {2, 4}} {
		action := newAction(t, gauge.Wilson{Beta: 1.4}, dims...)
		torus := newTorus(t, dims...)
		fourier := lattice.NewFourier(action.Layout().Lattice)
		rng := rand.New(rand.NewPCG(1, 2))
		v := action.Layout().Volume()
		links := hot(rng, 2*v)
		drift := action.Drift(nil, links)
		got := torus.PlaquetteGradient(nil, drift, fourier)
		mean := 0.0
		plaquettes := torus.Plaquettes(nil, links)
		for _, theta := range plaquettes {
			mean -= 1.4 * math.Sin(theta) / float64(v)
		}
		for x, theta := range plaquettes {
			near(t, "gradient of the action", got[x], -1.4*math.Sin(theta)-mean, 1e-11)
		}
		// Wilson loops of two by one plaquettes.
		f := func(links []float64) float64 {
			loop := must[float64](t)(torus.WilsonLoop(links, 0, 1, 2, 1))
			return loop
		}
		const h = 1e-5
		gradient := make([]float64, 2*v)
		for i := range gradient {
			moved := append([]float64(nil), links...)
			moved[i] += h
			up := f(moved)
			moved[i] -= 2 * h
			gradient[i] = (up - f(moved)) / (2 * h)
		}
		got = torus.PlaquetteGradient(nil, gradient, fourier)
		// A link that changes by a changes one plaquette by a and its neighbour by -a.
		for mu := range 2 {
			for x := range v {
				change := make([]float64, 2*v)
				change[mu*v+x] = 1
				rise := torus.Plaquettes(nil, change)
				along := 0.0
				for p, d := range rise {
					along += d * got[p]
				}
				// The derivative along a link has, besides, that along the mean link.
				mean := 0.0
				for y := range v {
					mean += gradient[mu*v+y] / float64(v)
				}
				near(t, "change along a link", along, gradient[mu*v+x]-mean, 1e-8)
			}
		}
	}
}
