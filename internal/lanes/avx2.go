//go:build goexperiment.simd && amd64

package lanes

import "simd/archsimd"

// avx2Kernels handle the lanes of an element in two vectors.
var avx2Kernels = Kernels{
	Name: "AVX2", copies: 8, product: product8, dot: dot8, dotProduct: dotProduct8,
	sigmoid: sigmoid8, site: site8, scale: scale8, along: along8, fold: fold8, unfold: unfold8,
}

func product8(dst []float32, dstRow int, w []float32, inner int, start *[4]float32, x []float32, xRow, cols int) {
	for c := 0; c < cols; c += 16 {
		a0, a1 := archsimd.BroadcastFloat32x8(start[0]), archsimd.BroadcastFloat32x8(start[1])
		a2, a3 := archsimd.BroadcastFloat32x8(start[2]), archsimd.BroadcastFloat32x8(start[3])
		b0, b1, b2, b3 := a0, a1, a2, a3
		at := c
		for i := 0; i < 32*inner; i += 32 {
			p, q := archsimd.LoadFloat32x8(at8(x, at)), archsimd.LoadFloat32x8(at8(x, at+8))
			w0 := archsimd.LoadFloat32x8(at8(w, i))
			a0, b0 = w0.MulAdd(p, a0), w0.MulAdd(q, b0)
			w1 := archsimd.LoadFloat32x8(at8(w, i+8))
			a1, b1 = w1.MulAdd(p, a1), w1.MulAdd(q, b1)
			w2 := archsimd.LoadFloat32x8(at8(w, i+16))
			a2, b2 = w2.MulAdd(p, a2), w2.MulAdd(q, b2)
			w3 := archsimd.LoadFloat32x8(at8(w, i+24))
			a3, b3 = w3.MulAdd(p, a3), w3.MulAdd(q, b3)
			at += xRow
		}
		a0.Store(at8(dst, c))
		b0.Store(at8(dst, c+8))
		a1.Store(at8(dst, dstRow+c))
		b1.Store(at8(dst, dstRow+c+8))
		a2.Store(at8(dst, 2*dstRow+c))
		b2.Store(at8(dst, 2*dstRow+c+8))
		a3.Store(at8(dst, 3*dstRow+c))
		b3.Store(at8(dst, 3*dstRow+c+8))
	}
	archsimd.ClearAVXUpperBits()
}

func dot8(dst []float32, w, x []float32, xRow, cols int) {
	for c := 0; c < cols; c += 16 {
		a, b := archsimd.LoadFloat32x8(at8(dst, c)), archsimd.LoadFloat32x8(at8(dst, c+8))
		at := c
		for _, f := range w {
			g := archsimd.BroadcastFloat32x8(f)
			a = archsimd.LoadFloat32x8(at8(x, at)).MulAdd(g, a)
			b = archsimd.LoadFloat32x8(at8(x, at+8)).MulAdd(g, b)
			at += xRow
		}
		a.Store(at8(dst, c))
		b.Store(at8(dst, c+8))
	}
	archsimd.ClearAVXUpperBits()
}

func dotProduct8(dst []float32, w, x, y []float32, row, cols int) {
	for c := 0; c < cols; c += 8 {
		a := archsimd.LoadFloat32x8(at8(dst, c))
		at := c
		for _, f := range w {
			u := archsimd.LoadFloat32x8(at8(x, at)).Mul(archsimd.BroadcastFloat32x8(f))
			a = u.MulAdd(archsimd.LoadFloat32x8(at8(y, at)), a)
			at += row
		}
		a.Store(at8(dst, c))
	}
	archsimd.ClearAVXUpperBits()
}

// root8 returns 1/√(1+p²): one step of Newton's iteration r + r(1 - q r²)/2 takes the
// estimate, good to 1.5·2^-12, to 2e-7.
func root8(p archsimd.Float32x8) archsimd.Float32x8 {
	q := p.MulAdd(p, archsimd.BroadcastFloat32x8(1))
	r := q.ReciprocalSqrt()
	h := q.Mul(archsimd.BroadcastFloat32x8(-0.5)).Mul(r)
	return h.MulAdd(r, archsimd.BroadcastFloat32x8(0.5)).MulAdd(r, r)
}

