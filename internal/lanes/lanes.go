// Package lanes evaluates small dense layers and Hartley transforms for sixteen fields
// side by side: element i of lane l is at index 16·i + l, so that every operation is the
// same for all lanes whatever the extents of the lattice, and is one on vectors. The
// build with GOEXPERIMENT=simd has it for AVX2 and AVX-512 on amd64; elsewhere portable
// loops do the same.
package lanes

// Width is the number of fields side by side.
const Width = 16

// Kernels are the innermost loops in one of their implementations. Rows are cols
// consecutive numbers, cols a multiple of Width, at a constant distance from each other.
type Kernels struct {
	Name string
	// copies is how often a weight of a [Matrix] stands in memory, one after the other: as
	// often as a vector has elements, which is then loaded as it is.
	copies int
	// product sets the four rows of dst to start + w·x, with inner rows of x, for each of
	// which there are four weights.
	product func(dst []float32, dstRow int, w []float32, inner int, start *[4]float32, x []float32, xRow, cols int)
	// dot adds Σ_i w_i x_i to the row dst.
	dot func(dst []float32, w, x []float32, xRow, cols int)
	// dotProduct adds Σ_i w_i x_i y_i to the row dst.
	dotProduct func(dst []float32, w, x, y []float32, row, cols int)
	// sigmoid sets value to s(p) = p/√(1+p²) and slope to s′(p) = (1+p²)^{-3/2}.
	sigmoid func(value, slope, p []float32)
	// site is sigmoid for p = a·x + b, with an offset b for every lane.
	site func(value, slope, x []float32, a float32, b *[Width]float32)
	// scale multiplies all lanes of element i of x by f_i.
	scale func(dst, x, f []float32)
	// along sets dst to s·(a + b·x), with a factor b for every lane.
	along func(dst, s, x []float32, a float32, b *[Width]float32)
	// fold and unfold are the first and the last step of a transform, see tile.
	fold   func(even, odd, x []float32, t *tile)
	unfold func(dst, even, odd []float32, t *tile)
}

// Dot adds Σ_i w_i x_i to dst: len(w) rows x of len(dst) numbers, one after the other.
func (k *Kernels) Dot(dst, w, x []float32) {
	check(len(x) >= len(w)*len(dst))
	k.dot(dst, w, x, len(dst), len(dst))
}

// DotProduct adds Σ_i w_i x_i y_i to dst, for rows like those of Dot.
func (k *Kernels) DotProduct(dst, w, x, y []float32) {
	check(len(x) >= len(w)*len(dst) && len(y) >= len(w)*len(dst))
	k.dotProduct(dst, w, x, y, len(dst), len(dst))
}

// Sigmoid sets value to s(p) = p/√(1+p²) and slope to s′(p) = (1+p²)^{-3/2}, with a
// relative error of at most 5e-7 for |p| < 1e9. All have the length of value; they may be the same.
func (k *Kernels) Sigmoid(value, slope, p []float32) {
	check(len(value)%Width == 0 && len(slope) >= len(value) && len(p) >= len(value))
	k.sigmoid(value, slope, p)
}

// Site is Sigmoid for p = a·x + b, with an offset b for every lane.
func (k *Kernels) Site(value, slope, x []float32, a float32, b *[Width]float32) {
	check(len(value)%Width == 0 && len(slope) >= len(value) && len(x) >= len(value))
	k.site(value, slope, x, a, b)
}

// Scale multiplies all lanes of element i of x by f_i.
func (k *Kernels) Scale(dst, x, f []float32) {
	check(len(dst) >= Width*len(f) && len(x) >= Width*len(f))
	k.scale(dst, x, f)
}

// Along sets dst to s·(a + b·x), with a factor b for every lane. All have the length of dst,
// which may be x.
func (k *Kernels) Along(dst, s, x []float32, a float32, b *[Width]float32) {
	check(len(dst)%Width == 0 && len(s) >= len(dst) && len(x) >= len(dst))
	k.along(dst, s, x, a, b)
}

// check panics on slices that are too short, before loops that do not check.
func check(ok bool) {
	if !ok {
		panic("lanes: slices of the wrong length")
	}
}
