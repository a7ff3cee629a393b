//go:build goexperiment.simd && amd64

package lanes

import "simd/archsimd"

// avx512Kernels handle all lanes of an element in one vector.
var avx512Kernels = Kernels{
	Name: "AVX-512", copies: 16, product: product16, dot: dot16, dotProduct: dotProduct16,
	sigmoid: sigmoid16, site: site16, scale: scale16, along: along16, fold: fold16, unfold: unfold16,
}

func product16(dst []float32, dstRow int, w []float32, inner int, start *[4]float32, x []float32, xRow, cols int) {
	c := 0
	for ; c+32 <= cols; c += 32 {
		a0, a1 := archsimd.BroadcastFloat32x16(start[0]), archsimd.BroadcastFloat32x16(start[1])
		a2, a3 := archsimd.BroadcastFloat32x16(start[2]), archsimd.BroadcastFloat32x16(start[3])
		b0, b1, b2, b3 := a0, a1, a2, a3
		at := c
		for i := 0; i < 64*inner; i += 64 {
			p, q := archsimd.LoadFloat32x16(at16(x, at)), archsimd.LoadFloat32x16(at16(x, at+16))
			w0 := archsimd.LoadFloat32x16(at16(w, i))
			a0, b0 = w0.MulAdd(p, a0), w0.MulAdd(q, b0)
			w1 := archsimd.LoadFloat32x16(at16(w, i+16))
			a1, b1 = w1.MulAdd(p, a1), w1.MulAdd(q, b1)
			w2 := archsimd.LoadFloat32x16(at16(w, i+32))
			a2, b2 = w2.MulAdd(p, a2), w2.MulAdd(q, b2)
			w3 := archsimd.LoadFloat32x16(at16(w, i+48))
			a3, b3 = w3.MulAdd(p, a3), w3.MulAdd(q, b3)
			at += xRow
		}
		a0.Store(at16(dst, c))
		b0.Store(at16(dst, c+16))
		a1.Store(at16(dst, dstRow+c))
		b1.Store(at16(dst, dstRow+c+16))
		a2.Store(at16(dst, 2*dstRow+c))
		b2.Store(at16(dst, 2*dstRow+c+16))
		a3.Store(at16(dst, 3*dstRow+c))
		b3.Store(at16(dst, 3*dstRow+c+16))
	}
	if c < cols {
		a0, a1 := archsimd.BroadcastFloat32x16(start[0]), archsimd.BroadcastFloat32x16(start[1])
		a2, a3 := archsimd.BroadcastFloat32x16(start[2]), archsimd.BroadcastFloat32x16(start[3])
		at := c
		for i := 0; i < 64*inner; i += 64 {
			p := archsimd.LoadFloat32x16(at16(x, at))
			a0 = p.MulAdd(archsimd.LoadFloat32x16(at16(w, i)), a0)
			a1 = p.MulAdd(archsimd.LoadFloat32x16(at16(w, i+16)), a1)
			a2 = p.MulAdd(archsimd.LoadFloat32x16(at16(w, i+32)), a2)
			a3 = p.MulAdd(archsimd.LoadFloat32x16(at16(w, i+48)), a3)
			at += xRow
		}
		a0.Store(at16(dst, c))
		a1.Store(at16(dst, dstRow+c))
		a2.Store(at16(dst, 2*dstRow+c))
		a3.Store(at16(dst, 3*dstRow+c))
	}
	archsimd.ClearAVXUpperBits()
}

func dot16(dst []float32, w, x []float32, xRow, cols int) {
	for c := 0; c < cols; c += 16 {
		a, b := archsimd.LoadFloat32x16(at16(dst, c)), archsimd.Float32x16{}
		at, i := c, 0
		for ; i+1 < len(w); i += 2 {
			a = archsimd.LoadFloat32x16(at16(x, at)).MulAdd(archsimd.BroadcastFloat32x16(w[i]), a)
			b = archsimd.LoadFloat32x16(at16(x, at+xRow)).MulAdd(archsimd.BroadcastFloat32x16(w[i+1]), b)
			at += 2 * xRow
		}
		if i < len(w) {
			a = archsimd.LoadFloat32x16(at16(x, at)).MulAdd(archsimd.BroadcastFloat32x16(w[i]), a)
		}
		a.Add(b).Store(at16(dst, c))
	}
	archsimd.ClearAVXUpperBits()
}

