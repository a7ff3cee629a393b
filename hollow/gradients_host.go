package hollow

import "github.com/latdiff/latdiff/internal/lanes"

// gradientLevel is the part of the gradients at one noise level, see gradients.
type gradientLevel struct {
	mixing *lanes.Matrix
}

func newGradientLevel(h *host, c *coefficients[[]float32]) *gradientLevel {
	return &gradientLevel{mixing: h.kernels.NewMatrix(c.gradientMixing, h.cfg.Gradients, nil)}
}

// gradientBlock is the scratch space of the gradients: rows of all sites, and tiles.
type gradientBlock struct {
	differences      []float32 // D_µû, [widths, …]
	bond, moved, sum []float32 // Σ_h w_h s(p_h) + c (D_µψ)³ of one direction, its neighbour, and the result

	in, hidden, value, slope, psi []float32
}

func newGradientBlock(cfg *Config, row int) *gradientBlock {
	rows := func(n int) []float32 { return make([]float32, n*row) }
	tile := func(n int) []float32 { return make([]float32, (n+3)/4*4*tileColumns) }
	return &gradientBlock{
		differences: rows(len(filterWidths)), bond: rows(1), moved: rows(1), sum: rows(1),
		in: tile(len(filterWidths)), hidden: tile(cfg.Gradients), value: tile(cfg.Gradients), slope: tile(cfg.Gradients), psi: tile(1),
	}
}

// differ sets the sum of the gradients over the directions, and adds their derivatives to the sums.
func (b *block) differ(l *level, divergence bool) {
	g, k := b.gradients, b.kernels
	clear(g.sum)
	for mu, n := range b.dims {
		if n == 1 {
			continue
		}
		stride := volume(b.dims[mu+1:]) * lanes.Width
		for a := range filterWidths {
			d, u := g.differences[a*b.row:(a+1)*b.row], b.filtered[a*b.row:(a+1)*b.row]
			copyShifted(d, u, n, stride, 1)
			k.Dot(d, []float32{-1}, u)
		}
		for from := 0; from < b.row; from += tileColumns {
			b.bonds(l, mu, from, min(tileColumns, b.row-from), divergence)
		}
		copyShifted(g.moved, g.bond, n, stride, n-1)
		k.Dot(g.sum, []float32{1}, g.moved)
		k.Dot(g.sum, []float32{-1}, g.bond)
	}
}

// bonds sets n columns of the function of the bonds of a direction.
func (b *block) bonds(l *level, mu, from, n int, divergence bool) {
	g, k, c, width := b.gradients, b.kernels, &l.c, b.cfg.Gradients
	b.gather(g.in, g.differences, len(filterWidths), from, n)
	k.Product(g.hidden, l.gradients.mixing, g.in, n)
	k.Sigmoid(g.value[:width*n], g.slope[:width*n], g.hidden)
	psi, bond := zeroed(g.psi[:n]), g.bond[from:from+n]
	k.Dot(psi, c.gradientEstimate, g.in)
	for i, p := range psi {
		bond[i] = c.gradientCubic[0] * p * p * p
	}
	k.Dot(bond, c.gradientOutput, g.value)
	if !divergence {
		return
	}
	sum := psi
	for i, p := range psi {
		sum[i] = c.gradientCubicRates[mu] * p * p
	}
	k.Dot(sum, c.gradientRates[mu*width:(mu+1)*width], g.slope)
	b.add(0, sum)
}
