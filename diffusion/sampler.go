package diffusion

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/internal/chunk"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/lattice"
)

// Scheme is one step of the reverse process from the noise level σ_i to σ_{i+1}. Its
// fields are x = φ_t/α(t), data plus noise of level σ, for every process. The schemes of
// this package are [Ancestral], [EulerMaruyama], [PredictorCorrector], [Heun] and
// [DPMSolverPP2M]; another one is another value of this type.
type Scheme struct {
	// Memory is the number of fields that a step hands to the next one besides x; they
	// are zero before the first step.
	Memory int
	// Noise is the number of white-noise fields that a step takes.
	Noise int
	// Numbers returns what the graph of step i has to know, from levels[i] to
	// levels[i+1], computed in float64: as many numbers for every step.
	Numbers func(process SDE, levels []float64, i int) []float64
	// Build builds the graph of a step, from the fields x and memory, the white noise z
	// (all [batch, components, extents…]) and the numbers c, to the new x and memory.
	Build func(scope *model.Scope, m ScoreModel, x, z, c []*graph.Node) []*graph.Node
	// Modes, if not nil, makes the same step without a graph, as is done on CPUs for a
	// model that has an [Evaluator].
	Modes func(s *ModeStep) error
}

// SamplerConfig configures a [Sampler]. The zero value is [Ancestral] in 100 steps, for a
// model with a spectrum.
type SamplerConfig struct {
	// Scheme is the step. Default Ancestral.
	Scheme Scheme
	// Process is the process that [EulerMaruyama] and [PredictorCorrector] reverse by
	// steps of its time, for a [Model] with a [Normalization] in units of the
	// normalised field. Nil stands for dφ = dW with the variance σ² as time, for which
	// the steps are exact integrals of g². The other schemes depend on noise levels
	// alone.
	Process SDE
	// Levels are the noise levels of the steps, strictly falling, in units of the
	// field (those of UniformTime have to be multiplied by the scale of a
	// Normalization); see [LogSigma], [Karras] and [UniformTime]. Default: Steps steps, with a
	// Process uniform in its time from 1 to 10⁻³ as in the paper, else equidistant in
	// log σ between the [Levels] of the model.
	Levels []float64
	// Steps is the number of steps if there are no Levels. Default 100.
	Steps int
	// IsotropicPrior starts from N(0, σ_max²), as the paper does, even where the
	// model knows a spectrum. By default a [LinearModel] starts from the spectral
	// prior, a Gaussian of variance C_k + σ_max² per mode: near a phase transition
	// the zero mode is wider than any affordable σ_max.
	IsotropicPrior bool
	// Batch is the number of fields that are evolved together. Default 128.
	Batch int
	// Progress, if not nil, is called after every step of every chunk with the number
	// of field updates done and their total; calls are serialised.
	Progress func(done, total int)
	// Trace, if not nil, is called for the first chunk only, before the first step and
	// after every step, with the number of steps done, the noise level σ (at the
	// time Process.Time(σ)) and the fields x of the chunk, one after the other.
	Trace func(step int, sigma float64, fields []float64)
	// Checkpoint, if not empty, is a file in which [Sampler.Sample] keeps finished chunks of Batch
	// fields, written whenever CheckpointEvery has passed, default 30 s, when the context ends,
	// and at the end. The same call goes on from the file; that of another model, configuration,
	// number or seed is an error. The caller removes it when the result is saved. No result
	// depends on it; a first chunk that is finished is not traced.
	Checkpoint      string
	CheckpointEvery time.Duration
}

// Defaults of the sampler, and the time at which the grid of the paper ends.
const (
	defaultReverseSteps = 100
	defaultReverseBatch = 128
	uniformTimeMin      = 1e-3
)

