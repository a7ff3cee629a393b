package diffusion

import (
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/lattice"
)

// Streams of random numbers beside those of the steps, which are 0, 1, 2, …
const (
	validationStream = 1 << 63
	shuffleStream    = 1 << 62
)

// shuffle hands out the configurations in random order, each once per epoch.
type shuffle struct {
	seed  uint64
	n     int
	epoch int
	order []int
}

// at returns the configuration at place i of the endless sequence of epochs.
func (s *shuffle) at(i int) int {
	if epoch := i / s.n; s.order == nil || epoch != s.epoch {
		s.epoch = epoch
		s.order = rand.New(rand.NewPCG(s.seed, shuffleStream+uint64(epoch))).Perm(s.n)
	}
	return s.order[i%s.n]
}

// draw is a batch in the making.
type draw struct {
	lat                    *lattice.Lattice
	field, noise, residual []float32
	sigma                  []float32
	coord                  []int
}

// newDraw returns an empty batch with its noise levels: they are stratified, sample i
// lying in stratum i of the range, shifted by one common random number.
func newDraw(t *Trainer, rng *rand.Rand) *draw {
	v, b := t.lat.Volume(), t.cfg.Batch
	d := &draw{lat: t.lat, field: make([]float32, b*v), noise: make([]float32, b*v), sigma: make([]float32, b), coord: make([]int, t.lat.Dim())}
	if t.cfg.Objective == Target {
		d.residual = make([]float32, b*v)
	}
	shift := rng.Float64()
	for i := range b {
		d.sigma[i] = float32(t.sigmaAt((float64(i) + shift) / float64(b)))
	}
	return d
}

// set fills in sample i, translated to origin and multiplied by sign.
func (d *draw) set(i int, field, residual []float64, origin int, sign float64) {
	v := d.lat.Volume()
	translate(d.lat, d.field[i*v:(i+1)*v], field, origin, sign, d.coord)
	if d.residual != nil {
		translate(d.lat, d.residual[i*v:(i+1)*v], residual, origin, sign, d.coord)
	}
}

// inputs draws the noise and returns the inputs of the graph for equal parts of the
// batch.
func (d *draw) inputs(rng *rand.Rand, parts int) [][]any {
	for i := range d.noise {
		d.noise[i] = float32(rng.NormFloat64())
	}
	b, v := len(d.sigma)/parts, d.lat.Volume()
	dims := append([]int{b}, d.lat.Dims()...)
	in := make([][]any, parts)
	for p := range in {
		fields := func(data []float32) *tensors.Tensor {
			return tensors.FromFlatDataAndDimensions(data[p*b*v:(p+1)*b*v], dims...)
		}
		residual := tensors.FromScalar(float32(0))
		if d.residual != nil {
			residual = fields(d.residual)
		}
		in[p] = []any{fields(d.field), fields(d.noise), residual, tensors.FromFlatDataAndDimensions(d.sigma[p*b:(p+1)*b], b)}
	}
	return in
}

// batch draws the inputs of a step, for every part, and the noise levels.
func (t *Trainer) batch(step int) ([][]any, []float32) {
	rng := rand.New(rand.NewPCG(t.cfg.Seed, uint64(step)))
	v := t.lat.Volume()
	d := newDraw(t, rng)
	for i := range t.cfg.Batch {
		c := t.shuffle.at(step*t.cfg.Batch + i)
		sign, origin := 1.0, 0
		if !t.cfg.NoFlip && rng.Uint64()&1 == 1 {
			sign = -1
		}
		if !t.cfg.NoTranslate {
			origin = rng.IntN(v)
		}
		d.set(i, t.data[c*v:(c+1)*v], pick(t.cfg.Residual, c, v), origin, sign)
	}
	return d.inputs(rng, t.parts), d.sigma
}

// pick returns configuration c of data, or nil if there are none.
func pick(data []float64, c, volume int) []float64 {
	if data == nil {
		return nil
	}
	return data[c*volume : (c+1)*volume]
}

// translate writes sign times src, translated so that its site origin becomes the
// site 0, into dst.
func translate(lat *lattice.Lattice, dst []float32, src []float64, origin int, sign float64, coord []int) {
	if origin == 0 {
		for x, v := range src {
			dst[x] = float32(sign * v)
		}
		return
	}
	last := lat.Dim() - 1
	n := lat.Extent(last)
	lat.Coord(coord, origin)
	cut := coord[last]
	row := make([]int, len(coord))
	for r := range lat.Volume() / n {
		lat.Coord(row, r*n)
		for mu := range row {
			row[mu] += coord[mu]
		}
		row[last] = 0
		from := src[lat.Index(row...):][:n]
		to := dst[r*n : (r+1)*n]
		for x := range n {
			to[x] = float32(sign * from[(x+cut)%n])
		}
	}
}
