package hollow

import "github.com/latdiff/latdiff/internal/lanes"

// pairLevel is the bilocal part at one noise level, see bilocal.
type pairLevel struct {
	half int
	// Matrices of the first half of the pairs and of the rest, of which the latter take odd
	// functions in a and even ones in b.
	a, b       [2]*lanes.Matrix
	amplitudes [2][]float32 // R and, with an alignment, Ŵ(0) ∂ψ/∂m, for every pair
	ones       []float32
}

func newPairLevel(h *host, c *coefficients[[]float32]) *pairLevel {
	n, half, functions := h.cfg.Pairs, h.cfg.Pairs/2, pairFeatures+1
	l := &pairLevel{half: half}
	for i, rows := range [2][2]int{{0, half}, {half, n}} {
		l.a[i] = h.kernels.NewMatrix(c.pairOutput[rows[0]*functions:rows[1]*functions], rows[1]-rows[0], nil)
		l.b[i] = h.kernels.NewMatrix(c.pairInputs[rows[0]*functions:rows[1]*functions], rows[1]-rows[0], nil)
	}
	for range n {
		for t, a := range c.pairAmplitude {
			l.amplitudes[t] = append(l.amplitudes[t], a)
		}
		l.ones = append(l.ones, 1)
	}
	return l
}

// pairBlock is the scratch space of the bilocal part: ψ and P_j ∗ B_j at all sites, the
// transforms of A_j and B_j′, and tiles.
type pairBlock struct {
	psi, far, here, slopes []float32
	// Functions of ψ and their derivatives, the odd ones and the even ones.
	value, slope [2][]float32
	a, aSlope, x []float32
	sum          []float32 // one row of a tile
}

func newPairBlock(n, row int) *pairBlock {
	rows := func() []float32 { return make([]float32, n*row) }
	p := &pairBlock{psi: make([]float32, row), far: rows(), here: rows(), slopes: rows()}
	tile := func(rows int) []float32 { return make([]float32, (rows+3)/4*4*tileColumns) }
	for i := range 2 {
		p.value[i], p.slope[i] = tile(pairFeatures+1), tile(pairFeatures+1)
	}
	p.a, p.aSlope, p.x, p.sum = tile(n+4), tile(n+4), tile(n+4), tile(1)
	return p
}

// functions sets the functions of n columns of ψ, from the one given.
func (b *block) functions(l *level, from, n int, slopes bool) {
	p := b.pairs
	psi := p.psi[from : from+n]
	var zero [lanes.Width]float32
	one := [1]float32{1}
	for i := range pairFeatures {
		w := l.c.pairSlopes[i]
		odd, oddSlope := p.value[0][i*n:(i+1)*n], p.slope[0][i*n:(i+1)*n]
		even, evenSlope := p.value[1][i*n:(i+1)*n], p.slope[1][i*n:(i+1)*n]
		rate, factor := p.x[:n], [1]float32{w}
		b.kernels.Site(odd, rate, psi, w, &zero)
		b.kernels.DotProduct(zeroed(even), one[:], psi, odd)
		if slopes {
			b.kernels.Dot(zeroed(oddSlope), factor[:], rate)
			copy(evenSlope, odd)
			b.kernels.DotProduct(evenSlope, factor[:], psi, rate)
		}
	}
	last := pairFeatures * n
	copy(p.value[0][last:], psi)
	for j := range n {
		p.slope[0][last+j], p.value[1][last+j], p.slope[1][last+j] = 1, 1, 0
	}
}

// combine sets dst, [pairs, columns], to the combinations of functions by matrices for the two
// halves, the first half of functions number first.
func (b *block) combine(dst []float32, l *level, m [2]*lanes.Matrix, functions [2][]float32, first, n int) {
	half := l.pairs.half
	b.kernels.Product(dst, m[0], functions[first], n)
	b.kernels.Product(dst[half*n:], m[1], functions[1-first], n)
}

