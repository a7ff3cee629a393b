package flow

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/chunk"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/lattice"
)

// Config configures a [ProbabilityFlow]. The zero value needs a model that is a
// [diffusion.LinearModel].
type Config struct {
	// Integrator is the scheme. Default RK4.
	Integrator Integrator
	// Steps is the number of steps, equidistant in log σ. Default 24.
	Steps int
	// SigmaMax and SigmaMin are the ends of the flow. Defaults
	// [diffusion.SigmaMaxFor] of the spectrum and 0.02.
	SigmaMax, SigmaMin float64
	// Probes is the number of Hutchinson probes per configuration. Default: 2, and
	// none for a [diffusion.DivergenceModel], whose divergence is exact.
	Probes int
	// Plain integrates the whole score. By default the flow of the linear part of a
	// [diffusion.LinearModel] is solved exactly, by the change of variable
	// y_k = φ_k/√(C_k + σ²), under which only the remainder r of the score acts:
	// dy_k/dℓ = -σ² r_k/√(C_k + σ²). Discretisation errors are then those of r.
	Plain bool
	// IsotropicPrior uses the prior N(0, σ_max²) of the paper, which is off for modes
	// wider than σ_max. By default the latent distribution of a LinearModel is the
	// spectral prior, with the variance C_k + σ_max² per mode.
	IsotropicPrior bool
	// Batch is the number of configurations that are evolved together. Default 128.
	Batch int
	// DType is the floating-point type of the flow, dtypes.Float32 (default) or
	// dtypes.Float64; log q is summed in float64 either way.
	DType dtypes.DType
	// Seed determines latent noise and probes: chunk c of Batch configurations draws
	// from generators seeded with (Seed, c).
	Seed uint64
	// Progress, if not nil, is called with the number of steps of single
	// configurations done and their total; calls are serialised.
	Progress func(done, total int)
}

// ProbabilityFlow is the probability-flow ODE of a score model, with compiled
// graphs. It is safe for concurrent use as far as its backend is.
type ProbabilityFlow struct {
	backend compute.Backend
	m       diffusion.ScoreModel
	linear  diffusion.LinearModel // nil if the whole score is integrated
	lat     *lattice.Lattice
	cfg     Config
	tab     tableau
	exact   bool // the divergence comes from the model
	prior   diffusion.Prior

	encode, decode, fromModes, toModes, step *model.Exec
}

// New returns the flow of m. It returns an error for impossible settings.
func New(backend compute.Backend, m diffusion.ScoreModel, cfg Config) (*ProbabilityFlow, error) {
	f := &ProbabilityFlow{backend: backend, m: m, lat: m.Lattice(), cfg: cfg}
	if l, ok := diffusion.Linear(m); ok {
		if !cfg.Plain {
			f.linear = l
		}
		if cfg.SigmaMax == 0 {
			f.cfg.SigmaMax = diffusion.SigmaMaxFor(l.Spectrum())
		}
	}
	_, f.exact = m.(diffusion.DivergenceModel)
	if cfg.Probes > 0 {
		f.exact = false
	}
	if err := f.setDefaults(); err != nil {
		return nil, err
	}
	f.prior = diffusion.NewPrior(m, f.cfg.SigmaMax, cfg.IsotropicPrior)
	return f, f.compile()
}

func (f *ProbabilityFlow) setDefaults() error {
	c := &f.cfg
	if c.Steps == 0 {
		c.Steps = 24
	}
	if c.SigmaMin == 0 {
		c.SigmaMin = 0.02
	}
	if c.Probes == 0 {
		c.Probes = 2
	}
	if c.Batch == 0 {
		c.Batch = 128
	}
	if c.DType == dtypes.InvalidDType {
		c.DType = dtypes.Float32
	}
	tab, ok := tableaux[c.Integrator]
	f.tab = tab
	switch {
	case !ok:
		return fmt.Errorf("flow: expected a known integrator, got %v", c.Integrator)
	case c.Steps < 2 || c.Batch < 1 || c.Probes < 0:
		return fmt.Errorf("flow: expected at least 2 steps, a positive batch and no negative number of probes, got %d, %d and %d", c.Steps, c.Batch, c.Probes)
	case !(c.SigmaMin > 0 && c.SigmaMin < c.SigmaMax) || math.IsInf(c.SigmaMax, 0):
		return fmt.Errorf("flow: expected 0 < σ_min < σ_max, got %v and %v", c.SigmaMin, c.SigmaMax)
	case c.DType != dtypes.Float32 && c.DType != dtypes.Float64:
		return fmt.Errorf("flow: expected float32 or float64, got %v", c.DType)
	}
	return nil
}

// Steps returns the number of integration steps.
func (f *ProbabilityFlow) Steps() int { return f.cfg.Steps }

