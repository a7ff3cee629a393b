package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/unet"
)

// networks are the architectures by name; plain ones have no Gaussian part, and their
// loss is that of denoising.
var networks = map[string]struct {
	plain bool
	build func() (diffusion.Architecture, error)
}{
	"unet": {false, func() (diffusion.Architecture, error) { return unet.New(unet.Config{}) }},
	"unet-large": {false, func() (diffusion.Architecture, error) {
		return unet.New(unet.Config{Channels: []int{32, 64, 128, 256}, Stencil: unet.Box})
	}},
	"paper":         {true, func() (diffusion.Architecture, error) { return unet.NewPaper(unet.PaperConfig{}) }},
	"paper-strided": {true, func() (diffusion.Architecture, error) { return unet.NewPaper(unet.PaperConfig{Strided: true}) }},
	"hollow":        {false, func() (diffusion.Architecture, error) { return hollow.New(hollow.Config{}) }},
}

// measure returns the row of one network and batch.
func (b *bench) measure(name string, batch int) (row, error) {
	m, ens, err := b.newModel(name, batch)
	if err != nil {
		return row{}, err
	}
	trained, training, err := b.training(m, ens, batch)
	if err != nil {
		return row{}, err
	}
	r := row{Network: name, Weights: trained.NumParameters(), Batch: batch, Training: training}
	n := batch * b.chunks
	if r.Flow, err = b.flow(trained, batch, n); err != nil {
		return row{}, err
	}
	if r.Reverse, err = b.reverse(trained, batch, n); err != nil {
		return row{}, err
	}
	if r.Score, err = b.resident(trained, batch, scoreOnly(trained)); err != nil {
		return row{}, err
	}
	r.Divergence, err = b.resident(trained, batch, scoreAndDivergence(trained))
	return r, err
}

