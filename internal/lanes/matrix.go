package lanes

// Matrix is a matrix, with a start for every row, in the order in which products use it.
type Matrix struct {
	rows, inner int
	copies      int         // of every weight
	panels      [][]float32 // four rows each, of which the last may be zero
	starts      [][4]float32
}

// NewMatrix returns the row-major matrix w with the given number of rows, for these kernels.
// start holds what products with it begin with, nil: zeros.
func (k *Kernels) NewMatrix(w []float32, rows int, start []float32) *Matrix {
	m := &Matrix{rows: rows, inner: len(w) / rows, copies: k.copies}
	// One after the other in memory, so that the processor fetches them ahead.
	size := m.inner * 4 * m.copies
	all := make([]float32, (rows+3)/4*size)
	for r := 0; r < rows; r += 4 {
		panel, begin := all[:size:size], [4]float32{}
		all = all[size:]
		for j := range min(4, rows-r) {
			for i := range m.inner {
				for c := range m.copies {
					panel[(4*i+j)*m.copies+c] = w[(r+j)*m.inner+i]
				}
			}
			if start != nil {
				begin[j] = start[r+j]
			}
		}
		m.panels, m.starts = append(m.panels, panel), append(m.starts, begin)
	}
	return m
}

// Rows returns the number of rows that a product needs room for: that of the matrix,
// rounded up to a multiple of four.
func (m *Matrix) Rows() int { return 4 * len(m.panels) }

// Product sets the rows of dst to start + m·x, with cols numbers in every row of dst and
// x, one after the other. dst needs room for Rows rows and must not overlap x.
func (k *Kernels) Product(dst []float32, m *Matrix, x []float32, cols int) {
	k.ProductRows(dst, m, x, cols, cols)
}

// ProductRows is Product for rows of x that are xRow numbers apart.
func (k *Kernels) ProductRows(dst []float32, m *Matrix, x []float32, xRow, cols int) {
	for p := range m.panels {
		k.Panel(dst[4*p*cols:], m, p, x, xRow, cols)
	}
}

// Panel sets four rows of dst to rows 4p to 4p+3 of Product.
func (k *Kernels) Panel(dst []float32, m *Matrix, p int, x []float32, xRow, cols int) {
	check(m.copies == k.copies && cols%Width == 0 && len(dst) >= 4*cols && len(x) >= (m.inner-1)*xRow+cols)
	k.product(dst, cols, m.panels[p], m.inner, &m.starts[p], x, xRow, cols)
}
