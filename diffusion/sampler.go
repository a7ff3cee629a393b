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

// SampleConfig configures the reverse-time samplers. The zero value needs a model
// that is a [LinearModel].
type SampleConfig struct {
	// Levels are the noise levels of the steps, strictly falling. Default: 500 steps
	// equidistant in log σ from [SigmaMaxFor] of the spectrum down to 0.02.
	Levels []float64
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
	// after every step, with the number of steps done, the noise level and the
	// fields of the chunk, V values each.
	Trace func(step int, sigma float64, fields []float64)
}

func (c *SampleConfig) setDefaults(m ScoreModel) error {
	if c.Levels == nil {
		l, ok := Linear(m)
		if !ok {
			return fmt.Errorf("diffusion: expected noise levels for a model without a spectrum, got none")
		}
		c.Levels = LogSigma(SigmaMaxFor(l.Spectrum()), 0.02, 500)
	}
	if c.Batch == 0 {
		c.Batch = 128
	}
	if c.Batch < 0 {
		return fmt.Errorf("diffusion: expected a positive batch, got %d", c.Batch)
	}
	return checkLevels(c.Levels)
}

// priorSpectrum returns the variance per mode of the prior at noise level sigma.
func (c *SampleConfig) priorSpectrum(m ScoreModel, sigma float64) []float64 {
	spectrum := make([]float64, m.Lattice().Volume())
	if l, ok := Linear(m); ok && !c.IsotropicPrior {
		copy(spectrum, l.Spectrum())
	}
	for k := range spectrum {
		spectrum[k] += sigma * sigma
	}
	return spectrum
}

// reverseStep builds one step of a reverse-time sampler from noise level σ down to
// next: phi and the white noise z are [batch, extents…], the levels scalars.
type reverseStep func(scope *model.Scope, phi, z, sigma, next *graph.Node) *graph.Node

// EulerMaruyama draws n configurations by integrating the reverse-time stochastic
// differential equation (3.7)–(3.9) with the Euler–Maruyama scheme,
//
//	φ ← φ + Δ s(φ, σ_i) + √Δ z,  Δ = σ_i² - σ_{i+1}²,
//
// from the prior at the first noise level down to the last; the last step adds no
// noise, as in the paper. Δ is the integral of g² over the step (g² Δt in (3.9)),
// which makes the scheme independent of how time is parametrised. Its weak error is
// of first order in the steps. Configurations are ordered, and reproducible for a
// given seed and batch on any number of cores.
//
// It returns an error for an impossible configuration, a result that is not finite,
// or a cancelled context.
func EulerMaruyama(ctx context.Context, backend compute.Backend, m ScoreModel, n int, cfg SampleConfig) (*lattice.Ensemble, error) {
	return reverse(ctx, backend, m, n, cfg, true, func(scope *model.Scope, phi, z, sigma, next *graph.Node) *graph.Node {
		delta := graph.Sub(graph.Square(sigma), graph.Square(next))
		return graph.Add(drifted(scope, m, phi, sigma, delta), graph.Mul(graph.Sqrt(delta), z))
	})
}

// Ancestral draws like [EulerMaruyama], with the noise of a step reduced to what the
// exact reverse transition of a Gaussian theory has: in mode k the variance is
//
//	Δ (C_k + σ_{i+1}²)/(C_k + σ_i²),
//
// with the spectrum of a [LinearModel]; every step, the last included, adds it. For
// Gaussian data the result is exact for any number of steps, and elsewhere only the
// non-linear part of the score is discretised. For a model without spectrum, C = 0,
// this is the ancestral sampling of Song et al., arXiv:2011.13456, eq. (47).
func Ancestral(ctx context.Context, backend compute.Backend, m ScoreModel, n int, cfg SampleConfig) (*lattice.Ensemble, error) {
	return reverse(ctx, backend, m, n, cfg, false, func(scope *model.Scope, phi, z, sigma, next *graph.Node) *graph.Node {
		delta := graph.Sub(graph.Square(sigma), graph.Square(next))
		l, ok := Linear(m)
		if !ok {
			return graph.Add(drifted(scope, m, phi, sigma, delta), graph.Mul(graph.Mul(graph.Sqrt(delta), graph.Div(next, sigma)), z))
		}
		batch := phi.Shape().Dimensions[0]
		before := noisySpectrum(m.Lattice(), l.Spectrum(), phi, graph.BroadcastToDims(sigma, batch))
		after := noisySpectrum(m.Lattice(), l.Spectrum(), phi, graph.BroadcastToDims(next, batch))
		amplitude := graph.Sqrt(graph.Mul(delta, graph.Div(after, before)))
		return graph.Add(drifted(scope, m, phi, sigma, delta), hartley.Transform(graph.Mul(amplitude, z)))
	})
}

