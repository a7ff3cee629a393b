package hollow

import (
	"math"

	"github.com/latdiff/latdiff/internal/lanes"
)

// tileColumns is the number of columns, sites times lanes, that go through all layers
// together: few enough for their hidden units to stay in the cache.
const tileColumns = 4 * lanes.Width

// fields are up to lanes.Width of them, one after the other, and where the results go.
type fields struct {
	modes, out  []float64
	divergence  []float64 // nil: not wanted
	sign, slope []float64 // nil: no alignment
}

// block is the scratch space of an evaluation. Rows hold all lanes of every site, or mode.
type block struct {
	*host
	row int // length of a row

	modes, field  []float32
	site          []float32 // transforms of the site features, and the modes
	slopes        []float32 // of the site features
	context       []float32 // [channels, …]
	rates         []float32 // ∂context/∂m
	filtered      []float32 // [filters, …]
	edgeIn        []float32 // g, [edges, …], and a, see edges
	edgeOwn       []float32
	result, head  []float32
	transformTemp []float32

	pairs     *pairBlock     // nil: none
	gradients *gradientBlock // nil: none

	sign, slope [lanes.Width]float32    // m and ∂m/∂φ
	sums        [2][lanes.Width]float64 // of ∂out(x)/∂φ(x), and of ∂out(x)/∂m as far as it is not in the first

	tile
}

// tile is the scratch space for tileColumns columns of all layers.
type tile struct {
	in, value1, slope1, slope2               []float32
	headIn, headHidden, headValue, headSlope []float32
	a, b, c                                  []float32 // single rows
}

func newBlock(h *host) *block {
	cfg := h.cfg
	row := h.sites * lanes.Width
	rows := func(n int) []float32 { return make([]float32, (n+3)/4*4*row) }
	b := &block{
		host: h, row: row,
		modes: rows(1)[:row], field: rows(1)[:row], result: rows(1)[:row], head: rows(1)[:row],
		site: rows(cfg.Features + 1), context: rows(cfg.contextSize()), edgeIn: rows(cfg.Edges), edgeOwn: rows(cfg.Edges), filtered: rows(cfg.numFilters()),
		transformTemp: make([]float32, h.transform.Scratch()),
	}
	if h.shift > 0 {
		b.slopes, b.rates = rows(cfg.Features+1), rows(cfg.Channels)
	} else {
		b.slopes = make([]float32, row)
	}
	columns := func(n int) []float32 { return make([]float32, (n+3)/4*4*tileColumns) }
	b.in, b.headIn = columns(max(cfg.contextSize()+2, cfg.Hidden)), columns(cfg.numFilters()+1)
	for _, x := range []*[]float32{&b.value1, &b.slope1, &b.slope2} {
		*x = columns(cfg.Hidden)
	}
	for _, x := range []*[]float32{&b.headHidden, &b.headValue, &b.headSlope} {
		*x = columns(cfg.Head)
	}
	if cfg.Pairs > 0 {
		b.pairs = newPairBlock(cfg.Pairs, row)
	}
	if cfg.Gradients > 0 {
		b.gradients = newGradientBlock(&cfg, row)
	}
	b.a, b.b, b.c = columns(1)[:tileColumns], columns(1)[:tileColumns], columns(1)[:tileColumns]
	return b
}

// evaluate evaluates the network at a level for some fields.
func (b *block) evaluate(l *level, f fields) {
	b.load(f)
	b.siteFeatures(l, f.divergence != nil)
	b.mix(l, l.features, b.site, b.context)
	b.edges(l)
	aligned := f.sign != nil && f.divergence != nil
	if aligned {
		b.alongSign(l)
	}
	for from := 0; from < b.row; from += tileColumns {
		b.hollow(l, from, min(tileColumns, b.row-from), f.divergence != nil, aligned)
	}
	b.filter(l)
	if l.pairs != nil {
		b.bilocal(l, f.divergence != nil)
	}
	for from := 0; from < b.row; from += tileColumns {
		b.smooth(l, from, min(tileColumns, b.row-from), f.divergence != nil)
	}
	if l.gradients != nil {
		b.differ(l, f.divergence != nil)
		b.kernels.Dot(b.head, []float32{1}, b.gradients.sum)
	}
	b.transform.Apply(b.result, b.transformTemp)
	b.transform.Apply(b.head, b.transformTemp)
	b.kernels.Scale(b.head, b.head, l.c.wiener)
	b.store(l, f)
}

// load sets the lanes.
func (b *block) load(f fields) {
	n := len(f.modes) / b.sites
	for lane := range lanes.Width {
		// Lanes without a field repeat the last one.
		at := min(lane, n-1)
		for k, v := range f.modes[at*b.sites : (at+1)*b.sites] {
			b.modes[k*lanes.Width+lane] = float32(v)
		}
		b.sign[lane], b.slope[lane] = 0, 0
		if f.sign != nil {
			b.sign[lane], b.slope[lane] = float32(f.sign[at]), float32(f.slope[at])
		}
	}
	b.sums = [2][lanes.Width]float64{}
}

