package schwinger

import (
	"math"
	"math/cmplx"
)

// dense is a square complex matrix, row by row.
type dense struct {
	n     int
	a     []complex128
	pivot []int
}

func newDense(n int) *dense {
	return &dense{n, make([]complex128, n*n), make([]int, n)}
}

func (m *dense) row(i int) []complex128 { return m.a[i*m.n : (i+1)*m.n] }

// determinant is a determinant as its logarithm and phase; a singular matrix has -Inf and 0.
type determinant struct {
	log   float64
	phase complex128
}

// take multiplies by a pivot.
func (d *determinant) take(p complex128) {
	size := cmplx.Abs(p)
	d.log += math.Log(size)
	d.phase *= p / complex(size, 0)
}

// exchange moves the largest element of column k, in row k or below, to the diagonal, and
// returns it. It notes the row, and turns the sign of the determinant where rows change
// places.
func (m *dense) exchange(k int, det *determinant) complex128 {
	best, size := k, -1.0
	for i := k; i < m.n; i++ {
		if s := real(m.a[i*m.n+k])*real(m.a[i*m.n+k]) + imag(m.a[i*m.n+k])*imag(m.a[i*m.n+k]); s > size {
			best, size = i, s
		}
	}
	m.pivot[k] = best
	if best != k {
		p, q := m.row(k), m.row(best)
		for j := range p {
			p[j], q[j] = q[j], p[j]
		}
		det.phase = -det.phase
	}
	return m.a[k*m.n+k]
}

// eliminate overwrites the matrix with its upper triangle after Gaussian elimination and
// returns the determinant.
func (m *dense) eliminate() determinant {
	det := determinant{phase: 1}
	for k := range m.n {
		p := m.exchange(k, &det)
		if p == 0 {
			return determinant{log: math.Inf(-1)}
		}
		det.take(p)
		top := m.row(k)[k+1:]
		for i := k + 1; i < m.n; i++ {
			subtract(m.row(i)[k+1:], m.a[i*m.n+k]/p, top)
		}
	}
	return det
}

// invert overwrites the matrix with its inverse, by the method of Gauss and Jordan, and
// returns the determinant; the matrix is undefined if it is singular.
func (m *dense) invert() determinant {
	det := determinant{phase: 1}
	for k := range m.n {
		p := m.exchange(k, &det)
		if p == 0 {
			return determinant{log: math.Inf(-1)}
		}
		det.take(p)
		top := m.row(k)
		top[k] = 1
		for j := range top {
			top[j] /= p
		}
		for i := range m.n {
			if i == k {
				continue
			}
			row := m.row(i)
			f := row[k]
			row[k] = 0
			subtract(row, f, top)
		}
	}
	for k := m.n - 1; k >= 0; k-- {
		if l := m.pivot[k]; l != k {
			for i := range m.n {
				row := m.row(i)
				row[k], row[l] = row[l], row[k]
			}
		}
	}
	return det
}

// subtract makes y ← y - f·x.
func subtract(y []complex128, f complex128, x []complex128) {
	if f == 0 {
		return
	}
	y = y[:len(x)]
	for j, v := range x {
		y[j] -= f * v
	}
}