// newModel returns a model of a φ⁴ theory on white noise, on which the speed does not
// depend, with as many configurations as ten batches have.
func (b *bench) newModel(name string, batch int) (*diffusion.Model, *lattice.Ensemble, error) {
	action, err := lattice.NewPhi4(b.lattice, 0.25, 0.022)
	if err != nil {
		return nil, nil, err
	}
	symmetries, err := lattice.MeasureSymmetries(action)
	if err != nil {
		return nil, nil, err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	ens := lattice.NewEnsemble(action.Layout(), 10*batch)
	for range 10 * batch * b.lattice.Volume() {
		ens.Data = append(ens.Data, rng.NormFloat64())
	}
	network, err := networks[name].build()
	if err != nil {
		return nil, nil, err
	}
	cfg := diffusion.ModelConfig{Layout: ens.Layout, Normalization: diffusion.Normalization{Scale: 1}, Unscaled: true}
	if !networks[name].plain {
		cfg = diffusion.ModelConfig{Layout: ens.Layout, Symmetries: &symmetries, Spectrum: ens.PowerSpectrum().Symmetrized(nil)}
	}
	m, err := diffusion.NewModel(b.backend, network, cfg)
	return m, ens, err
}

// training times the steps of a trainer, drawing of the batch and reading of the losses
// included, after two that compile the graphs and fill the buffers.
func (b *bench) training(m *diffusion.Model, ens *lattice.Ensemble, batch int) (*diffusion.Model, number, error) {
	const first = 2
	var steps []time.Duration
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	var begin, last time.Time
	var busy time.Duration
	cfg := diffusion.TrainConfig{
		// Weights that stay as they are keep flow and reverse process finite.
		Steps: b.repeats + first, Batch: batch, LearningRate: 1e-6,
		Progress: func(p diffusion.TrainProgress) {
			switch {
			case p.Step < first:
			case p.Step == first:
				begin, busy = time.Now(), b.busy()
			default:
				steps = append(steps, time.Since(last))
				if time.Since(begin) > b.limit {
					stop()
				}
			}
			last = time.Now()
		},
	}
	if _, ok := diffusion.Linear(m); ok {
		cfg.Targets = ens.Data
	}
	t, err := diffusion.NewTrainer(b.backend, m, ens, cfg)
	if err != nil {
		return nil, number{}, err
	}
	if err := t.Run(ctx); err != nil && (b.ctx.Err() != nil || !errors.Is(err, context.Canceled)) {
		return nil, number{}, err
	}
	trained, err := t.Model()
	return trained, b.number(steps, 1, last.Sub(begin), b.busy()-busy), err
}

// flow times the drawing of configurations and their density by the probability flow.
func (b *bench) flow(m *diffusion.Model, batch, n int) (number, error) {
	w := &watch{}
	f, err := flow.New(b.backend, m, flow.Config{Batch: batch, Steps: b.flowSteps, Progress: w.report})
	if err != nil {
		return number{}, err
	}
	return b.repeat(w, n, func(ctx context.Context) error {
		_, err := f.Sample(ctx, n, 1)
		return err
	})
}

// reverse times the drawing of configurations by the reverse stochastic differential
// equation.
func (b *bench) reverse(m *diffusion.Model, batch, n int) (number, error) {
	w := &watch{}
	s, err := diffusion.NewSampler(b.backend, m, diffusion.SamplerConfig{Batch: batch, Steps: b.reverseSteps, Progress: w.report})
	if err != nil {
		return number{}, err
	}
	return b.repeat(w, n, func(ctx context.Context) error {
		_, err := s.Sample(ctx, n, 1)
		return err
	})
}

// watch cuts a call that takes too long.
type watch struct {
	start time.Time
	limit time.Duration
	stop  context.CancelFunc
	at    time.Duration // of the last step
	done  float64       // part of the steps
}

func (w *watch) report(done, total int) {
	w.at, w.done = time.Since(w.start), float64(done)/float64(total)
	if w.at > w.limit {
		w.stop()
	}
}

// call makes one call and returns the time that it takes, or would take if it were not
// cut at the limit.
func (w *watch) call(ctx context.Context, limit time.Duration, f func(ctx context.Context) error) (time.Duration, error) {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	w.start, w.limit, w.stop = time.Now(), limit, stop
	switch err := f(inner); {
	case err == nil:
		return time.Since(w.start), nil
	case ctx.Err() == nil && errors.Is(err, context.Canceled):
		return time.Duration(float64(w.at) / w.done), nil
	default:
		return 0, err
	}
}

// repeat times a call that draws n configurations, per configuration, after one that
// compiles the graphs.
func (b *bench) repeat(w *watch, n int, f func(ctx context.Context) error) (number, error) {
	if _, err := w.call(b.ctx, b.limit/4, f); err != nil {
		return number{}, err
	}
	var times []time.Duration
	begin, busy := time.Now(), b.busy()
	for range b.repeats {
		t, err := w.call(b.ctx, b.limit, f)
		if err != nil {
			return number{}, err
		}
		times = append(times, t)
		if time.Since(begin) > b.limit {
			break
		}
	}
	return b.number(times, n, time.Since(begin), b.busy()-busy), nil
}

// busy returns the time for which the backend has executed something, as far as it is
// measured.
func (b *bench) busy() time.Duration {
	if b.meter == nil {
		return 0
	}
	return b.meter.Busy()
}

// number returns the median of times for n configurations each, and the part of the
// elapsed time in which nothing was executed.
func (b *bench) number(times []time.Duration, n int, elapsed, busy time.Duration) number {
	ms := make([]float64, len(times))
	for i, t := range times {
		ms[i] = t.Seconds() * 1e3 / float64(n)
	}
	slices.Sort(ms)
	if len(ms) == 0 {
		return number{}
	}
	out := number{Median: ms[len(ms)/2], Least: ms[0], Most: ms[len(ms)-1], Times: len(ms)}
	if b.meter != nil {
		out.Host = new(1 - busy.Seconds()/elapsed.Seconds())
	}
	return out
}
