package flow

import (
	"errors"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/internal/lowering"
)

// openHost sets an evaluator where the backend computes on the CPU anyway, and it can do what
// the graph does: its state is the whitened one, its divergence the model's own, in float32 or,
// for lifted angles, in float64, which serves for both.
func (f *ProbabilityFlow) openHost() error {
	if f.linear == nil || f.cfg.Divergence != Automatic || !lowering.OnCPU(f.backend) {
		return nil
	}
	lifted, err := diffusion.NewLiftEvaluator(f.backend, f.m)
	if err == nil || !errors.Is(err, errors.ErrUnsupported) {
		f.lifted = lifted
		return err
	}
	if f.cfg.DType != dtypes.Float32 {
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

// liftedSlope does the same for lifted angles. Their C_k is the same for all modes but the zero
// mode, which does not flow, and so the flow is the same in any orthogonal basis: the state is
// y(x), the Hartley transform of the whitened modes, and no evaluation transforms.
func (e *equation) liftedSlope(dst, z []float64, sigma float64) error {
	f, v := e.f, e.f.layout.Size()
	n := e.n * v
	if e.modes == nil {
		e.modes = make([]float64, n)
	}
	spectrum := f.linear.Spectrum()
	zero, root := math.Sqrt(spectrum[0]), math.Sqrt(spectrum[1]+sigma*sigma)
	for lo := 0; lo < n; lo += v {
		mean := 0.0
		for _, y := range z[lo : lo+v] {
			mean += y / float64(v)
		}
		for i, y := range z[lo : lo+v] {
			e.modes[lo+i] = root*(y-mean) + zero*mean
		}
	}
	if err := f.lifted.Remainder(dst[:n], e.known[:e.n], e.modes, sigma); err != nil {
		return err
	}
	for i := range dst[:n] {
		dst[i] *= -sigma * sigma / root
	}
	clear(dst[n:])
	for i, d := range e.known[:e.n] {
		dst[e.fields()+i] = sigma * sigma * d
	}
	return nil
}

// rotated changes between the whitened modes and the state of lifted angles, which is their
// Hartley transform.
func (f *ProbabilityFlow) rotated(z *graph.Node) *graph.Node {
	if f.lifted == nil {
		return z
	}
	return hartley.Transform(z)
}