func sigmoid8(value, slope, p []float32) {
	for i := 0; i < len(value); i += 8 {
		v := archsimd.LoadFloat32x8(at8(p, i))
		r := root8(v)
		v.Mul(r).Store(at8(value, i))
		r.Mul(r).Mul(r).Store(at8(slope, i))
	}
	archsimd.ClearAVXUpperBits()
}

func site8(value, slope, x []float32, a float32, b *[Width]float32) {
	f, low, high := archsimd.BroadcastFloat32x8(a), archsimd.LoadFloat32x8(at8(b[:], 0)), archsimd.LoadFloat32x8(at8(b[:], 8))
	for i := 0; i < len(value); i += 8 {
		v := archsimd.LoadFloat32x8(at8(x, i)).MulAdd(f, low)
		r := root8(v)
		v.Mul(r).Store(at8(value, i))
		r.Mul(r).Mul(r).Store(at8(slope, i))
		low, high = high, low
	}
	archsimd.ClearAVXUpperBits()
}

func scale8(dst, x, f []float32) {
	for i, a := range f {
		v := archsimd.BroadcastFloat32x8(a)
		archsimd.LoadFloat32x8(at8(x, 16*i)).Mul(v).Store(at8(dst, 16*i))
		archsimd.LoadFloat32x8(at8(x, 16*i+8)).Mul(v).Store(at8(dst, 16*i+8))
	}
	archsimd.ClearAVXUpperBits()
}

func along8(dst, s, x []float32, a float32, b *[Width]float32) {
	shift := archsimd.BroadcastFloat32x8(a)
	low, high := archsimd.LoadFloat32x8(at8(b[:], 0)), archsimd.LoadFloat32x8(at8(b[:], 8))
	for i := 0; i < len(dst); i += 8 {
		v := archsimd.LoadFloat32x8(at8(x, i)).MulAdd(low, shift)
		v.Mul(archsimd.LoadFloat32x8(at8(s, i))).Store(at8(dst, i))
		low, high = high, low
	}
	archsimd.ClearAVXUpperBits()
}

func fold8(even, odd, x []float32, t *tile) {
	for i := range 2 * group {
		base, shift := t.base[i/2], 8*(i%2)
		first, last, step := 16*base+shift, 16*(base+(t.n-1)*t.stride)+shift, 16*t.stride
		archsimd.LoadFloat32x8(at8(x, first)).Store(at8(even, 8*i))
		for j := 1; j <= odds(t.n); j++ {
			first += step
			u, v := archsimd.LoadFloat32x8(at8(x, first)), archsimd.LoadFloat32x8(at8(x, last))
			u.Add(v).Store(at8(even, 16*j*group+8*i))
			u.Sub(v).Store(at8(odd, 16*(j-1)*group+8*i))
			last -= step
		}
		if t.n%2 == 0 {
			archsimd.LoadFloat32x8(at8(x, last)).Store(at8(even, 16*(t.n/2)*group+8*i))
		}
	}
	archsimd.ClearAVXUpperBits()
}

func unfold8(dst, even, odd []float32, t *tile) {
	for i := range 2 * group {
		base, shift := t.base[i/2], 8*(i%2)
		first, last, step := 16*base+shift, 16*(base+(t.n-1)*t.stride)+shift, 16*t.stride
		archsimd.LoadFloat32x8(at8(even, 8*i)).Store(at8(dst, first))
		for j := 1; j <= odds(t.n); j++ {
			first += step
			e, o := archsimd.LoadFloat32x8(at8(even, 16*j*group+8*i)), archsimd.LoadFloat32x8(at8(odd, 16*(j-1)*group+8*i))
			e.Add(o).Store(at8(dst, first))
			e.Sub(o).Store(at8(dst, last))
			last -= step
		}
		if t.n%2 == 0 {
			archsimd.LoadFloat32x8(at8(even, 16*(t.n/2)*group+8*i)).Store(at8(dst, last))
		}
	}
	archsimd.ClearAVXUpperBits()
}
