package gauge

import (
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// PlaquetteGradient writes the gradient of a gauge-invariant function of the links with respect to
// the plaquettes into dst, V numbers, and returns it; gradient is that with respect to the links.
// It is the derivative in the directions of constant sum that leave the mean link of either
// direction alone: with the links φ = curlᵀΔ⁻¹θ + … of given plaquettes θ = curl φ, Δ = curl curlᵀ
// being the lattice Laplacian,
//
//	∂f/∂θ = Δ⁻¹ curl ∂f/∂φ .
//
// It commutes with translations, which a derivative at fixed holonomies of two lines does not,
// and for a function that is averaged over the holonomies both are the same. fourier is
// that of the lattice; a nil dst is allocated.
func (t *Torus) PlaquetteGradient(dst, gradient []float64, fourier *lattice.Fourier) []float64 {
	t.mustFit(gradient)
	lay := t.layout
	if dst == nil {
		dst = make([]float64, lay.Volume())
	}
	mustLength("plaquettes", dst, lay.Volume())
	p := t.plane(gradient, 0)
	for x := range dst {
		dst[x] = p.angle(x)
	}
	fourier.Filter(dst, dst, t.inverseLaplacian())
	return dst
}

// inverseLaplacian returns 1/Σ_µ (2 - 2cos k_µ), and 0 at k = 0.
func (t *Torus) inverseLaplacian() []float64 {
	lay := t.layout
	out, k := make([]float64, lay.Volume()), make([]int, lay.Dim())
	for mode := 1; mode < len(out); mode++ {
		lay.Coord(k, mode)
		for mu, n := range k {
			s := math.Sin(math.Pi * float64(n) / float64(lay.Extent(mu)))
			out[mode] += 4 * s * s
		}
		out[mode] = 1 / out[mode]
	}
	return out
}
