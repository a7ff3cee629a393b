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

// draw is a batch in the making, whose memory is used again by the next one.
type draw struct {
	layout               lattice.Layout
	field, noise, target []float32
	sigma                []float32
	weight               []float32 // of the loss, see TrainConfig.Focus and Weights
	norm                 float64   // by which the loss is divided besides
}

func newDraw(t *Trainer) *draw {
	v, b := t.layout.Size(), t.cfg.Batch
	d := &draw{layout: t.layout, field: make([]float32, b*v), noise: make([]float32, b*v), norm: t.norm}
	if t.cfg.Objective == Target {
		d.target = make([]float32, b*v)
	}
	return d
}

// begin draws the noise levels of another batch: they are stratified, sample i lying in
// stratum i of the density of levels, shifted by one common random number. Its loss is
// divided by the density.
func (d *draw) begin(t *Trainer, rng *rand.Rand) {
	b := t.cfg.Batch
	d.sigma, d.weight = make([]float32, b), make([]float32, b)
	shift := rng.Float64()
	for i := range b {
		u, density := t.density.at((float64(i) + shift) / float64(b))
		d.sigma[i], d.weight[i] = float32(t.sigmaAt(u)), float32(1/density)
	}
}

// set fills in sample i, transformed by a symmetry.
func (d *draw) set(i int, field, target []float64, s transformation) {
	v := d.layout.Size()
	s.apply(d.layout, d.field[i*v:(i+1)*v], field)
	if d.target != nil {
		s.apply(d.layout, d.target[i*v:(i+1)*v], target)
	}
}

// perturb draws the noise.
func (d *draw) perturb(rng *rand.Rand) {
	for i := range d.noise {
		d.noise[i] = float32(rng.NormFloat64())
	}
}

// inputs returns the inputs of the graph for equal parts of the batch.
func (d *draw) inputs(parts int) [][]*tensors.Tensor {
	b, v := len(d.sigma)/parts, d.layout.Size()
	dims := fieldShape(d.layout, b)
	weight := make([]float32, len(d.weight))
	for i, w := range d.weight {
		weight[i] = float32(float64(w) / d.norm)
	}
	in := make([][]*tensors.Tensor, parts)
	for p := range in {
		fields := func(data []float32) *tensors.Tensor {
			return tensors.FromFlatDataAndDimensions(data[p*b*v:(p+1)*b*v], dims...)
		}
		target := tensors.FromScalar(float32(0))
		if d.target != nil {
			target = fields(d.target)
		}
		numbers := func(data []float32) *tensors.Tensor {
			return tensors.FromFlatDataAndDimensions(data[p*b:(p+1)*b], b)
		}
		in[p] = []*tensors.Tensor{fields(d.field), fields(d.noise), target, numbers(d.sigma), numbers(weight)}
	}
	return in
}

// batch is the input of a step, for every part, with the noise levels and weights.
type batch struct {
	in            [][]*tensors.Tensor
	sigma, weight []float32
	err           error
	ready         chan struct{} // closed when the rest is there
}

// finalize frees the inputs and returns err, or the first error of its own.
func (b *batch) finalize(err error) error {
	for _, in := range b.in {
		err = finalize(in, err)
	}
	return err
}

// take returns the batch of a step, and begins to prepare the next one while the device
// works on it.
func (t *Trainer) take(step int) (*batch, error) {
	if t.next == nil {
		t.prepare(step)
	}
	b := t.next
	t.next = nil
	<-b.ready
	if b.err != nil {
		return nil, b.finalize(b.err)
	}
	if step+1 < t.cfg.Steps {
		t.prepare(step + 1)
	}
	return b, nil
}

// discard frees the device of what is left when a run ends: the batch that was prepared and,
// after an error, losses.
func (t *Trainer) discard() (err error) {
	for _, out := range t.pending {
		err = finalize(out.values, err)
	}
	t.pending = nil
	if b := t.next; b != nil {
		t.next = nil
		<-b.ready
		err = b.finalize(err)
	}
	return err
}

// prepare draws the batch of a step and hands it to the device, in a goroutine of its own:
// one batch at a time, since all share the memory and the order of the configurations.
func (t *Trainer) prepare(step int) {
	b := &batch{ready: make(chan struct{})}
	t.next = b
	go func() {
		defer close(b.ready)
		rng := rand.New(rand.NewPCG(t.cfg.Seed, uint64(step)))
		v := t.layout.Size()
		t.draw.begin(t, rng)
		for i := range t.cfg.Batch {
			c := t.shuffle.at(step*t.cfg.Batch + i)
			s := transformation{sign: 1}
			if !t.cfg.NoAugmentation {
				s = t.model.augmentation(rng)
			}
			if t.cfg.Weights != nil {
				t.draw.weight[i] *= float32(t.cfg.Weights[c] / t.weight)
			}
			t.draw.set(i, t.data[c*v:(c+1)*v], pick(t.cfg.Targets, c, v), s)
		}
		t.draw.perturb(rng)
		t.averageTargets(rng)
		b.in, b.sigma, b.weight = t.draw.inputs(t.parts), t.draw.sigma, t.draw.weight
		for _, in := range b.in {
			for _, x := range in {
				if b.err = x.MaterializeOnDevice(t.backend, true, 0); b.err != nil {
					return
				}
			}
		}
	}()
}

// pick returns configuration c of data, or nil if there are none.
func pick(data []float64, c, size int) []float64 {
	if data == nil {
		return nil
	}
	return data[c*size : (c+1)*size]
}
