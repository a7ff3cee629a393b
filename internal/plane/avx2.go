//go:build goexperiment.simd && amd64

package plane

import "simd/archsimd"

// avx2Loops handle four sites of a row at a time.
var avx2Loops = Loops{"AVX2", kickDrift4, kick4, energy4}

// left4 returns the left neighbours of v, given the four sites before it.
func left4(prev, v archsimd.Float64x4) archsimd.Float64x4 {
	return prev.Select128FromPair(1, 2, v).SelectFromPairGrouped(1, 2, v)
}

// right4 returns the right neighbours of v, given the four sites after it.
func right4(v, after archsimd.Float64x4) archsimd.Float64x4 {
	return v.SelectFromPairGrouped(1, 2, v.Select128FromPair(1, 2, after))
}

func kickDrift4(next, pi, phi []float64, cols int, c Couplings, drift float64) {
	hop, mass := archsimd.BroadcastFloat64x4(c.Hop), archsimd.BroadcastFloat64x4(c.Mass)
	quartic, b := archsimd.BroadcastFloat64x4(c.Quartic), archsimd.BroadcastFloat64x4(drift)
	field, target, momenta := blocks4(phi), blocks4(next), blocks4(pi)
	n := cols / 4
	up, mid := field[len(field)-n:], field[:n]
	for o := 0; o < len(field); o += n {
		d := o + n
		if d == len(field) {
			d = 0
		}
		down := field[d:][:n]
		up, mid = up[:len(down)], mid[:len(down)]
		out, p := target[o:][:len(down)], momenta[o:][:len(down)]
		prev, v := archsimd.LoadFloat64x4(&mid[len(mid)-1]), archsimd.LoadFloat64x4(&mid[0])
		first := v
		for x := range mid {
			after := first
			if x+1 < len(mid) {
				after = archsimd.LoadFloat64x4(&mid[x+1])
			}
			sum := left4(prev, v).Add(right4(v, after))
			sum = sum.Add(archsimd.LoadFloat64x4(&up[x]).Add(archsimd.LoadFloat64x4(&down[x])))
			w := v.Mul(v).MulAdd(quartic, mass)
			q := sum.MulAdd(hop, archsimd.LoadFloat64x4(&p[x])).Sub(v.Mul(w))
			q.Store(&p[x])
			q.MulAdd(b, v).Store(&out[x])
			prev, v = v, after
		}
		up, mid = mid, down
	}
	archsimd.ClearAVXUpperBits()
}

func kick4(pi, phi []float64, cols int, c Couplings) {
	hop, mass := archsimd.BroadcastFloat64x4(c.Hop), archsimd.BroadcastFloat64x4(c.Mass)
	quartic := archsimd.BroadcastFloat64x4(c.Quartic)
	field, momenta := blocks4(phi), blocks4(pi)
	n := cols / 4
	up, mid := field[len(field)-n:], field[:n]
	for o := 0; o < len(field); o += n {
		d := o + n
		if d == len(field) {
			d = 0
		}
		down := field[d:][:n]
		up, mid = up[:len(down)], mid[:len(down)]
		p := momenta[o:][:len(down)]
		prev, v := archsimd.LoadFloat64x4(&mid[len(mid)-1]), archsimd.LoadFloat64x4(&mid[0])
		first := v
		for x := range mid {
			after := first
			if x+1 < len(mid) {
				after = archsimd.LoadFloat64x4(&mid[x+1])
			}
			sum := left4(prev, v).Add(right4(v, after))
			sum = sum.Add(archsimd.LoadFloat64x4(&up[x]).Add(archsimd.LoadFloat64x4(&down[x])))
			w := v.Mul(v).MulAdd(quartic, mass)
			sum.MulAdd(hop, archsimd.LoadFloat64x4(&p[x])).Sub(v.Mul(w)).Store(&p[x])
			prev, v = v, after
		}
		up, mid = mid, down
	}
	archsimd.ClearAVXUpperBits()
}

func energy4(pi, phi []float64, cols int) (pi2, hop, phi2, phi4 float64) {
	var sumPi2, sumHop, sumPhi2, sumPhi4 archsimd.Float64x4
	field, momenta := blocks4(phi), blocks4(pi)
	n := cols / 4
	mid := field[:n]
	for o := 0; o < len(field); o += n {
		d := o + n
		if d == len(field) {
			d = 0
		}
		down := field[d:][:n]
		mid = mid[:len(down)]
		p := momenta[o:][:len(down)]
		prev := archsimd.LoadFloat64x4(&mid[len(mid)-1])
		for x := range mid {
			v, q := archsimd.LoadFloat64x4(&mid[x]), archsimd.LoadFloat64x4(&p[x])
			sumPi2 = q.MulAdd(q, sumPi2)
			sumHop = left4(prev, v).Add(archsimd.LoadFloat64x4(&down[x])).MulAdd(v, sumHop)
			w := v.Mul(v)
			sumPhi2 = sumPhi2.Add(w)
			sumPhi4 = w.MulAdd(w, sumPhi4)
			prev = v
		}
		mid = down
	}
	pi2, hop, phi2, phi4 = total4(sumPi2), total4(sumHop), total4(sumPhi2), total4(sumPhi4)
	archsimd.ClearAVXUpperBits()
	return pi2, hop, phi2, phi4
}

// total4 adds up the elements of a vector.
func total4(v archsimd.Float64x4) float64 {
	var s [2]float64
	v.GetLo().Add(v.GetHi()).Store(&s)
	return s[0] + s[1]
}