// drifted returns φ + Δ s(φ, σ).
func drifted(scope *model.Scope, m ScoreModel, phi, sigma, delta *graph.Node) *graph.Node {
	score := m.Score(scope, phi, graph.BroadcastToDims(sigma, phi.Shape().Dimensions[0]))
	return graph.Add(phi, graph.Mul(delta, score))
}

// reverse runs a reverse-time sampler; quiet switches off the noise of the last step.
func reverse(ctx context.Context, backend compute.Backend, m ScoreModel, n int, cfg SampleConfig, quiet bool, build reverseStep) (*lattice.Ensemble, error) {
	if n < 1 {
		return nil, fmt.Errorf("diffusion: expected at least one configuration to draw, got %d", n)
	}
	if err := cfg.setDefaults(m); err != nil {
		return nil, err
	}
	lat := m.Lattice()
	cfg.Batch = min(cfg.Batch, n)
	prior, err := graph.NewExec(backend, func(z *graph.Node) *graph.Node {
		return spectralNoise(lat, z, cfg.priorSpectrum(m, cfg.Levels[0]))
	})
	if err != nil {
		return nil, fmt.Errorf("diffusion: building the prior: %w", err)
	}
	step, err := model.NewExec(backend, m.Store(), func(scope *model.Scope, in []*graph.Node) *graph.Node {
		return build(scope, in[0], in[1], in[2], in[3])
	})
	if err != nil {
		return nil, fmt.Errorf("diffusion: building the sampler: %w", err)
	}
	v := lat.Volume()
	out := lattice.NewEnsemble(lat, n)
	out.Data = out.Data[:n*v]
	dims := append([]int{cfg.Batch}, lat.Dims()...)
	steps := len(cfg.Levels) - 1
	silence := host.Tensor(dtypes.Float32, nil, dims...)
	var mu sync.Mutex
	done := 0
	run := func(ctx context.Context, c, lo, hi int) error {
		rng := rand.New(rand.NewPCG(cfg.Seed, uint64(c)))
		phi, err := prior.Call1(host.Normal(dtypes.Float32, rng, dims...))
		if err != nil {
			return fmt.Errorf("diffusion: sampling the prior: %w", err)
		}
		if err := cfg.trace(c, 0, phi, (hi-lo)*v); err != nil {
			return err
		}
		for i := range steps {
			if err := ctx.Err(); err != nil {
				return err
			}
			z := silence
			if !quiet || i < steps-1 {
				z = host.Normal(dtypes.Float32, rng, dims...)
			}
			next, err := step.Call1(phi, z, float32(cfg.Levels[i]), float32(cfg.Levels[i+1]))
			if err != nil {
				return fmt.Errorf("diffusion: reverse step %d: %w", i, err)
			}
			if err := phi.FinalizeAll(); err != nil {
				return fmt.Errorf("diffusion: reverse step %d: %w", i, err)
			}
			phi = next
			if err := cfg.trace(c, i+1, phi, (hi-lo)*v); err != nil {
				return err
			}
			if cfg.Progress != nil {
				mu.Lock()
				done += hi - lo
				cfg.Progress(done, n*steps)
				mu.Unlock()
			}
		}
		if err := host.Read(out.Data[lo*v:hi*v], phi); err != nil {
			return fmt.Errorf("diffusion: reading fields: %w", err)
		}
		return nil
	}
	if err := chunk.Run(ctx, backend, n, cfg.Batch, run); err != nil {
		return nil, err
	}
	if err := checkData(lat, out.Data); err != nil {
		return nil, fmt.Errorf("diffusion: the reverse process diverged: %w", err)
	}
	return out, nil
}

// trace hands the first n values of the fields of the first chunk to Trace.
func (c *SampleConfig) trace(chunk, step int, phi *tensors.Tensor, n int) error {
	if chunk != 0 || c.Trace == nil {
		return nil
	}
	fields := make([]float64, n)
	if err := host.Read(fields, phi); err != nil {
		return fmt.Errorf("diffusion: reading fields: %w", err)
	}
	c.Trace(step, c.Levels[step], fields)
	return nil
}

// spectralNoise turns white noise into Gaussian fields of the given power spectrum.
func spectralNoise(lat *lattice.Lattice, z *graph.Node, spectrum []float64) *graph.Node {
	root := make([]float64, len(spectrum))
	for k, c := range spectrum {
		root[k] = math.Sqrt(c)
	}
	amplitude := hartley.Const(z.Graph(), z.DType(), root, append([]int{1}, lat.Dims()...)...)
	return hartley.Transform(graph.Mul(z, graph.BroadcastToDims(amplitude, z.Shape().Dimensions...)))
}
