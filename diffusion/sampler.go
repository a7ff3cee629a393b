package diffusion

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/internal/chunk"
	"github.com/latdiff/latdiff/internal/hartley"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/lattice"
)

// SampleConfig configures the samplers. The zero value needs a model that is a
// [LinearModel].
//
// Every sampler draws n configurations, starting from the prior at the first noise
// level and ending with the data at the last. Its fields are x = φ_t/α(t), data plus
// noise of level σ, for every process. Configurations are ordered, and reproducible
// for a given seed and batch on any number of cores; fields stay on the device
// between steps. Samplers return an error for an impossible configuration, a result
// that is not finite, or a cancelled context.
type SampleConfig struct {
	// Process is the process that [EulerMaruyama] and [PredictorCorrector] reverse by
	// steps of its time, for a [Model] with a [Normalization] in units of the
	// normalised field. Nil stands for dφ = dW with the variance σ² as time, for which
	// the steps are exact integrals of g². The other samplers depend on noise levels
	// alone.
	Process SDE
	// Levels are the noise levels of the steps, strictly falling, in units of the
	// field (those of UniformTime have to be multiplied by the scale of a
	// Normalization); see [LogSigma], [Karras] and [UniformTime]. Default: Steps steps, with a
	// Process uniform in its time from 1 to 10⁻³ as in the paper, else equidistant in
	// log σ from [SigmaMaxFor] of the spectrum down to 0.02.
	Levels []float64
	// Steps is the number of steps if there are no Levels. Default 500.
	Steps int
	// CorrectorSteps is the number of Langevin steps of [PredictorCorrector] at every
	// noise level, default 1, and SNR their signal-to-noise ratio, default 0.16.
	CorrectorSteps int
	SNR            float64
	// IsotropicPrior starts from N(0, σ_max²), as the paper does, even where the
	// model knows a spectrum. By default a [LinearModel] starts from the spectral
	// prior, a Gaussian of variance C_k + σ_max² per mode: near a phase transition
	// the zero mode is wider than any affordable σ_max.
	IsotropicPrior bool
	// Batch is the number of fields that are evolved together. Default 128.
	Batch int
	// Seed determines the prior sample and the noise: chunk c of Batch fields draws
	// from a generator seeded with (Seed, c).
	Seed uint64
	// Progress, if not nil, is called after every step of every chunk with the number
	// of field updates done and their total; calls are serialised.
	Progress func(done, total int)
	// Trace, if not nil, is called for the first chunk only, before the first step and
	// after every step, with the number of steps done, the noise level σ (at the
	// time Process.Time(σ)) and the fields x of the chunk, V values each.
	Trace func(step int, sigma float64, fields []float64)
}

// uniformTimeMin is the time at which the grid of the paper ends.
const uniformTimeMin = 1e-3

func (c *SampleConfig) setDefaults(m ScoreModel) error {
	for _, d := range []struct {
		value *int
		def   int
	}{{&c.Steps, 500}, {&c.Batch, 128}, {&c.CorrectorSteps, 1}} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	c.SNR = orDefault(c.SNR, 0.16)
	if c.Batch < 0 || c.Steps < 0 || c.CorrectorSteps < 0 || !(c.SNR > 0) || math.IsInf(c.SNR, 0) {
		return fmt.Errorf("diffusion: expected a positive batch, number of steps and of corrector steps, and signal-to-noise ratio, got %d, %d, %d and %v",
			c.Batch, c.Steps, c.CorrectorSteps, c.SNR)
	}
	if n, ok := m.(interface{ Normalization() Normalization }); ok && c.Process != nil {
		c.Process = scaled{c.Process, n.Normalization().Scale}
	}
	switch l, ok := Linear(m); {
	case c.Levels != nil:
	case c.Process != nil:
		c.Levels = UniformTime(c.Process, 1, uniformTimeMin, c.Steps)
	case ok:
		c.Levels = LogSigma(SigmaMaxFor(l.Spectrum()), 0.02, c.Steps)
	default:
		return fmt.Errorf("diffusion: expected noise levels or a process for a model without a spectrum, got neither")
	}
	if err := checkLevels(c.Levels); err != nil {
		return err
	}
	if c.Process == nil {
		c.Process = brownian{}
		return nil
	}
	const rounding = 1e-9
	first, last := c.Process.Time(c.Levels[0]), c.Process.Time(c.Levels[len(c.Levels)-1])
	if !(first <= 1+rounding && last >= -rounding) {
		return fmt.Errorf("diffusion: expected noise levels of %v at times between 1 and 0, got times from %v to %v", c.Process, first, last)
	}
	return nil
}

// scheme is the step of a sampler.
type scheme struct {
	// memory is the number of fields that a step hands to the next one besides x; they
	// are zero before the first step.
	memory int
	// noise is the number of white-noise fields that a step takes.
	noise int
	// numbers returns what the graph of step i has to know, computed in float64.
	numbers func(cfg *SampleConfig, i int) []float64
	// build builds the graph of a step, from the fields x and memory, the white noise z
	// (all [batch, extents…]) and the numbers c, to the new x and memory.
	build func(scope *model.Scope, cfg *SampleConfig, x, z, c []*graph.Node) []*graph.Node
}

