package flow

import (
	"context"

	"github.com/latdiff/latdiff/internal/host"
)

// RoundTrip carries fields from σ_min to σ_max and back, and returns what arrives.
func (f *ProbabilityFlow) RoundTrip(ctx context.Context, data []float64) ([]float64, error) {
	n := len(data) / f.layout.Size()
	run := f.run(1, func(int) {})
	x, err := f.encode.Call1(host.Tensor(f.cfg.DType, data, f.dims()...))
	if err != nil {
		return nil, err
	}
	up, err := f.integrate(ctx, x, 0, n, f.cfg.SigmaMin, f.cfg.SigmaMax, run)
	if err != nil {
		return nil, err
	}
	down, err := f.integrate(ctx, up.fields, 0, n, f.cfg.SigmaMax, f.cfg.SigmaMin, run)
	if err != nil {
		return nil, err
	}
	phi, err := f.decode.Call1(down.fields)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(data))
	return out, host.Read(out, phi)
}