// bilocal sets P_j ∗ B_j and, if the divergence is wanted, adds to the sums
//
//	Σ_y A_j (Q_j ∗ B_j′) = Σ_k Â_j(k) Q̂_j(k) B̂_j′(k)
//
// and, for an alignment, its counterpart with P_j. The transform is orthogonal, so that two
// products in the modes stand in the place of two more transforms.
func (b *block) bilocal(l *level, divergence bool) {
	p := b.pairs
	b.repeatSign(p.psi)
	for i := range p.psi {
		p.psi[i] *= l.c.estimateSign[0]
	}
	b.kernels.Dot(p.psi, l.c.estimate, b.filtered)
	for from := 0; from < b.row; from += tileColumns {
		n := min(tileColumns, b.row-from)
		b.functions(l, from, n, divergence)
		b.combine(p.x, l, l.pairs.b, p.value, 0, n)
		b.scatter(p.far, p.x, from, n)
		if divergence {
			b.combine(p.x, l, l.pairs.b, p.slope, 0, n)
			b.scatter(p.slopes, p.x, from, n)
			b.combine(p.x, l, l.pairs.a, p.value, 1, n)
			b.scatter(p.here, p.x, from, n)
		}
	}
	b.transformRows(p.far)
	for j := range b.cfg.Pairs {
		row := p.far[j*b.row : (j+1)*b.row]
		b.kernels.Scale(row, row, l.c.pairKernels[j*b.sites:(j+1)*b.sites])
	}
	b.transformRows(p.far)
	if !divergence {
		return
	}
	b.transformRows(p.slopes)
	b.transformRows(p.here)
	b.addModes(0, l.c.pairReturns, 1)
	if along := l.pairs.amplitudes[1]; along != nil {
		b.addModes(1, l.c.pairKernels, along[0])
	}
}

// addModes adds a factor times Σ_k Â_j(k) T_j(k) B̂_j′(k) to a sum.
func (b *block) addModes(which int, transfer []float32, factor float32) {
	// So few that the rounding of their sum in float32 does not show.
	const few = 64
	p := b.pairs
	sum := p.sum[:lanes.Width]
	for at := 0; at < len(transfer); at += few {
		to := min(at+few, len(transfer))
		b.kernels.DotProduct(zeroed(sum), transfer[at:to], p.here[at*lanes.Width:to*lanes.Width], p.slopes[at*lanes.Width:to*lanes.Width])
		for lane, x := range sum {
			b.sums[which][lane] += float64(factor) * float64(x)
		}
	}
}

// scatter copies n columns of a tile to rows of all sites.
func (b *block) scatter(rows, tile []float32, from, n int) {
	for j := range b.cfg.Pairs {
		copy(rows[j*b.row+from:j*b.row+from+n], tile[j*n:])
	}
}

// transformRows transforms the row of every pair.
func (b *block) transformRows(rows []float32) {
	for j := range b.cfg.Pairs {
		b.transform.Apply(rows[j*b.row:(j+1)*b.row], b.transformTemp)
	}
}

// addBilocal adds Σ_j A_j (P_j ∗ B_j) to n columns of head, and what its first factors have of
// derivatives to the sums.
func (b *block) addBilocal(l *level, from, n int, divergence bool) {
	p, k := b.pairs, b.kernels
	b.functions(l, from, n, divergence)
	b.combine(p.a, l, l.pairs.a, p.value, 1, n)
	b.gather(p.x, p.far, b.cfg.Pairs, from, n)
	k.DotProduct(b.head[from:from+n], l.pairs.ones, p.a, p.x)
	if !divergence {
		return
	}
	b.combine(p.aSlope, l, l.pairs.a, p.slope, 1, n)
	for which, amplitudes := range l.pairs.amplitudes {
		if amplitudes != nil {
			sum := zeroed(p.sum[:n])
			k.DotProduct(sum, amplitudes, p.aSlope, p.x)
			b.add(which, sum)
		}
	}
}
