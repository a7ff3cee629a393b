//go:build goexperiment.simd && amd64

package plane

import "simd/archsimd"

// avx512Loops handle eight sites of a row at a time.
var avx512Loops = Loops{"AVX-512", kickDrift8, kick8, energy8}

// fromLeft and fromRight pick the neighbours of eight sites from two adjacent
// vectors, taken as sixteen sites in a row.
var (
	fromLeft  = [8]uint64{7, 8, 9, 10, 11, 12, 13, 14}
	fromRight = [8]uint64{1, 2, 3, 4, 5, 6, 7, 8}
)

func kickDrift8(next, pi, phi []float64, cols int, c Couplings, drift float64) {
	hop, mass := archsimd.BroadcastFloat64x8(c.Hop), archsimd.BroadcastFloat64x8(c.Mass)
	quartic, b := archsimd.BroadcastFloat64x8(c.Quartic), archsimd.BroadcastFloat64x8(drift)
	toLeft, toRight := archsimd.LoadUint64x8(&fromLeft), archsimd.LoadUint64x8(&fromRight)
	field, target, momenta := blocks8(phi), blocks8(next), blocks8(pi)
	n := cols / 8
	up, mid := field[len(field)-n:], field[:n]
	for o := 0; o < len(field); o += n {
		d := o + n
		if d == len(field) {
			d = 0
		}
		down := field[d:][:n]
		up, mid = up[:len(down)], mid[:len(down)]
		out, p := target[o:][:len(down)], momenta[o:][:len(down)]
		prev, v := archsimd.LoadFloat64x8(&mid[len(mid)-1]), archsimd.LoadFloat64x8(&mid[0])
		first := v
		for x := range mid {
			after := first
			if x+1 < len(mid) {
				after = archsimd.LoadFloat64x8(&mid[x+1])
			}
			sum := prev.ConcatPermute(v, toLeft).Add(v.ConcatPermute(after, toRight))
			sum = sum.Add(archsimd.LoadFloat64x8(&up[x]).Add(archsimd.LoadFloat64x8(&down[x])))
			w := v.Mul(v).MulAdd(quartic, mass)
			q := sum.MulAdd(hop, archsimd.LoadFloat64x8(&p[x])).Sub(v.Mul(w))
			q.Store(&p[x])
			q.MulAdd(b, v).Store(&out[x])
			prev, v = v, after
		}
		up, mid = mid, down
	}
	archsimd.ClearAVXUpperBits()
}

func kick8(pi, phi []float64, cols int, c Couplings) {
	hop, mass := archsimd.BroadcastFloat64x8(c.Hop), archsimd.BroadcastFloat64x8(c.Mass)
	quartic := archsimd.BroadcastFloat64x8(c.Quartic)
	toLeft, toRight := archsimd.LoadUint64x8(&fromLeft), archsimd.LoadUint64x8(&fromRight)
	field, momenta := blocks8(phi), blocks8(pi)
	n := cols / 8
	up, mid := field[len(field)-n:], field[:n]
	for o := 0; o < len(field); o += n {
		d := o + n
		if d == len(field) {
			d = 0
		}
		down := field[d:][:n]
		up, mid = up[:len(down)], mid[:len(down)]
		p := momenta[o:][:len(down)]
		prev, v := archsimd.LoadFloat64x8(&mid[len(mid)-1]), archsimd.LoadFloat64x8(&mid[0])
		first := v
		for x := range mid {
			after := first
			if x+1 < len(mid) {
				after = archsimd.LoadFloat64x8(&mid[x+1])
			}
			sum := prev.ConcatPermute(v, toLeft).Add(v.ConcatPermute(after, toRight))
			sum = sum.Add(archsimd.LoadFloat64x8(&up[x]).Add(archsimd.LoadFloat64x8(&down[x])))
			w := v.Mul(v).MulAdd(quartic, mass)
			sum.MulAdd(hop, archsimd.LoadFloat64x8(&p[x])).Sub(v.Mul(w)).Store(&p[x])
			prev, v = v, after
		}
		up, mid = mid, down
	}
	archsimd.ClearAVXUpperBits()
}

func energy8(pi, phi []float64, cols int) (pi2, hop, phi2, phi4 float64) {
	toLeft := archsimd.LoadUint64x8(&fromLeft)
	var sumPi2, sumHop, sumPhi2, sumPhi4 archsimd.Float64x8
	field, momenta := blocks8(phi), blocks8(pi)
	n := cols / 8
	mid := field[:n]
	for o := 0; o < len(field); o += n {
		d := o + n
		if d == len(field) {
			d = 0
		}
		down := field[d:][:n]
		mid = mid[:len(down)]
		p := momenta[o:][:len(down)]
		prev := archsimd.LoadFloat64x8(&mid[len(mid)-1])
		for x := range mid {
			v, q := archsimd.LoadFloat64x8(&mid[x]), archsimd.LoadFloat64x8(&p[x])
			sumPi2 = q.MulAdd(q, sumPi2)
			sumHop = prev.ConcatPermute(v, toLeft).Add(archsimd.LoadFloat64x8(&down[x])).MulAdd(v, sumHop)
			w := v.Mul(v)
			sumPhi2 = sumPhi2.Add(w)
			sumPhi4 = w.MulAdd(w, sumPhi4)
			prev = v
		}
		mid = down
	}
	pi2, hop, phi2, phi4 = total8(sumPi2), total8(sumHop), total8(sumPhi2), total8(sumPhi4)
	archsimd.ClearAVXUpperBits()
	return pi2, hop, phi2, phi4
}

// total8 adds up the elements of a vector.
func total8(v archsimd.Float64x8) float64 { return total4(v.GetLo().Add(v.GetHi())) }
