package hmc

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// normalSource draws standard normal numbers for the momenta by the ziggurat
// method (Marsaglia, Tsang, J. Stat. Softw. 5 (2000) 8, with 256 layers of equal
// area; layer, sign and abscissa come from disjoint bits of one 64-bit number, as
// Doornik (2005) asks). It is exact up to the rounding of float64, tail included.
// The bits come from a xoshiro256++ generator (Blackman, Vigna, ACM Trans. Math.
// Softw. 47 (2021) 36), which is kept in local variables while an array is filled.
type normalSource struct {
	s0, s1, s2, s3 uint64
}

// seed sets all 256 bits of the state from rng.
func (g *normalSource) seed(rng *rand.Rand) {
	g.s0, g.s1, g.s2, g.s3 = rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()
	if g.s0|g.s1|g.s2|g.s3 == 0 {
		// The zero state is the one fixed point of the generator.
		g.s0 = 0x9e3779b97f4a7c15
	}
}

func (g *normalSource) uint64() uint64 {
	r := bits.RotateLeft64(g.s0+g.s3, 23) + g.s0
	t := g.s1 << 17
	g.s2 ^= g.s0
	g.s3 ^= g.s1
	g.s1 ^= g.s2
	g.s0 ^= g.s3
	g.s2 ^= t
	g.s3 = bits.RotateLeft64(g.s3, 45)
	return r
}

// uniform returns a number in the open interval (0, 1).
func (g *normalSource) uniform() float64 {
	return (float64(g.uint64()>>12) + 0.5) * 0x1p-52
}

const (
	// zigR is the abscissa where the base strip ends and the tail begins.
	zigR = 3.6541528853610088
	// zigBits is the number of bits of the abscissa, sign excluded.
	zigBits = 54
)

// zigLayer is one strip |x| < edge of the ziggurat, with x = width·j for an integer
// |j| < 2⁵⁴. Numbers with |j| < inner lie below the density whatever the ordinate.
type zigLayer struct {
	width float64
	inner int64
}

var (
	zigTable [256]zigLayer
	// zigDensity holds exp(-x²/2) at the outer edge of each strip; entry 256 is the
	// top of the density.
	zigDensity [257]float64
)

func init() {
	density := func(x float64) float64 { return math.Exp(-x * x / 2) }
	// All strips have the area of the base strip, tail included.
	area := zigR*density(zigR) + math.Sqrt(math.Pi/2)*math.Erfc(zigR/math.Sqrt2)
	// The base strip is treated as a rectangle of this width, of which the part
	// beyond zigR stands for the tail.
	edge := area / density(zigR)
	next := zigR
	for i := range zigTable {
		zigTable[i] = zigLayer{
			width: math.Ldexp(edge, -zigBits),
			inner: int64(math.Ldexp(next/edge, zigBits)),
		}
		zigDensity[i] = density(edge)
		edge, next = next, 0
		if i+2 < len(zigTable) {
			next = math.Sqrt(-2 * math.Log(density(edge)+area/edge))
		}
	}
	zigDensity[256] = 1
}

// fill sets every element of dst to an independent standard normal number.
func (g *normalSource) fill(dst []float64) {
	s0, s1, s2, s3 := g.s0, g.s1, g.s2, g.s3
	for x := range dst {
		r := bits.RotateLeft64(s0+s3, 23) + s0
		t := s1 << 17
		s2 ^= s0
		s3 ^= s1
		s1 ^= s2
		s0 ^= s3
		s2 ^= t
		s3 = bits.RotateLeft64(s3, 45)
		j := int64(r) >> 9
		l := &zigTable[r&255]
		// One comparison for -inner ≤ j < inner.
		if uint64(j+l.inner) < uint64(2*l.inner) {
			dst[x] = float64(j) * l.width
			continue
		}
		g.s0, g.s1, g.s2, g.s3 = s0, s1, s2, s3
		dst[x] = g.outer(int(r&255), j)
		s0, s1, s2, s3 = g.s0, g.s1, g.s2, g.s3
	}
	g.s0, g.s1, g.s2, g.s3 = s0, s1, s2, s3
}

// outer finishes a draw that fell outside the inner part of strip i: it decides
// with an ordinate, samples the tail, and starts afresh after a rejection.
func (g *normalSource) outer(i int, j int64) float64 {
	for {
		l := &zigTable[i]
		x := float64(j) * l.width
		switch {
		case uint64(j+l.inner) < uint64(2*l.inner):
			return x
		case i == 0:
			// Marsaglia's tail: exponential proposals beyond zigR.
			for {
				e := -math.Log(g.uniform()) / zigR
				if y := -math.Log(g.uniform()); 2*y > e*e {
					return math.Copysign(zigR+e, x)
				}
			}
		}
		y := zigDensity[i] + g.uniform()*(zigDensity[i+1]-zigDensity[i])
		if y < math.Exp(-x*x/2) {
			return x
		}
		r := g.uint64()
		i, j = int(r&255), int64(r)>>9
	}
}
