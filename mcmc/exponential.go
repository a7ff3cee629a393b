package mcmc

import (
	"math"
	"math/rand/v2"
)

// A local update is accepted if ΔS < E with E exponentially distributed of mean
// 1, since P(E > ΔS) = min(1, exp(-ΔS)): one number, no exponential function. E
// is drawn by the ziggurat method of Marsaglia and Tsang, J. Stat. Softw. 5
// (2000) 8, from 36 bits of a word (8 for the layer, 28 for the abscissa), so
// that one 64-bit word of the generator leaves 28 bits for the proposal.
const (
	zigBits = 28
	zigTail = 7.69711747013104972
	zigArea = 0.0039496598225815571993
)

// Layer i is accepted at once for an integer abscissa below zigK[i]; zigW[i]
// is the width of a step of the integer, zigF[i] the density at its right edge.
var zigK, zigW, zigF = ziggurat()

func ziggurat() (k [256]uint32, w, f [256]float64) {
	const m = 1 << zigBits
	x, right := zigTail, zigTail
	q := zigArea / math.Exp(-x)
	k[0], w[0], f[0] = uint32(x/q*m), q/m, 1
	w[255], f[255] = x/m, math.Exp(-x)
	for i := 254; i >= 1; i-- {
		x = -math.Log(zigArea/x + math.Exp(-x))
		k[i+1] = uint32(x / right * m)
		right = x
		w[i], f[i] = x/m, math.Exp(-x)
	}
	return k, w, f
}

// zigSlow finishes the draw in layer i with abscissa x where the fast test failed.
func zigSlow(rng *rand.Rand, i uint64, x float64) float64 {
	for {
		if i == 0 {
			// The tail beyond zigTail is again exponential.
			return zigTail + rng.ExpFloat64()
		}
		if zigF[i]+rng.Float64()*(zigF[i-1]-zigF[i]) < math.Exp(-x) {
			return x
		}
		u := rng.Uint64()
		var j uint32
		i, j = u&255, uint32(u>>8)&(1<<zigBits-1)
		x = (float64(j) + 0.5) * zigW[i]
		if j < zigK[i] {
			return x
		}
	}
}