// store sets the results.
func (b *block) store(l *level, f fields) {
	for lane := range len(f.modes) / b.sites {
		out := f.out[lane*b.sites : (lane+1)*b.sites]
		for k := range out {
			out[k] = float64(b.result[k*lanes.Width+lane] + b.head[k*lanes.Width+lane])
		}
		if f.divergence == nil {
			continue
		}
		constant := float64(b.sites)
		f.divergence[lane] = b.sums[0][lane] + constant*float64(l.c.rateConstant[0])
		if f.sign != nil {
			f.divergence[lane] += f.slope[lane] * (b.sums[1][lane] + constant*float64(l.c.rateConstant[1]))
		}
	}
}

// siteFeatures sets the field, the transforms of its site features, and their slopes if
// they are needed.
func (b *block) siteFeatures(l *level, rates bool) {
	n := b.cfg.Features
	copy(b.field, b.modes)
	b.transform.Apply(b.field, b.transformTemp)
	copy(b.site[n*b.row:], b.modes)
	for i := range n {
		var offset [lanes.Width]float32
		for lane := range offset {
			offset[lane] = l.c.offsets[i]*b.sign[lane] + l.c.siteBias[i]
		}
		value, slope := b.site[i*b.row:(i+1)*b.row], b.slopes
		if rates && b.rates != nil {
			slope = b.slopes[i*b.row:]
		}
		b.kernels.Site(value, slope, b.field, l.c.slopes[i], &offset)
		b.transform.Apply(value, b.transformTemp)
	}
}

// mix sets c to the fields of the context that belong to transforms of site features.
func (b *block) mix(l *level, features *lanes.Matrix, site, c []float32) {
	for i := range b.cfg.Channels {
		if i%4 == 0 {
			b.kernels.Panel(c[i*b.row:], features, i/4, site, b.row, b.row)
		}
		x := c[i*b.row : (i+1)*b.row]
		b.kernels.Scale(x, x, l.c.transfer[i*b.sites:(i+1)*b.sites])
		b.transform.Apply(x, b.transformTemp)
	}
}

// edges sets the fields of the context beyond the channels.
func (b *block) edges(l *level) {
	// Rows that are not in use yet.
	arg, slope := b.result, b.head
	for f := range b.cfg.Edges {
		if f%4 == 0 {
			b.kernels.Panel(b.edgeIn[f*b.row:], l.edgeIn, f/4, b.site, b.row, b.row)
			b.kernels.Panel(b.edgeOwn[f*b.row:], l.edgeOwn, f/4, b.site, b.row, b.row)
		}
		g, a := b.edgeIn[f*b.row:(f+1)*b.row], b.edgeOwn[f*b.row:(f+1)*b.row]
		b.kernels.Scale(arg, g, l.c.edgeTransfer[f*b.sites:(f+1)*b.sites])
		b.kernels.Dot(a, []float32{1}, arg)
		b.transform.Apply(g, b.transformTemp)
		b.transform.Apply(a, b.transformTemp)
		sum := zeroed(b.context[(b.cfg.Channels+f)*b.row:][:b.row])
		for mu, n := range b.dims {
			if n == 1 {
				continue
			}
			for _, by := range []int{1, n - 1} {
				copyShifted(arg, a, n, volume(b.dims[mu+1:])*lanes.Width, by)
				b.kernels.Dot(arg, []float32{-l.c.edgeBack[mu*b.cfg.Edges+f]}, g)
				b.kernels.Sigmoid(arg, slope, arg)
				b.kernels.Dot(sum, []float32{0.5}, arg)
			}
		}
	}
}

// copyShifted copies x, shifted back by so many steps along an axis of n rows, to dst.
func copyShifted(dst, x []float32, n, row, by int) {
	for at := 0; at < len(x); at += n * row {
		copy(dst[at:], x[at+by*row:at+n*row])
		copy(dst[at+(n-by)*row:at+n*row], x[at:])
	}
}

// alongSign sets rates to the derivatives of the context with respect to the alignment m,
// along which the field changes by -shift. The rates of the features are in the weights;
// what is left of the field is the constant one, a zero mode.
func (b *block) alongSign(l *level) {
	n := b.cfg.Features
	for i := range n {
		b.transform.Apply(b.slopes[i*b.row:(i+1)*b.row], b.transformTemp)
	}
	field := b.slopes[n*b.row : (n+1)*b.row]
	clear(field)
	for lane := range lanes.Width {
		field[lane] = float32(math.Sqrt(float64(b.sites)))
	}
	b.mix(l, l.featureRates, b.slopes, b.rates)
}

