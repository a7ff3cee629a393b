package diffusion

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/lattice"
)

// ScoreErrorConfig configures [Model.ScoreError]. The zero value has the defaults below.
type ScoreErrorConfig struct {
	// Levels is the number of noise levels, at the middles of intervals of equal width in log σ
	// between SigmaMin and SigmaMax. Defaults 16 and those of the model.
	Levels             int
	SigmaMin, SigmaMax float64
	// Trajectories is the number of trajectories of hybrid Monte Carlo of each of the two averages,
	// Thermalisation that of those before, in which a chain has to forget the configuration that it starts
	// from. Defaults 100 each. Near a critical point and at large σ long waves take more: if they remember,
	// the error comes out too large.
	Trajectories, Thermalisation int
	// Seed determines noise and chains.
	Seed uint64
	// Progress, if not nil, is called after every level.
	Progress func(done, total int)
}

// ScoreError is the error of a score at a noise level.
type ScoreError struct {
	// Sigma is the noise level, LogWidth the width of its interval in log σ.
	Sigma, LogWidth float64
	// Value is 2σ² Σ_k ⟨|s_k - ∇_k log p_σ|²⟩ over noisy configurations of the theory, with its
	// StandardError over them. The score of a density q_σ that obeys the same diffusion has, over all levels,
	// ∫ Value dlog σ = 2 ∫ p log(p/q), de Bruijn's identity, which is the variance of log w as long as that is
	// small: so Value·LogWidth is the part that comes from this level.
	Value, StandardError float64
	// Modes are the terms of Value, of every k in the order of the lattice, the components added up.
	Modes []float64
	// Noise is the part of a target in that unit that averages over Trajectories leave.
	Noise float64
}

// ScoreError measures, at noise levels from small to large, how far the score of m is from that of the theory
// of action at noisy configurations of ens, which are of the theory: where in σ and k the physics is
// that a network lacks. The exact score (E[φ₀|φ] - φ)/σ² is an average over chains of hybrid Monte Carlo, as
// [TrainConfig].Average has it, and the square of the error the product of the differences from two of them with independent noise. It
// returns an error for an ensemble or an action of another theory, for parameters that are negative, and that of
// a cancelled ctx.
func (m *Model) ScoreError(ctx context.Context, backend compute.Backend, action lattice.Action, ens *lattice.Ensemble, cfg ScoreErrorConfig) ([]ScoreError, error) {
	if cfg.Levels < 0 || cfg.Trajectories < 0 || cfg.Thermalisation < 0 || !(cfg.SigmaMin >= 0) || !(cfg.SigmaMax >= 0) {
		return nil, fmt.Errorf("diffusion: expected numbers of levels and trajectories and noise levels that are not negative, got %d, %d and %d, from %v to %v", cfg.Levels, cfg.Trajectories, cfg.Thermalisation, cfg.SigmaMin, cfg.SigmaMax)
	}
	cfg.setDefaults(m)
	switch {
	case backend == nil || action == nil || ens == nil:
		return nil, fmt.Errorf("diffusion: expected a backend, an action and an ensemble, got %v, %v and %v", backend, action, ens)
	case m.spectrum == nil || len(m.theory().Fixed()) > 0:
		return nil, fmt.Errorf("diffusion: expected a model with a spectrum whose noise moves all modes, got one of the network %s", m.network.Kind())
	case !action.Layout().Equal(m.layout) || !ens.Layout.Equal(m.layout):
		return nil, fmt.Errorf("diffusion: expected an action and an ensemble for %v, got %v and %v", m.layout, action.Layout(), ens.Layout)
	case ens.Len() < 2 || !(cfg.SigmaMin < cfg.SigmaMax):
		return nil, fmt.Errorf("diffusion: expected two configurations or more, and noise levels that rise, got %d and %v to %v", ens.Len(), cfg.SigmaMin, cfg.SigmaMax)
	}
	if err := checkData(m.layout, ens.Data); err != nil {
		return nil, err
	}
	exec, err := model.NewExec(backend, m.store, func(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
		return m.Score(scope, phi, sigma)
	})
	if err != nil {
		return nil, fmt.Errorf("diffusion: %w", err)
	}
	defer exec.Finalize()
	e := &scoreErrors{m: m, exec: exec, data: ens.Data, cfg: cfg}
	for range min(ens.Len(), runtime.GOMAXPROCS(0)) {
		e.workers = append(e.workers, [2]*posterior{newPosterior(m, action, cfg.Trajectories-1), newPosterior(m, action, cfg.Trajectories-1)})
	}
	var all []ScoreError
	for level := range cfg.Levels {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := e.level(ctx, level)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
		if cfg.Progress != nil {
			cfg.Progress(level+1, cfg.Levels)
		}
	}
	return all, nil
}

func (c *ScoreErrorConfig) setDefaults(m *Model) {
	def := func(x *int, v int) {
		if *x == 0 {
			*x = v
		}
	}
	def(&c.Levels, 16)
	def(&c.Trajectories, 100)
	def(&c.Thermalisation, 100)
	if c.SigmaMin == 0 {
		c.SigmaMin = m.cfg.SigmaMin
	}
	if c.SigmaMax == 0 {
		c.SigmaMax = m.cfg.SigmaMax
	}
}

// scoreErrors is a measurement.
type scoreErrors struct {
	m       *Model
	exec    *model.Exec
	data    []float64
	cfg     ScoreErrorConfig
	workers [][2]*posterior
}

// scoreErrorBatch is the number of fields of one call of a graph.
const scoreErrorBatch = 16

