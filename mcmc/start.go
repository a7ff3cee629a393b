package mcmc

import "math/rand/v2"

// HotStart fills phi with independent standard Gaussian numbers, a disordered
// configuration.
func HotStart(rng *rand.Rand, phi []float64) {
	for x := range phi {
		phi[x] = rng.NormFloat64()
	}
}

// ColdStart fills phi with the constant v, an ordered configuration.
func ColdStart(phi []float64, v float64) {
	for x := range phi {
		phi[x] = v
	}
}
