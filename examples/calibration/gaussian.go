package main

import (
	"math"
	"math/rand/v2"
)

// gaussian is a density of fields on the ring of φ⁴ theory: the free field whose mass is that of
// the mean field, (1-2λ) + 6λ⟨φ²⟩, with ⟨|φ_k|²⟩ = 1/(2(mass - 2κ cos k)).
type gaussian struct {
	// modes are orthonormal, mode by mode, and width their standard deviations.
	modes [][]float64
	width []float64
	// norm is the logarithm of the density at φ = 0.
	norm float64
}

func newGaussian(t theory) gaussian {
	n := t.action.Layout().Volume()
	kappa, lambda := t.action.Kappa(), t.action.Lambda()
	mass := 1 - 2*lambda + 6*lambda*t.exact.Phi2
	var q gaussian
	for k := range n {
		// Cosines up to k = n/2, then sines.
		p := 2 * math.Pi * float64(k) / float64(n)
		mode := make([]float64, n)
		norm := 0.0
		for x := range mode {
			mode[x] = math.Cos(p * float64(x))
			if 2*k > n {
				mode[x] = math.Sin(p * float64(x))
			}
			norm += mode[x] * mode[x]
		}
		for x := range mode {
			mode[x] /= math.Sqrt(norm)
		}
		width := 1 / math.Sqrt(2*(mass-2*kappa*math.Cos(p)))
		q.modes, q.width = append(q.modes, mode), append(q.width, width)
		q.norm -= math.Log(2*math.Pi)/2 + math.Log(width)
	}
	return q
}

// draw fills phi and returns the logarithm of its density.
func (q gaussian) draw(rng *rand.Rand, phi []float64) float64 {
	clear(phi)
	log := q.norm
	for k, mode := range q.modes {
		z := rng.NormFloat64()
		log -= z * z / 2
		for x, m := range mode {
			phi[x] += q.width[k] * z * m
		}
	}
	return log
}

func (q gaussian) logDensity(phi []float64) float64 {
	log := q.norm
	for k, mode := range q.modes {
		z := 0.0
		for x, m := range mode {
			z += phi[x] * m
		}
		z /= q.width[k]
		log -= z * z / 2
	}
	return log
}
