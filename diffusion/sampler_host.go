package diffusion

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/internal/lowering"
)

// ModeStep is a step of a [Scheme] without a graph: n fields in the basis of Hartley modes,
// one after the other, less the mean of the linear part. The transform is orthogonal, so
// that white noise has white modes.
type ModeStep struct {
	// X is what the step changes: x before it, the new x after it; Memory likewise.
	X      []float64
	Memory [][]float64
	// Noise holds the modes of the white noise that the scheme asks for.
	Noise [][]float64
	// Numbers are those of the step, see [Scheme].
	Numbers []float64
	// Spectrum is C_k.
	Spectrum []float64

	evaluator *Evaluator
	scores    [2][]float64
}

// Score returns the modes of the score at noise level sigma of fields with modes x. The
// result is valid until the second call from here; a step has two results at a time.
func (s *ModeStep) Score(x []float64, sigma float64) ([]float64, error) {
	s.scores[0], s.scores[1] = s.scores[1], s.scores[0]
	if s.scores[0] == nil {
		s.scores[0] = make([]float64, len(x))
	}
	r := s.scores[0]
	if err := s.evaluator.Remainder(r, nil, x, sigma); err != nil {
		return nil, err
	}
	for lo := 0; lo < len(x); lo += len(s.Spectrum) {
		for k, c := range s.Spectrum {
			r[lo+k] -= x[lo+k] / (c + sigma*sigma)
		}
	}
	return r, nil
}

// openHost sets the evaluator where the backend computes on the CPU anyway, and the scheme and
// the model have what it needs.
func (s *Sampler) openHost(m ScoreModel) error {
	l, ok := Linear(m)
	if !ok || s.cfg.Scheme.Modes == nil || !lowering.OnCPU(s.backend) {
		return nil
	}
	e, err := NewEvaluator(s.backend, m)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	s.host, s.linear = e, l
	return err
}

// evolveModes is evolve without a graph. Its random numbers are those of a whole batch, so
// that fields do not depend on how many there are.
func (r *reverseRun) evolveModes(ctx context.Context, rng *rand.Rand, x *tensors.Tensor, c int, dst []float64) error {
	size, n := r.layout.Size(), len(dst)
	s := &ModeStep{X: make([]float64, n), Spectrum: r.linear.Spectrum(), evaluator: r.host}
	if err := r.trace(c, 0, x, n); err != nil {
		return finalize([]*tensors.Tensor{x}, err)
	}
	if err := r.transform(s.X, x); err != nil {
		return err
	}
	r.shift(s.X, -1)
	for range r.cfg.Scheme.Memory {
		s.Memory = append(s.Memory, make([]float64, n))
	}
	for range r.cfg.Scheme.Noise {
		s.Noise = append(s.Noise, make([]float64, r.batch*size))
	}
	traced := c == 0 && r.cfg.Trace != nil
	for i := range len(r.levels) - 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, z := range s.Noise {
			for j := range z {
				z[j] = rng.NormFloat64()
			}
		}
		s.Numbers = r.cfg.Scheme.Numbers(r.cfg.Process, r.levels, i)
		if err := r.cfg.Scheme.Modes(s); err != nil {
			return fmt.Errorf("diffusion: reverse step %d: %w", i, err)
		}
		if traced || i == len(r.levels)-2 {
			y := slices.Clone(s.X)
			r.shift(y, 1)
			if err := r.transform(dst, host.Tensor(dtypes.Float32, y, r.dims...)); err != nil {
				return err
			}
		}
		if traced {
			r.cfg.Trace(i+1, r.levels[i+1], slices.Clone(dst))
		}
		r.report(n / size)
	}
	return nil
}

// transform sets dst to the first of the Hartley transforms of x, which it frees.
func (r *reverseRun) transform(dst []float64, x *tensors.Tensor) error {
	y, err := r.fromModes.Call1(x)
	if err = finalize([]*tensors.Tensor{x}, err); err != nil {
		return fmt.Errorf("diffusion: transforming fields: %w", err)
	}
	return finalize([]*tensors.Tensor{y}, host.Read(dst, y))
}

// shift adds sign times the mean of the linear part to modes.
func (r *reverseRun) shift(modes []float64, sign float64) {
	size := r.layout.Size()
	for c, mean := range r.linear.Mean() {
		for lo := c * r.layout.Volume(); lo < len(modes); lo += size {
			modes[lo] += sign * math.Sqrt(float64(r.layout.Volume())) * mean
		}
	}
}
