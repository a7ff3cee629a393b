package lanes

import (
	"math"
	"unsafe"
)

// scalarKernels run everywhere.
var scalarKernels = Kernels{
	Name: "scalar", copies: 1, product: productScalar, dot: dotScalar, dotProduct: dotProductScalar,
	sigmoid: sigmoidScalar, site: siteScalar, scale: scaleScalar, along: alongScalar, fold: foldScalar, unfold: unfoldScalar,
}

// productScalar keeps four sums in registers: with eight, compilers spill some of them. It
// relies on the checks of [Kernels.Panel].
func productScalar(dst []float32, dstRow int, w []float32, inner int, start *[4]float32, x []float32, xRow, cols int) {
	weights := unsafe.Pointer(unsafe.SliceData(w))
	for c := range cols {
		a0, a1, a2, a3 := start[0], start[1], start[2], start[3]
		at := c
		for i := range inner {
			v, p := (*[4]float32)(unsafe.Add(weights, 16*i)), x[at]
			a0 += v[0] * p
			a1 += v[1] * p
			a2 += v[2] * p
			a3 += v[3] * p
			at += xRow
		}
		dst[c], dst[dstRow+c], dst[2*dstRow+c], dst[3*dstRow+c] = a0, a1, a2, a3
	}
}

func dotScalar(dst []float32, w, x []float32, xRow, cols int) {
	dst = dst[:cols]
	for i, a := range w {
		row := x[i*xRow:][:len(dst)]
		for j, v := range row {
			dst[j] += a * v
		}
	}
}

func dotProductScalar(dst []float32, w, x, y []float32, row, cols int) {
	dst = dst[:cols]
	for i, a := range w {
		u, v := x[i*row:][:len(dst)], y[i*row:][:len(dst)]
		for j := range dst {
			dst[j] += a * u[j] * v[j]
		}
	}
}

func sigmoidScalar(value, slope, p []float32) {
	slope, p = slope[:len(value)], p[:len(value)]
	for i, v := range p {
		r := 1 / float32(math.Sqrt(float64(1+v*v)))
		value[i], slope[i] = v*r, r*r*r
	}
}

func siteScalar(value, slope, x []float32, a float32, b *[Width]float32) {
	slope, x = slope[:len(value)], x[:len(value)]
	for i, v := range x {
		v = a*v + b[i%Width]
		r := 1 / float32(math.Sqrt(float64(1+v*v)))
		value[i], slope[i] = v*r, r*r*r
	}
}

func scaleScalar(dst, x, f []float32) {
	for i, a := range f {
		u, v := dst[Width*i:][:Width], x[Width*i:][:Width]
		for j, w := range v {
			u[j] = a * w
		}
	}
}

func alongScalar(dst, s, x []float32, a float32, b *[Width]float32) {
	s, x = s[:len(dst)], x[:len(dst)]
	for i, v := range x {
		dst[i] = s[i] * (a + b[i%Width]*v)
	}
}

// foldScalar sets row j of even to x_j + x_{n-j}, where the two differ, else to x_j, and
// row j-1 of odd to x_j - x_{n-j}.
func foldScalar(even, odd, x []float32, t *tile) {
	for i, base := range t.base {
		at := func(j int) []float32 { return x[(base+j*t.stride)*Width:][:Width] }
		row := func(rows []float32, j int) []float32 { return rows[(j*group+i)*Width:][:Width] }
		copy(row(even, 0), at(0))
		for j := 1; j <= odds(t.n); j++ {
			u, v, e, o := at(j), at(t.n-j), row(even, j), row(odd, j-1)
			for l := range u {
				e[l], o[l] = u[l]+v[l], u[l]-v[l]
			}
		}
		if t.n%2 == 0 {
			copy(row(even, t.n/2), at(t.n/2))
		}
	}
}

// unfoldScalar sets y_k and y_{n-k} to the sum and the difference of row k of even and
// row k-1 of odd.
func unfoldScalar(dst, even, odd []float32, t *tile) {
	for i, base := range t.base {
		at := func(j int) []float32 { return dst[(base+j*t.stride)*Width:][:Width] }
		row := func(rows []float32, j int) []float32 { return rows[(j*group+i)*Width:][:Width] }
		copy(at(0), row(even, 0))
		for j := 1; j <= odds(t.n); j++ {
			u, v, e, o := at(j), at(t.n-j), row(even, j), row(odd, j-1)
			for l := range u {
				u[l], v[l] = e[l]+o[l], e[l]-o[l]
			}
		}
		if t.n%2 == 0 {
			copy(at(t.n/2), row(even, t.n/2))
		}
	}
}
