// Package plane has the passes of molecular dynamics over a φ⁴ field (4.2) on a
// two-dimensional lattice, row-major with rows of cols sites. Force, momentum update
// and field update share one pass, which reads the field from one buffer and writes it
// to another. The build with GOEXPERIMENT=simd vectorises them on amd64 with AVX2 or
// AVX-512.
package plane

// Loops are the passes in one of their implementations. All slices hold the same
// number of whole rows; next overlaps neither phi nor pi.
type Loops struct {
	Name string
	// KickDrift does π ← π + aK(φ) and next ← φ + drift·π.
	KickDrift func(next, pi, phi []float64, cols int, c Couplings, drift float64)
	// Kick does π ← π + aK(φ).
	Kick func(pi, phi []float64, cols int, c Couplings)
	// Energy returns the sums of π², φ(x)(φ(x+1̂) + φ(x+2̂)), φ² and φ⁴.
	Energy func(pi, phi []float64, cols int) (pi2, hop, phi2, phi4 float64)
}

// Couplings are the coefficients of a force times a step,
// aK = Hop·Σ_{±μ} φ(x±μ̂) - φ(Mass + Quartic·φ²).
type Couplings struct{ Hop, Mass, Quartic float64 }

// neighbours returns the row that starts at site o and the rows before and after it,
// all with the length of a row.
func neighbours(phi []float64, o, n int) (mid, up, down []float64) {
	u, d := o-n, o+n
	if u < 0 {
		u = len(phi) - n
	}
	if d == len(phi) {
		d = 0
	}
	mid = phi[o:][:n]
	return mid, phi[u:][:len(mid)], phi[d:][:len(mid)]
}