func (c *SamplerConfig) setDefaults(m ScoreModel) error {
	if c.Scheme.Build == nil {
		c.Scheme = Ancestral
	}
	if c.Scheme.Numbers == nil || c.Scheme.Memory < 0 || c.Scheme.Noise < 0 {
		return fmt.Errorf("diffusion: expected a scheme with numbers for its steps, got %+v", c.Scheme)
	}
	if c.Steps == 0 {
		c.Steps = defaultReverseSteps
	}
	if c.Batch == 0 {
		c.Batch = defaultReverseBatch
	}
	if c.Batch < 0 || c.Steps < 0 || c.CheckpointEvery < 0 {
		return fmt.Errorf("diffusion: expected a positive batch, number of steps and time between checkpoints, got %d, %d and %v", c.Batch, c.Steps, c.CheckpointEvery)
	}
	if n, ok := m.(interface{ Normalization() Normalization }); ok && c.Process != nil {
		c.Process = scaled{c.Process, n.Normalization().Scale}
	}
	if c.Levels == nil {
		switch low, high := Levels(m); {
		case c.Process != nil:
			c.Levels = UniformTime(c.Process, 1, uniformTimeMin, c.Steps)
		case high > 0:
			c.Levels = LogSigma(high, low, c.Steps)
		default:
			return fmt.Errorf("diffusion: expected noise levels or a process for a model that tells neither, got none")
		}
	}
	if err := checkLevels(c.Levels); err != nil {
		return err
	}
	if c.IsotropicPrior {
		if _, err := NewIsotropicPrior(m, c.Levels[0]); err != nil {
			return err
		}
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

// scoreAt builds the score at one noise level for the whole batch.
func scoreAt(scope *model.Scope, m ScoreModel, x, sigma *graph.Node) *graph.Node {
	return m.Score(scope, x, graph.Reshape(sigma, 1))
}

// Sampler draws configurations by the reverse process, with graphs that are compiled once.
// Configurations are ordered, and reproducible for a given seed and batch on any number of
// cores; fields stay on the device between steps. It is safe for concurrent use as far as
// its backend is.
type Sampler struct {
	backend   compute.Backend
	m         ScoreModel
	layout    lattice.Layout
	given     SamplerConfig // without defaults
	cfg       SamplerConfig
	prior     Prior
	fromModes *graph.Exec
	step      *model.Exec
	// host evaluates the score of the linear model on the CPU, or is nil.
	host   *Evaluator
	linear LinearModel
}

// NewSampler returns a sampler of m, of a copy of it if it is a [Model]. It returns an error for
// an impossible configuration.
func NewSampler(backend compute.Backend, m ScoreModel, cfg SamplerConfig) (*Sampler, error) {
	if backend == nil || m == nil {
		return nil, fmt.Errorf("diffusion: expected a backend and a model, got %T and %T", backend, m)
	}
	if err := CheckWeights(backend, m); err != nil {
		return nil, err
	}
	s := &Sampler{backend: backend, layout: m.Layout(), given: cfg}
	if err := cfg.setDefaults(m); err != nil {
		return nil, err
	}
	if d, ok := m.(*Model); ok {
		var err error
		if m, err = d.Clone(); err != nil {
			return nil, err
		}
	}
	s.m, s.cfg = m, cfg
	err := s.setPrior()
	if err != nil {
		return nil, err
	}
	s.fromModes, err = graph.NewExec(backend, hartley.Transform)
	if err != nil {
		return nil, fmt.Errorf("diffusion: building the prior: %w", err)
	}
	s.step, err = model.NewExec(backend, m.Store(), func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		fields := 1 + cfg.Scheme.Memory
		numbers := in[len(in)-1]
		c := make([]*graph.Node, numbers.Shape().Dimensions[0])
		for j := range c {
			c[j] = graph.Reshape(graph.SliceAxis(numbers, 0, graph.AxisElem(j)))
		}
		out := cfg.Scheme.Build(scope, m, in[:fields], in[fields:len(in)-1], c)
		out[0] = moved(m, in[0], out[0])
		return out
	})
	if err != nil {
		return nil, fmt.Errorf("diffusion: building the sampler: %w", err)
	}
	return s, s.openHost(m)
}

// SetModel goes on with another model, with the graphs that are compiled: one of other weights,
// spectra or noise levels; see [Model.Assign]. It returns an error if the sampler is not one of
// a [Model], if the graphs differ, or if the levels that were chosen for the sampler don't suit
// the model. Nothing may be drawn meanwhile.
func (s *Sampler) SetModel(m *Model) error {
	own, ok := s.m.(*Model)
	if !ok {
		return fmt.Errorf("diffusion: expected a sampler of a *Model to give another model to, got one of %T", s.m)
	}
	cfg := s.given
	if m != nil {
		if err := cfg.setDefaults(m); err != nil {
			return err
		}
	}
	if err := own.Assign(m); err != nil {
		return err
	}
	s.cfg = cfg
	if err := s.setPrior(); err != nil {
		return err
	}
	if s.host != nil {
		s.host.Reset()
	}
	return nil
}

// setPrior sets where the reverse process begins.
func (s *Sampler) setPrior() (err error) {
	s.prior = NewPrior(s.m, s.cfg.Levels[0])
	if s.cfg.IsotropicPrior {
		s.prior, err = NewIsotropicPrior(s.m, s.cfg.Levels[0])
	}
	return err
}

// Levels returns the noise levels of the steps. The caller must not modify them.
func (s *Sampler) Levels() []float64 { return s.cfg.Levels }

// Sample draws n configurations: from the prior at the first noise level to the data at
// the last. It returns an error for a result that is not finite, or a cancelled context.
func (s *Sampler) Sample(ctx context.Context, n int, seed uint64) (*lattice.Ensemble, error) {
	if n < 1 {
		return nil, fmt.Errorf("diffusion: expected at least one configuration to draw, got %d", n)
	}
	return s.newRun(s.cfg.Levels, n, seed).sample(ctx)
}

// SampleShare draws a share of the configurations that Sample draws with the same n and seed,
// for several processes: whole chunks of Batch configurations, of which there are C = ⌈n/Batch⌉
// (smaller ones for less than half a batch), from chunk s·C/S up to (s+1)·C/S for share s of S,
// and the number of the first of them. The shares, joined in their order, are the result of
// Sample bit by bit; see lattice.Join. It returns the errors of Sample, and one unless
// 0 ≤ s < S ≤ C.
func (s *Sampler) SampleShare(ctx context.Context, n, share, shares int, seed uint64) (ens *lattice.Ensemble, first int, err error) {
	if n < 1 {
		return nil, 0, fmt.Errorf("diffusion: expected at least one configuration to draw, got %d", n)
	}
	r := s.newRun(s.cfg.Levels, n, seed)
	chunks := (n + r.batch - 1) / r.batch
	if shares < 1 || shares > chunks {
		return nil, 0, fmt.Errorf("diffusion: expected from 1 up to %d shares of %d configurations in batches of %d, got %d", chunks, n, r.batch, shares)
	}
	if share < 0 || share >= shares {
		return nil, 0, fmt.Errorf("diffusion: expected a share from 0 up to %d, got %d", shares-1, share)
	}
	r.first = share * chunks / shares
	first = r.first * r.batch
	r.n = min((share+1)*chunks/shares*r.batch, n) - first
	r.total = r.n * (len(r.levels) - 1)
	ens, err = r.sample(ctx)
	return ens, first, err
}

// sample draws all chunks from the prior.
func (r *reverseRun) sample(ctx context.Context) (*lattice.Ensemble, error) {
	s := r.Sampler
	r.checkpoint = s.cfg.Checkpoint
	return r.draw(ctx, func(rng *rand.Rand, c, lo, hi int) (*tensors.Tensor, error) {
		modes := host.Tensor(dtypes.Float32, s.prior.Modes(rng, r.batch), r.dims...)
		x, err := s.fromModes.Call1(modes)
		if err = finalize([]*tensors.Tensor{modes}, err); err != nil {
			return nil, fmt.Errorf("diffusion: sampling the prior: %w", err)
		}
		return x, nil
	})
}

// From continues the reverse process of given fields, which are data plus noise of level
// sigma, from there on: the steps begin at sigma and go through the levels below. With
// fields of the data and noise of a moderate level added it moves configurations without
// leaving the distribution, and refines those of another sampler. It returns an error
// for fields of another layout or outside of the [Space] of the model, a level that is not
// above the last one, and as Sample does.
func (s *Sampler) From(ctx context.Context, ens *lattice.Ensemble, sigma float64, seed uint64) (*lattice.Ensemble, error) {
	if ens == nil || ens.Lattice == nil {
		return nil, fmt.Errorf("diffusion: expected fields to start from, got nil")
	}
	if err := ens.CheckLayout(s.layout); err != nil {
		return nil, fmt.Errorf("diffusion: %w", err)
	}
	if err := checkData(s.layout, ens.Data); err != nil {
		return nil, err
	}
	if err := SpaceOf(s.m).CheckFields(ens); err != nil {
		return nil, err
	}
	if last := s.cfg.Levels[len(s.cfg.Levels)-1]; !(sigma > last) || math.IsInf(sigma, 0) {
		return nil, fmt.Errorf("diffusion: expected a noise level above the last one, %v, to start from, got %v", last, sigma)
	}
	below := slices.IndexFunc(s.cfg.Levels, func(l float64) bool { return l < sigma })
	r := s.newRun(append([]float64{sigma}, s.cfg.Levels[below:]...), ens.Len(), seed)
	size := s.layout.Size()
	return r.draw(ctx, func(_ *rand.Rand, _, lo, hi int) (*tensors.Tensor, error) {
		return host.Tensor(dtypes.Float32, ens.Data[lo*size:hi*size], r.dims...), nil
	})
}

// reverseRun is one pass of a sampler.
type reverseRun struct {
	*Sampler
	levels      []float64
	n, batch    int
	first       int // chunk, by whose number the random numbers begin
	seed        uint64
	dims        []int
	total, done int
	mu          sync.Mutex
	// checkpoint is the file of the state, empty for none.
	checkpoint string
}

func (s *Sampler) newRun(levels []float64, n int, seed uint64) *reverseRun {
	r := &reverseRun{Sampler: s, levels: levels, n: n, batch: s.cfg.Batch, seed: seed, total: n * (len(levels) - 1)}
	// Every shape is compiled once: small numbers of fields take one of few batches.
	for r.batch > 1 && r.batch/2 >= n {
		r.batch = (r.batch + 1) / 2
	}
	r.dims = fieldShape(s.layout, r.batch)
	return r
}

// draw evolves all chunks from where start puts them.
func (r *reverseRun) draw(ctx context.Context, start func(rng *rand.Rand, c, lo, hi int) (*tensors.Tensor, error)) (*lattice.Ensemble, error) {
	size := r.layout.Size()
	out := lattice.NewEnsemble(r.layout, r.n)
	out.Data = out.Data[:r.n*size]
	state, err := r.open(out.Data)
	if err != nil {
		return nil, err
	}
	skip := func(_, lo, hi int) { r.report((hi - lo) * (len(r.levels) - 1)) }
	err = state.RunSaved(ctx, r.backend, r.n, r.batch, skip, func(ctx context.Context, c, lo, hi int) error {
		c += r.first
		rng := rand.New(rand.NewPCG(r.seed, uint64(c)))
		x, err := start(rng, c, lo, hi)
		if err != nil {
			return err
		}
		if r.host != nil {
			return r.evolveModes(ctx, rng, x, c, out.Data[lo*size:hi*size])
		}
		return r.evolve(ctx, rng, x, c, out.Data[lo*size:hi*size])
	})
	if err != nil {
		return nil, err
	}
	if err := checkData(r.layout, out.Data); err != nil {
		return nil, fmt.Errorf("diffusion: the reverse process diverged: %w", err)
	}
	SpaceOf(r.m).Wrap(r.layout, out.Data)
	return out, nil
}

// open returns the state of the run, whose fields are to be in data, nil without a checkpoint.
func (r *reverseRun) open(data []float64) (*chunk.State, error) {
	if r.checkpoint == "" {
		return nil, nil
	}
	id, err := chunk.Identity(r.m)
	if err != nil {
		return nil, fmt.Errorf("diffusion: checkpoint: %w", err)
	}
	// A scheme is known by what it makes of the levels.
	scheme := r.cfg.Scheme
	numbers := scheme.Numbers(r.cfg.Process, r.levels, 0)
	run := fmt.Sprintf("fields from chunk %d on of the model %s on %v with the seed %d by %d fields of memory, %d of noise and the numbers %v of %v through the levels %v, isotropic prior: %v, on the backend %s",
		r.first, id, r.layout, r.seed, scheme.Memory, scheme.Noise, numbers, r.cfg.Process, r.levels, r.cfg.IsotropicPrior, r.backend.Name())
	size := r.layout.Size()
	s, err := chunk.Open(r.checkpoint, r.cfg.CheckpointEvery, run, r.n, r.batch, chunk.Column{
		Name: "fields", Of: func(_, lo, hi int) []float64 { return data[lo*size : hi*size] },
	})
	if err != nil {
		return nil, fmt.Errorf("diffusion: checkpoint: %w", err)
	}
	return s, nil
}

// evolve carries chunk c from x to the last level and writes its fields, as many as fit,
// into dst.
func (r *reverseRun) evolve(ctx context.Context, rng *rand.Rand, x *tensors.Tensor, c int, dst []float64) (err error) {
	state := []*tensors.Tensor{x}
	defer func() { err = finalize(state, err) }()
	if err := r.trace(c, 0, x, len(dst)); err != nil {
		return err
	}
	for range r.cfg.Scheme.Memory {
		state = append(state, host.Tensor(dtypes.Float32, nil, r.dims...))
	}
	ctx, stop := context.WithCancel(ctx)
	inputs := r.prepare(ctx, rng)
	defer func() {
		stop()
		for in := range inputs {
			err = finalize(in.tensors, err)
		}
	}()
	for i := range len(r.levels) - 1 {
		in, ok := <-inputs
		if err := ctx.Err(); !ok || err != nil {
			return finalize(in.tensors, err)
		}
		next, err := r.advance(state, in)
		if err != nil {
			return fmt.Errorf("diffusion: reverse step %d: %w", i, err)
		}
		state = next
		if err := r.trace(c, i+1, state[0], len(dst)); err != nil {
			return err
		}
		r.report(len(dst) / r.layout.Size())
	}
	if err := host.Read(dst, state[0]); err != nil {
		return fmt.Errorf("diffusion: reading fields: %w", err)
	}
	return nil
}

// stepInput is what a step takes besides the state: its noise and its numbers.
type stepInput struct {
	tensors []*tensors.Tensor
	err     error
}

// prepare draws the inputs of all steps in their order and hands them to the device, up to
// two steps ahead, while the device works. The channel is closed after the last one, or
// when ctx ends; what is received has to be finalised.
func (r *reverseRun) prepare(ctx context.Context, rng *rand.Rand) <-chan stepInput {
	inputs := make(chan stepInput, 1)
	go func() {
		defer close(inputs)
		for i := range len(r.levels) - 1 {
			var in stepInput
			for range r.cfg.Scheme.Noise {
				in.tensors = append(in.tensors, host.Normal(dtypes.Float32, rng, r.dims...))
			}
			numbers := r.cfg.Scheme.Numbers(r.cfg.Process, r.levels, i)
			in.tensors = append(in.tensors, host.Tensor(dtypes.Float32, numbers, len(numbers)))
			for _, t := range in.tensors {
				if in.err == nil {
					in.err = t.MaterializeOnDevice(r.backend, true, 0)
				}
			}
			select {
			case inputs <- in:
			case <-ctx.Done():
				// The memory is that of a run that has failed or was cancelled.
				finalize(in.tensors, nil)
				return
			}
		}
	}()
	return inputs
}

// advance makes a step and frees what it took.
func (r *reverseRun) advance(state []*tensors.Tensor, in stepInput) ([]*tensors.Tensor, error) {
	if in.err != nil {
		return nil, finalize(in.tensors, in.err)
	}
	next, err := r.step.Call(arguments(slices.Concat(state, in.tensors))...)
	if err = finalize(in.tensors, err); err != nil {
		return nil, err
	}
	return next, finalize(state, nil)
}

// report accounts for one step of n configurations.
func (r *reverseRun) report(n int) {
	if r.cfg.Progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += n
	r.cfg.Progress(r.done, r.total)
}

// trace hands the first n values of the fields of the first chunk to Trace.
func (r *reverseRun) trace(chunk, step int, x *tensors.Tensor, n int) error {
	if chunk != 0 || r.cfg.Trace == nil {
		return nil
	}
	fields := make([]float64, n)
	if err := host.Read(fields, x); err != nil {
		return fmt.Errorf("diffusion: reading fields: %w", err)
	}
	r.cfg.Trace(step, r.levels[step], fields)
	return nil
}
