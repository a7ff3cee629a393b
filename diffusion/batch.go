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
	layout               lattice.Layout
	field, noise, target []float32
	sigma                []float32
}

// newDraw returns an empty batch with its noise levels: they are stratified, sample i
// lying in stratum i of the range, shifted by one common random number.
func newDraw(t *Trainer, rng *rand.Rand) *draw {
	v, b := t.layout.Size(), t.cfg.Batch
	d := &draw{layout: t.layout, field: make([]float32, b*v), noise: make([]float32, b*v), sigma: make([]float32, b)}
	if t.cfg.Objective == Target {
		d.target = make([]float32, b*v)
	}
	shift := rng.Float64()
	for i := range b {
		d.sigma[i] = float32(t.sigmaAt((float64(i) + shift) / float64(b)))
	}
	return d
}

// set fills in sample i, transformed by a symmetry.
func (d *draw) set(i int, field, target []float64, s transformation) {
	v := d.layout.Size()
	s.apply(d.layout, d.field[i*v:(i+1)*v], field)
	if d.target != nil {
		s.apply(d.layout, d.target[i*v:(i+1)*v], target)
	}
}

// inputs draws the noise and returns the inputs of the graph for equal parts of the
// batch.
func (d *draw) inputs(rng *rand.Rand, parts int) [][]any {
	for i := range d.noise {
		d.noise[i] = float32(rng.NormFloat64())
	}
	b, v := len(d.sigma)/parts, d.layout.Size()
	dims := fieldShape(d.layout, b)
	in := make([][]any, parts)
	for p := range in {
		fields := func(data []float32) *tensors.Tensor {
			return tensors.FromFlatDataAndDimensions(data[p*b*v:(p+1)*b*v], dims...)
		}
		target := tensors.FromScalar(float32(0))
		if d.target != nil {
			target = fields(d.target)
		}
		in[p] = []any{fields(d.field), fields(d.noise), target, tensors.FromFlatDataAndDimensions(d.sigma[p*b:(p+1)*b], b)}
	}
	return in
}

// batch draws the inputs of a step, for every part, and the noise levels.
func (t *Trainer) batch(step int) ([][]any, []float32) {
	rng := rand.New(rand.NewPCG(t.cfg.Seed, uint64(step)))
	v := t.layout.Size()
	d := newDraw(t, rng)
	for i := range t.cfg.Batch {
		c := t.shuffle.at(step*t.cfg.Batch + i)
		s := transformation{sign: 1}
		if !t.cfg.NoAugmentation {
			s = t.model.augmentation(rng)
		}
		d.set(i, t.data[c*v:(c+1)*v], pick(t.cfg.Targets, c, v), s)
	}
	return d.inputs(rng, t.parts), d.sigma
}

// pick returns configuration c of data, or nil if there are none.
func pick(data []float64, c, size int) []float64 {
	if data == nil {
		return nil
	}
	return data[c*size : (c+1)*size]
}
