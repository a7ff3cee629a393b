package flow

import (
	"errors"
	"math"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/lowering"
)

// openHost sets the evaluator where the backend computes on the CPU anyway, and it can do what
// the graph does: its state is the whitened one, its divergence the model's own, in float32.
func (f *ProbabilityFlow) openHost() error {
	if f.linear == nil || f.cfg.Divergence != Automatic || f.cfg.DType != dtypes.Float32 || !lowering.OnCPU(f.backend) {
		return nil
	}
	e, err := diffusion.NewEvaluator(f.backend, f.m)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	f.host = e
	return err
}

// hostSlope sets dst to dz/dℓ without a graph: with the root d_k = √(C_k + σ²),
// φ_k - m_k = d_k y_k and dy_k/dℓ = -σ² r_k/d_k.
func (e *equation) hostSlope(dst, z []float64, sigma float64) error {
	f, n := e.f, e.n*e.f.layout.Size()
	if e.modes == nil {
		e.modes, e.root = make([]float64, n), make([]float64, f.layout.Size())
	}
	for k, c := range f.linear.Spectrum() {
		e.root[k] = math.Sqrt(c + sigma*sigma)
	}
	for i, y := range z[:n] {
		e.modes[i] = y * e.root[i%len(e.root)]
	}
	if err := f.host.Remainder(dst[:n], e.known[:e.n], e.modes, sigma); err != nil {
		return err
	}
	for i := range dst[:n] {
		dst[i] *= -sigma * sigma / e.root[i%len(e.root)]
	}
	// Fields that only fill the batch stay where they are.
	clear(dst[n:])
	for i, d := range e.known[:e.n] {
		dst[e.fields()+i] = sigma * sigma * d
	}
	return nil
}