// Likelihood holds log densities and what is known of their errors.
type Likelihood struct {
	// LogQ is log q(φ) of every configuration, normalised.
	LogQ []float64
	// ProbeError is the standard error of every LogQ from the randomness of the
	// divergence probes: the standard deviation over probes divided by √probes. It
	// is zero for an exact divergence and NaN for a single probe.
	ProbeError []float64
	// StepError estimates the error of LogQ from the finite step size: the rms, over
	// the first chunk of configurations, of the change when the number of steps is
	// halved, divided by 2^order - 1.
	StepError float64
}

// Samples are configurations drawn through the flow, with their density.
type Samples struct {
	// Ensemble holds the configurations.
	Ensemble *lattice.Ensemble
	Likelihood
}

// Sample draws n configurations: latent noise, mapped through the flow from σ_max to
// σ_min. LogQ is the density of that map, so that the pairs are valid proposals of
// an independence sampler, up to the errors that the Likelihood quotes. The result
// is reproducible for a given seed and batch on any number of cores.
func (f *ProbabilityFlow) Sample(ctx context.Context, n int) (*Samples, error) {
	if n < 1 {
		return nil, fmt.Errorf("flow: expected at least one configuration to draw, got %d", n)
	}
	v := f.lat.Volume()
	ens := lattice.NewEnsemble(f.lat, n)
	ens.Data = ens.Data[:n*v]
	report := f.reporter(n)
	out := newLikelihood(n)
	err := chunk.Run(ctx, f.backend, n, f.cfg.Batch, func(ctx context.Context, c, lo, hi int) error {
		rng := rand.New(rand.NewPCG(f.cfg.Seed, uint64(c)))
		modes := f.prior.Modes(rng, f.cfg.Batch)
		x, err := f.fromModes.Call1(host.Tensor(f.cfg.DType, modes, f.dims()...))
		if err != nil {
			return fmt.Errorf("flow: starting from the prior: %w", err)
		}
		x, change, err := f.integrate(ctx, x, c, hi-lo, f.cfg.Steps, f.cfg.SigmaMax, f.cfg.SigmaMin, report)
		if err != nil {
			return err
		}
		phi, err := f.decode.Call1(x)
		if err != nil {
			return fmt.Errorf("flow: reading the result: %w", err)
		}
		if err := host.Read(ens.Data[lo*v:hi*v], phi); err != nil {
			return fmt.Errorf("flow: reading the result: %w", err)
		}
		f.record(out, lo, f.logPrior(modes[:(hi-lo)*v]), change, +1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := ens.Check(); err != nil {
		return nil, fmt.Errorf("flow: the flow diverged: %w", err)
	}
	if out.StepError, err = f.stepError(ctx, ens, nil); err != nil {
		return nil, err
	}
	return &Samples{ens, *out}, nil
}

// LogProb returns log q of given configurations, mapped through the flow from σ_min
// to σ_max. It returns an error if the ensemble is on another lattice or not finite.
func (f *ProbabilityFlow) LogProb(ctx context.Context, ens *lattice.Ensemble) (*Likelihood, error) {
	if err := ens.CheckLattice(f.lat); err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	if err := ens.Check(); err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	out, err := f.logProb(ctx, ens, f.cfg.Steps, f.reporter(ens.Len()))
	if err != nil {
		return nil, err
	}
	if out.StepError, err = f.stepError(ctx, ens, out.LogQ); err != nil {
		return nil, err
	}
	return out, nil
}

func (f *ProbabilityFlow) logProb(ctx context.Context, ens *lattice.Ensemble, steps int, report func(int)) (*Likelihood, error) {
	v := f.lat.Volume()
	out := newLikelihood(ens.Len())
	err := chunk.Run(ctx, f.backend, ens.Len(), f.cfg.Batch, func(ctx context.Context, c, lo, hi int) error {
		x, err := f.encode.Call1(host.Tensor(f.cfg.DType, ens.Data[lo*v:hi*v], f.dims()...))
		if err != nil {
			return fmt.Errorf("flow: reading configurations: %w", err)
		}
		x, change, err := f.integrate(ctx, x, c, hi-lo, steps, f.cfg.SigmaMin, f.cfg.SigmaMax, report)
		if err != nil {
			return err
		}
		z, err := f.toModes.Call1(x)
		if err != nil {
			return fmt.Errorf("flow: evaluating the prior: %w", err)
		}
		modes := make([]float64, (hi-lo)*v)
		if err := host.Read(modes, z); err != nil {
			return fmt.Errorf("flow: evaluating the prior: %w", err)
		}
		f.record(out, lo, f.logPrior(modes), change, -1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, l := range out.LogQ {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			return nil, fmt.Errorf("flow: the flow diverged: log q = %v for configuration %d", l, i)
		}
	}
	return out, nil
}

// stepError compares log q of the first chunk at the full and at half the number of
// steps. full may hold the values of the former.
func (f *ProbabilityFlow) stepError(ctx context.Context, ens *lattice.Ensemble, full []float64) (float64, error) {
	first := ens.Slice(0, min(ens.Len(), f.cfg.Batch))
	first = &lattice.Ensemble{Lattice: first.Lattice, Data: first.Data}
	silent := func(int) {}
	if full == nil {
		l, err := f.logProb(ctx, first, f.cfg.Steps, silent)
		if err != nil {
			return 0, err
		}
		full = l.LogQ
	}
	half, err := f.logProb(ctx, first, f.cfg.Steps/2, silent)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, l := range half.LogQ {
		sum += (full[i] - l) * (full[i] - l)
	}
	return math.Sqrt(sum/float64(first.Len())) / (math.Pow(2, float64(f.tab.order)) - 1), nil
}

// integrate carries the state x of chunk c, of which n configurations matter,
// through the flow between two noise levels. It returns the final state and, per
// probe and configuration, ∫ σ² ∇·r dℓ along the way.
func (f *ProbabilityFlow) integrate(ctx context.Context, x *tensors.Tensor, c, n, steps int, from, to float64, report func(int)) (*tensors.Tensor, [][]float64, error) {
	// The probes of a configuration depend on its place alone, not on the direction
	// or the number of steps.
	rng := rand.New(rand.NewPCG(f.cfg.Seed+0x9e3779b97f4a7c15, uint64(c)))
	dt := f.cfg.DType
	probes := host.Rademacher(dt, rng, append([]int{f.probes()}, f.dims()...)...)
	change := make([][]float64, f.probes())
	for p := range change {
		change[p] = make([]float64, n)
	}
	increments := make([]float64, f.probes()*f.cfg.Batch)
	h := math.Log(to/from) / float64(steps)
	for i := range steps {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		l := math.Log(from) + h*float64(i)
		out, err := f.step.Call(x, probes, host.Scalar(dt, l), host.Scalar(dt, h))
		if err != nil {
			return nil, nil, fmt.Errorf("flow: step %d: %w", i, err)
		}
		if err := x.FinalizeAll(); err != nil {
			return nil, nil, fmt.Errorf("flow: step %d: %w", i, err)
		}
		x = out[0]
		if err := host.Read(increments, out[1]); err != nil {
			return nil, nil, fmt.Errorf("flow: step %d: %w", i, err)
		}
		for p := range change {
			for j := range n {
				change[p][j] += increments[p*f.cfg.Batch+j]
			}
		}
		report(n)
	}
	return x, change, nil
}

// probes returns the number of divergence estimates per configuration.
func (f *ProbabilityFlow) probes() int {
	if f.exact {
		return 1
	}
	return f.cfg.Probes
}

func (f *ProbabilityFlow) dims() []int { return append([]int{f.cfg.Batch}, f.lat.Dims()...) }

// reporter returns the function that accounts for the steps of n configurations.
func (f *ProbabilityFlow) reporter(n int) func(int) {
	if f.cfg.Progress == nil {
		return func(int) {}
	}
	var mu sync.Mutex
	done := 0
	return func(k int) {
		mu.Lock()
		defer mu.Unlock()
		done += k
		f.cfg.Progress(done, n*f.cfg.Steps)
	}
}

// logPrior returns log p(φ) of every field, up to the change along the flow: the
// density of the modes at σ_max, and that of the exactly solved linear flow from there
// to σ_min.
func (f *ProbabilityFlow) logPrior(modes []float64) []float64 {
	linear := 0.0
	if f.linear != nil {
		before, after := f.noisy(f.cfg.SigmaMax), f.noisy(f.cfg.SigmaMin)
		for k := range before {
			linear += 0.5 * math.Log(before[k]/after[k])
		}
	}
	v := f.lat.Volume()
	out := make([]float64, len(modes)/v)
	for i := range out {
		out[i] = linear + f.prior.LogDensity(modes[i*v:(i+1)*v])
	}
	return out
}

func newLikelihood(n int) *Likelihood {
	return &Likelihood{LogQ: make([]float64, n), ProbeError: make([]float64, n)}
}

// record fills in the configurations of out from lo on: log q is the prior plus
// direction times the mean change over probes.
func (f *ProbabilityFlow) record(out *Likelihood, lo int, logPrior []float64, change [][]float64, direction float64) {
	probes := float64(len(change))
	for i, prior := range logPrior {
		mean, square := 0.0, 0.0
		for _, c := range change {
			mean += c[i] / probes
		}
		for _, c := range change {
			square += (c[i] - mean) * (c[i] - mean)
		}
		out.LogQ[lo+i] = prior + direction*mean
		if !f.exact {
			out.ProbeError[lo+i] = math.Sqrt(square / (probes - 1) / probes)
		}
	}
}