// scoreAt builds the score at one noise level for the whole batch.
func scoreAt(scope *model.Scope, m ScoreModel, x, sigma *graph.Node) *graph.Node {
	return m.Score(scope, x, graph.Reshape(sigma, 1))
}

// sampler is a scheme at work.
type sampler struct {
	scheme
	lat         *lattice.Lattice
	cfg         SampleConfig
	prior       Prior
	fromModes   *graph.Exec
	step        *model.Exec
	total, done int
	mu          sync.Mutex
}

// reverse draws n configurations by a scheme.
func reverse(ctx context.Context, backend compute.Backend, m ScoreModel, n int, cfg SampleConfig, s scheme) (*lattice.Ensemble, error) {
	if n < 1 {
		return nil, fmt.Errorf("diffusion: expected at least one configuration to draw, got %d", n)
	}
	if err := cfg.setDefaults(m); err != nil {
		return nil, err
	}
	lat := m.Lattice()
	cfg.Batch = min(cfg.Batch, n)
	r := &sampler{scheme: s, lat: lat, cfg: cfg, total: n * (len(cfg.Levels) - 1)}
	if err := r.compile(backend, m); err != nil {
		return nil, err
	}
	v := lat.Volume()
	out := lattice.NewEnsemble(lattice.Scalar(lat), n)
	out.Data = out.Data[:n*v]
	err := chunk.Run(ctx, backend, n, cfg.Batch, func(ctx context.Context, c, lo, hi int) error {
		return r.run(ctx, c, out.Data[lo*v:hi*v])
	})
	if err != nil {
		return nil, err
	}
	if err := checkData(lat, out.Data); err != nil {
		return nil, fmt.Errorf("diffusion: the reverse process diverged: %w", err)
	}
	return out, nil
}

func (r *sampler) compile(backend compute.Backend, m ScoreModel) (err error) {
	r.prior = NewPrior(m, r.cfg.Levels[0], r.cfg.IsotropicPrior)
	r.fromModes, err = graph.NewExec(backend, hartley.Transform)
	if err != nil {
		return fmt.Errorf("diffusion: building the prior: %w", err)
	}
	r.step, err = model.NewExec(backend, m.Store(), func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		fields := 1 + r.memory
		numbers := in[len(in)-1]
		c := make([]*graph.Node, numbers.Shape().Dimensions[0])
		for j := range c {
			c[j] = graph.Reshape(graph.SliceAxis(numbers, 0, graph.AxisElem(j)))
		}
		return r.build(scope, &r.cfg, in[:fields], in[fields:len(in)-1], c)
	})
	if err != nil {
		return fmt.Errorf("diffusion: building the sampler: %w", err)
	}
	return nil
}

// run evolves chunk c and writes its fields, as many as fit, into dst.
func (r *sampler) run(ctx context.Context, c int, dst []float64) error {
	rng := rand.New(rand.NewPCG(r.cfg.Seed, uint64(c)))
	dims := append([]int{r.cfg.Batch}, r.lat.Dims()...)
	x, err := r.fromModes.Call1(host.Tensor(dtypes.Float32, r.prior.Modes(rng, r.cfg.Batch), dims...))
	if err != nil {
		return fmt.Errorf("diffusion: sampling the prior: %w", err)
	}
	if err := r.trace(c, 0, x, len(dst)); err != nil {
		return err
	}
	state := []*tensors.Tensor{x}
	for range r.memory {
		state = append(state, host.Tensor(dtypes.Float32, nil, dims...))
	}
	for i := range len(r.cfg.Levels) - 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if state, err = r.advance(rng, state, i, dims); err != nil {
			return fmt.Errorf("diffusion: reverse step %d: %w", i, err)
		}
		if err := r.trace(c, i+1, state[0], len(dst)); err != nil {
			return err
		}
		r.report(len(dst) / r.lat.Volume())
	}
	if err := host.Read(dst, state[0]); err != nil {
		return fmt.Errorf("diffusion: reading fields: %w", err)
	}
	return nil
}

// advance makes step i and frees the old state.
func (r *sampler) advance(rng *rand.Rand, state []*tensors.Tensor, i int, dims []int) ([]*tensors.Tensor, error) {
	args := make([]any, 0, len(state)+r.noise+1)
	for _, s := range state {
		args = append(args, s)
	}
	for range r.noise {
		args = append(args, host.Normal(dtypes.Float32, rng, dims...))
	}
	numbers := r.numbers(&r.cfg, i)
	args = append(args, host.Tensor(dtypes.Float32, numbers, len(numbers)))
	next, err := r.step.Call(args...)
	if err != nil {
		return nil, err
	}
	for _, s := range state {
		if err := s.FinalizeAll(); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// report accounts for one step of n configurations.
func (r *sampler) report(n int) {
	if r.cfg.Progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += n
	r.cfg.Progress(r.done, r.total)
}

// trace hands the first n values of the fields of the first chunk to Trace.
func (r *sampler) trace(chunk, step int, x *tensors.Tensor, n int) error {
	if chunk != 0 || r.cfg.Trace == nil {
		return nil
	}
	fields := make([]float64, n)
	if err := host.Read(fields, x); err != nil {
		return fmt.Errorf("diffusion: reading fields: %w", err)
	}
	r.cfg.Trace(step, r.cfg.Levels[step], fields)
	return nil
}
