package measure

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// Operators returns the operators that stats.Regress looks for in the log-weights of a
// model of an even theory: powers of the magnetisation M = Σφ/√V, moments of the field, the
// neighbour sum, the power P in the lowest momenta of every direction, and the products of
// the infrared ones with M². For other theories make a list of your own.
func Operators(layout lattice.Layout) []mcmc.Observable {
	v := float64(layout.Volume())
	m2 := func(phi []float64) float64 { return layout.SquaredMagnetization(phi) * v }
	phi2 := func(phi []float64) float64 { return v * lattice.Phi2(phi) }
	list := []mcmc.Observable{
		{Name: "M²", Func: m2},
		{Name: "M⁴", Func: func(phi []float64) float64 { m := m2(phi); return m * m }},
		{Name: "M⁶", Func: func(phi []float64) float64 { return math.Pow(m2(phi), 3) }},
		{Name: "Σφ²", Func: phi2},
		{Name: "Σφ⁴", Func: func(phi []float64) float64 { return v * lattice.Phi4Moment(phi) }},
		{Name: "Σφφ′", Func: func(phi []float64) float64 { return v * layout.Hopping(phi) }},
		{Name: "M²Σφ²", Func: func(phi []float64) float64 { return m2(phi) * phi2(phi) }},
	}
	for n := 1; n <= shells; n++ {
		shell := func(phi []float64) (p float64) {
			for mu, extent := range layout.Dims() {
				if n <= extent/2 {
					p += layout.Mode(phi, mu, n)
				}
			}
			return p
		}
		list = append(list,
			mcmc.Observable{Name: fmt.Sprintf("P%d", n), Func: shell},
			mcmc.Observable{Name: fmt.Sprintf("M²P%d", n), Func: func(phi []float64) float64 { return m2(phi) * shell(phi) }})
	}
	return list
}

// shells is the number of the lowest momenta in Operators.
const shells = 3