// hollow sets n columns of result to G, and adds their derivatives to the sums.
func (b *block) hollow(l *level, from, n int, divergence, aligned bool) {
	k, c, width := b.kernels, &l.c, b.cfg.Hidden
	hidden := width * n
	in := b.gather(b.in, b.context, b.cfg.contextSize(), from, n)
	copy(in, b.field[from:from+n])
	b.repeatSign(in[n : 2*n])
	// Few buffers, which fit into the cache: values take the place of arguments, and the
	// second layer that of the inputs.
	k.Product(b.value1, l.first, b.in, n)
	k.Sigmoid(b.value1[:hidden], b.slope1[:hidden], b.value1)
	value2 := b.in
	k.Product(value2, l.second, b.value1, n)
	k.Sigmoid(value2[:hidden], b.slope2[:hidden], value2)
	out := b.result[from : from+n]
	for i := range out {
		out[i] = c.offset[0]
	}
	k.Dot(out, c.output, b.value1)
	k.Dot(out, c.output, value2)
	if !divergence {
		return
	}
	if !aligned {
		tangent := b.value1
		k.Product(tangent, l.tangent, b.slope1, n)
		sum := zeroed(b.a[:n])
		k.Dot(sum, l.ownOutput, b.slope1)
		k.DotProduct(sum, c.output, b.slope2, tangent)
		b.add(0, sum)
		return
	}
	// The derivative with respect to the field at the site and, times ∂m/∂φ, to the
	// alignment, together.
	in = b.gather(b.in, b.rates, b.cfg.Channels, from, n)
	for i := range n {
		in[i], in[n+i] = -b.shift, 1
	}
	rate := b.value1
	k.Product(rate, l.firstRates, b.in, n)
	for i, own := range c.own {
		row := rate[i*n : (i+1)*n]
		k.Along(row, b.slope1[i*n:], row, own, &b.slope)
	}
	tangent := b.in
	k.Product(tangent, l.secondRates, rate, n)
	sum := zeroed(b.a[:n])
	k.Dot(sum, c.output, rate)
	k.DotProduct(sum, c.output, b.slope2, tangent)
	b.add(0, sum)
}

// gather copies n columns of rows into a tile, and returns what follows them.
func (b *block) gather(tile, x []float32, rows, from, n int) []float32 {
	for i := range rows {
		copy(tile[i*n:(i+1)*n], x[i*b.row+from:])
	}
	return tile[rows*n:]
}

// repeatSign sets a row of a tile to the alignment.
func (b *block) repeatSign(row []float32) {
	for i := 0; i < len(row); i += lanes.Width {
		copy(row[i:], b.sign[:])
	}
}

// add adds the columns of a row to a sum over sites.
func (b *block) add(to int, row []float32) {
	sums := &b.sums[to]
	for i, v := range row {
		sums[i%lanes.Width] += float64(v)
	}
}

func zeroed(row []float32) []float32 {
	clear(row)
	return row
}

// filter sets filtered to the fields û up to their norms, which are in the weights.
func (b *block) filter(l *level) {
	for i := range b.cfg.numFilters() {
		u := b.filtered[i*b.row : (i+1)*b.row]
		b.kernels.Scale(u, b.modes, l.c.filters[i*b.sites:(i+1)*b.sites])
		b.transform.Apply(u, b.transformTemp)
	}
}

// smooth sets n columns of head to g, see head, and adds their derivatives to the sums.
func (b *block) smooth(l *level, from, n int, divergence bool) {
	k, c, width, filters := b.kernels, &l.c, b.cfg.Head, b.cfg.numFilters()
	sign := b.gather(b.headIn, b.filtered, filters, from, n)[:n]
	b.repeatSign(sign)
	k.Product(b.headHidden, l.mixing, b.headIn, n)
	k.Sigmoid(b.headValue[:width*n], b.headSlope[:width*n], b.headHidden)
	psi, square, g := zeroed(b.a[:n]), b.b[:n], b.head[from:from+n]
	k.Dot(psi, c.estimate, b.headIn)
	for i, m := range sign {
		p := psi[i] + c.estimateSign[0]*m
		q := p * p
		psi[i], square[i] = p, q
		g[i] = c.headOffset[0] + c.linearSign[0]*m + p*c.cubic[0]*q + c.quadratic[0]*q
	}
	k.Dot(g, c.headOutput, b.headValue)
	k.Dot(g, c.linear, b.headIn)
	if l.pairs != nil {
		b.addBilocal(l, from, n, divergence)
	}
	if !divergence {
		return
	}
	sum := b.c[:n]
	for t := range c.rateCubic {
		for i, q := range square {
			sum[i] = c.rateCubic[t]*q + c.rateQuadratic[t]*psi[i]
		}
		k.Dot(sum, c.rateSigmoid[t*width:(t+1)*width], b.headSlope)
		b.add(t, sum)
	}
}