func dotProduct16(dst []float32, w, x, y []float32, row, cols int) {
	for c := 0; c < cols; c += 16 {
		a := archsimd.LoadFloat32x16(at16(dst, c))
		at := c
		for _, f := range w {
			u := archsimd.LoadFloat32x16(at16(x, at)).Mul(archsimd.BroadcastFloat32x16(f))
			a = u.MulAdd(archsimd.LoadFloat32x16(at16(y, at)), a)
			at += row
		}
		a.Store(at16(dst, c))
	}
	archsimd.ClearAVXUpperBits()
}

// root16 returns 1/√(1+p²): one step of Newton's iteration r + r(1 - q r²)/2 takes the
// estimate, good to 2^-14, to the last digits.
func root16(p archsimd.Float32x16) archsimd.Float32x16 {
	q := p.MulAdd(p, archsimd.BroadcastFloat32x16(1))
	r := q.ReciprocalSqrt()
	h := q.Mul(archsimd.BroadcastFloat32x16(-0.5)).Mul(r)
	return h.MulAdd(r, archsimd.BroadcastFloat32x16(0.5)).MulAdd(r, r)
}

func sigmoid16(value, slope, p []float32) {
	for i := 0; i < len(value); i += 16 {
		v := archsimd.LoadFloat32x16(at16(p, i))
		r := root16(v)
		v.Mul(r).Store(at16(value, i))
		r.Mul(r).Mul(r).Store(at16(slope, i))
	}
	archsimd.ClearAVXUpperBits()
}

func site16(value, slope, x []float32, a float32, b *[Width]float32) {
	f, shift := archsimd.BroadcastFloat32x16(a), archsimd.LoadFloat32x16(b)
	for i := 0; i < len(value); i += 16 {
		v := archsimd.LoadFloat32x16(at16(x, i)).MulAdd(f, shift)
		r := root16(v)
		v.Mul(r).Store(at16(value, i))
		r.Mul(r).Mul(r).Store(at16(slope, i))
	}
	archsimd.ClearAVXUpperBits()
}

func scale16(dst, x, f []float32) {
	for i, a := range f {
		archsimd.LoadFloat32x16(at16(x, 16*i)).Mul(archsimd.BroadcastFloat32x16(a)).Store(at16(dst, 16*i))
	}
	archsimd.ClearAVXUpperBits()
}

func along16(dst, s, x []float32, a float32, b *[Width]float32) {
	shift, f := archsimd.BroadcastFloat32x16(a), archsimd.LoadFloat32x16(b)
	for i := 0; i < len(dst); i += 16 {
		v := archsimd.LoadFloat32x16(at16(x, i)).MulAdd(f, shift)
		v.Mul(archsimd.LoadFloat32x16(at16(s, i))).Store(at16(dst, i))
	}
	archsimd.ClearAVXUpperBits()
}

func fold16(even, odd, x []float32, t *tile) {
	for i, base := range t.base {
		first, last, step := 16*base, 16*(base+(t.n-1)*t.stride), 16*t.stride
		archsimd.LoadFloat32x16(at16(x, first)).Store(at16(even, 16*i))
		for j := 1; j <= odds(t.n); j++ {
			first += step
			u, v := archsimd.LoadFloat32x16(at16(x, first)), archsimd.LoadFloat32x16(at16(x, last))
			u.Add(v).Store(at16(even, 16*(j*group+i)))
			u.Sub(v).Store(at16(odd, 16*((j-1)*group+i)))
			last -= step
		}
		if t.n%2 == 0 {
			archsimd.LoadFloat32x16(at16(x, last)).Store(at16(even, 16*(t.n/2*group+i)))
		}
	}
	archsimd.ClearAVXUpperBits()
}

func unfold16(dst, even, odd []float32, t *tile) {
	for i, base := range t.base {
		first, last, step := 16*base, 16*(base+(t.n-1)*t.stride), 16*t.stride
		archsimd.LoadFloat32x16(at16(even, 16*i)).Store(at16(dst, first))
		for j := 1; j <= odds(t.n); j++ {
			first += step
			e, o := archsimd.LoadFloat32x16(at16(even, 16*(j*group+i))), archsimd.LoadFloat32x16(at16(odd, 16*((j-1)*group+i)))
			e.Add(o).Store(at16(dst, first))
			e.Sub(o).Store(at16(dst, last))
			last -= step
		}
		if t.n%2 == 0 {
			archsimd.LoadFloat32x16(at16(even, 16*(t.n/2*group+i))).Store(at16(dst, last))
		}
	}
	archsimd.ClearAVXUpperBits()
}
