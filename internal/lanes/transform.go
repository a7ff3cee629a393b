package lanes

import (
	"math"
	"slices"
)

// Transform is the orthonormal Hartley transform of fields on one lattice,
//
//	Y_k = Σ_x X_x Π_µ cas(2π k_µ x_µ/L_µ)/√L_µ,  cas = cos + sin,
//
// its own inverse. One axis at a time it is a product with a matrix, of which the cosine
// part acts on x_j + x_{L-j} and the sine part on x_j - x_{L-j}: half the operations.
type Transform struct {
	kernels *Kernels
	sites   int
	axes    []axis
	scratch int
}

// axis is an axis of extent n > 1, whose neighbours are stride sites apart.
type axis struct {
	n, stride int
	cos, sin  *Matrix
}

// group is the number of lines that are transformed together.
const group = 4

// tile says where group lines of an axis are: element j of line i is all lanes of site
// base[i] + j·stride.
type tile struct {
	base      [group]int
	n, stride int
}

// half and full return the number of rows of the even and of the odd part of a line.
func half(n int) int { return n/2 + 1 }
func odds(n int) int { return (n - 1) / 2 }

// NewTransform returns the transform on a lattice with the given extents.
func NewTransform(k *Kernels, dims []int) *Transform {
	t := &Transform{kernels: k, sites: 1}
	for _, n := range slices.Backward(dims) {
		if n > 1 {
			t.axes = append(t.axes, k.newAxis(n, t.sites))
			t.scratch = max(t.scratch, 2*(2*half(n)+8)*group*Width)
		}
		t.sites *= n
	}
	return t
}

func (kernels *Kernels) newAxis(n, stride int) axis {
	e, o := half(n), odds(n)
	cos, sin := make([]float32, 0, e*e), make([]float32, 0, o*o)
	norm := 1 / math.Sqrt(float64(n))
	for k := range e {
		for j := range e {
			cos = append(cos, float32(norm*math.Cos(2*math.Pi*float64(j*k%n)/float64(n))))
		}
	}
	for k := 1; k <= o; k++ {
		for j := 1; j <= o; j++ {
			sin = append(sin, float32(norm*math.Sin(2*math.Pi*float64(j*k%n)/float64(n))))
		}
	}
	a := axis{n: n, stride: stride, cos: kernels.NewMatrix(cos, e, nil)}
	if o > 0 {
		a.sin = kernels.NewMatrix(sin, o, nil)
	}
	return a
}

// Scratch returns the length of the scratch space that Apply needs.
func (t *Transform) Scratch() int { return t.scratch }

// Apply transforms x, all lanes of every site of the lattice, in place.
func (t *Transform) Apply(x, scratch []float32) {
	check(len(x) >= t.sites*Width && len(scratch) >= t.scratch)
	for _, a := range t.axes {
		t.along(a, x, scratch)
	}
}

// along transforms along one axis.
func (t *Transform) along(a axis, x, scratch []float32) {
	const cols = group * Width
	e, o := half(a.n), odds(a.n)
	even, scratch := scratch[:e*cols], scratch[e*cols:]
	odd, scratch := scratch[:o*cols], scratch[o*cols:]
	cos, sin := scratch[:a.cos.Rows()*cols], scratch[a.cos.Rows()*cols:]
	lines := t.sites / a.n
	tile := tile{n: a.n, stride: a.stride}
	for line := 0; line < lines; line += group {
		for i := range tile.base {
			// Lines beyond the last are the last one again.
			l := min(line+i, lines-1)
			tile.base[i] = l/a.stride*a.stride*a.n + l%a.stride
		}
		t.kernels.fold(even, odd, x, &tile)
		t.kernels.Product(cos, a.cos, even, cols)
		if o > 0 {
			t.kernels.Product(sin, a.sin, odd, cols)
		}
		t.kernels.unfold(x, cos, sin, &tile)
	}
}