// level measures a noise level.
func (e *scoreErrors) level(ctx context.Context, level int) (ScoreError, error) {
	size, cfg := e.m.layout.Size(), e.cfg
	n := len(e.data) / size
	r := ScoreError{
		Sigma:    logInterpolate(cfg.SigmaMin, cfg.SigmaMax, (float64(level)+0.5)/float64(cfg.Levels)),
		LogWidth: math.Log(cfg.SigmaMax/cfg.SigmaMin) / float64(cfg.Levels), Modes: make([]float64, e.m.layout.Volume()),
	}
	random := func(field, stream int) *rand.Rand {
		return rand.New(rand.NewPCG(cfg.Seed, uint64(level)<<40+uint64(field)<<8+uint64(stream)))
	}
	noisy := make([]float64, len(e.data))
	for i := range n {
		rng := random(i, 0)
		for x := range size {
			noisy[i*size+x] = e.data[i*size+x] + r.Sigma*rng.NormFloat64()
		}
	}
	score, err := e.scores(noisy, r.Sigma)
	if err != nil {
		return r, err
	}
	weights := make([]float64, size)
	for k, c := range e.m.spectrum {
		weights[k] = 1 / ((c+e.m.cfg.Residual[k])/(c*c) + 1/(r.Sigma*r.Sigma))
	}
	powers := make([][]float64, n) // of one configuration: its terms, and the noise
	noise := make([]float64, n)
	var wg sync.WaitGroup
	for w, pair := range e.workers {
		wg.Go(func() {
			for i := w; i < n && ctx.Err() == nil; i += len(e.workers) {
				lo, hi := i*size, (i+1)*size
				first := pair[0].scoreFrom(random(i, 1), e.data[lo:hi], noisy[lo:hi], weights, r.Sigma, cfg.Thermalisation)
				second := pair[1].scoreFrom(random(i, 2), e.data[lo:hi], noisy[lo:hi], weights, r.Sigma, cfg.Thermalisation)
				powers[i], noise[i] = pair[0].product(score[lo:hi], first, second)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return r, err
	}
	unit := 2 * r.Sigma * r.Sigma
	square := 0.0
	for i, p := range powers {
		sum := 0.0
		for k, x := range p {
			r.Modes[k] += unit * x / float64(n)
			sum += unit * x
		}
		r.Value += sum / float64(n)
		square += sum * sum / float64(n)
		r.Noise += unit * noise[i] / float64(n)
	}
	r.StandardError = math.Sqrt(max(0, square-r.Value*r.Value) / float64(n-1))
	return r, nil
}

// scores returns the scores of the model at fields of one noise level.
func (e *scoreErrors) scores(fields []float64, sigma float64) ([]float64, error) {
	size := e.m.layout.Size()
	batch := min(scoreErrorBatch, len(fields)/size)
	var all []float64
	for lo := 0; lo < len(fields); lo += batch * size {
		// The last batch is filled up with what it begins with, so that there is one graph.
		part := make([]float64, batch*size)
		for done := 0; done < len(part); {
			done += copy(part[done:], fields[lo:])
		}
		shape := append([]int{batch, e.m.layout.Components}, e.m.layout.Dims()...)
		out, err := e.exec.Call(tensors.FromFlatDataAndDimensions(part, shape...), []float64{sigma})
		if err != nil {
			return nil, fmt.Errorf("diffusion: %w", err)
		}
		s, err := tensors.CopyFlatData[float64](out[0])
		if err != nil {
			return nil, fmt.Errorf("diffusion: %w", err)
		}
		all = append(all, s...)
	}
	return all[:len(fields)], nil
}

// scoreFrom returns the average (φ̂ - φ)/σ² of the score at the noisy field over a chain from a clean one.
// Without means of sites φ̂_k is φ₀ + Z/(D_k + 1/σ²), the one of the combinations with Z of [siteMeans] with the least
// variance of single draws; weights are 1/(D_k + 1/σ²).
func (c *posterior) scoreFrom(rng *rand.Rand, clean, noisy, weights []float64, sigma float64, thermalisation int) []float64 {
	copy(c.field, clean)
	copy(c.centre, noisy)
	c.run(rng, sigma, thermalisation)
	if v := c.fourier.Lattice().Volume(); c.sites == nil {
		for i, x := range c.sum {
			c.sumDrift[i] -= (x - float64(c.draws)*noisy[i]) / (sigma * sigma)
		}
		for lo := 0; lo < len(clean); lo += v {
			c.fourier.Filter(c.sumDrift[lo:lo+v], c.sumDrift[lo:lo+v], weights[lo:lo+v])
		}
		for i, x := range c.sumDrift {
			c.sum[i] += x
		}
	}
	score := make([]float64, len(clean))
	for i, x := range c.sum {
		score[i] = (x/float64(c.draws) - noisy[i]) / (sigma * sigma)
	}
	return score
}

// product returns Re (s - a)_k (s - b)_k* for every mode, and half the square of a - b: the
// power of the sum of two fields less that of their difference, over four.
func (c *posterior) product(s, a, b []float64) (modes []float64, noise float64) {
	v := c.fourier.Lattice().Volume()
	modes = make([]float64, v)
	sum, difference := make([]float64, v), make([]float64, v)
	for lo := 0; lo < len(s); lo += v {
		for i := range v {
			sum[i], difference[i] = 2*s[lo+i]-a[lo+i]-b[lo+i], a[lo+i]-b[lo+i]
			noise += difference[i] * difference[i] / 2
		}
		plus, minus := c.fourier.Power(nil, sum), c.fourier.Power(nil, difference)
		for k := range modes {
			modes[k] += (plus[k] - minus[k]) / 4
		}
	}
	return modes, noise
}
