package difftest

import (
	"math"
	"slices"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// spectrumOf returns C_k = 1/(m² + Σ_µ a_µ (2 - 2cos k_µ)): the same for all components and
// directions, or, if uneven, with other masses m and stiffnesses a for each.
func spectrumOf(layout lattice.Layout, uneven bool) []float64 {
	spectrum := make([]float64, layout.Size())
	dims, k := layout.Dims(), make([]int, layout.Dim())
	for c := range layout.Components {
		one := layout.Component(spectrum, c)
		for mode := range one {
			layout.Coord(k, mode)
			inverse := 0.8
			if uneven {
				inverse += 0.3 * float64(c)
			}
			for mu, n := range dims {
				a := 1.0
				if uneven {
					a += 0.4*float64(mu) - 0.1*float64(c)
				}
				inverse += a * (2 - 2*math.Cos(2*math.Pi*float64(k[mu])/float64(n)))
			}
			one[mode] = 1 / inverse
		}
	}
	return spectrum
}

// gaussianScore returns the score of Gaussian data with noise of level σ, or of the mixture
// of two with order μ, by the sum over modes of every pair of sites; modes that
// noise leaves alone have none.
func gaussianScore(l diffusion.LinearModel, order float64, phi []float64, sigma float64) []float64 {
	layout, spectrum, mean := l.Layout(), l.Spectrum(), l.Mean()
	v, fixed := layout.Volume(), diffusion.SpaceOf(l).Fixed(layout)
	dims := layout.Dims()
	score := make([]float64, len(phi))
	k, y := make([]int, layout.Dim()), make([]int, layout.Dim())
	for c := range layout.Components {
		// The kernel depends on the displacement alone.
		kernel := make([]float64, v)
		for mode, s := range layout.Component(spectrum, c) {
			if slices.Contains(fixed, c*v+mode) {
				continue
			}
			layout.Coord(k, mode)
			for site := range kernel {
				layout.Coord(y, site)
				phase := 0.0
				for mu, n := range dims {
					phase += 2 * math.Pi * float64(k[mu]*y[mu]%n) / float64(n)
				}
				kernel[site] += math.Cos(phase) / ((s + sigma*sigma) * float64(v))
			}
		}
		m := 0.0
		if mean != nil {
			m = mean[c]
		}
		x, out := layout.Component(phi, c), layout.Component(score, c)
		for from := range x {
			layout.Coord(y, from)
			for to := range out {
				layout.Coord(k, to)
				for mu := range k {
					k[mu] -= y[mu]
				}
				out[to] -= kernel[layout.Index(k...)] * (x[from] - m)
			}
		}
	}
	if order > 0 {
		width, zero := spectrum[0]+sigma*sigma, 0.0
		for _, x := range phi {
			zero += x / math.Sqrt(float64(v))
		}
		for x := range score {
			score[x] += order / width * math.Tanh(order*zero/width) / math.Sqrt(float64(v))
		}
	}
	return score
}
