package flow

import (
	"context"

	"github.com/latdiff/latdiff/internal/host"
)

// RoundTrip carries fields from σ_min to σ_max and back, and returns what arrives.
func (f *ProbabilityFlow) RoundTrip(ctx context.Context, data []float64) ([]float64, error) {
	n := len(data) / f.layout.Size()
	run := f.run(1, func(int) {})
	x, err := apply(f.encode, host.Tensor(f.cfg.DType, data, f.dims()...), f.at(f.cfg.SigmaMin))
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
	phi, err := apply(f.decode, down.fields, f.at(f.cfg.SigmaMin))
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(data))
	return out, host.Read(out, phi)
}

// BothWays carries fields from σ_min to σ_max with the state on the device, where it belongs,
// and with the state on the host. Each result holds the fields of the end and the changes of
// log q.
func (f *ProbabilityFlow) BothWays(ctx context.Context, data []float64) (resident, onHost []float64, err error) {
	if !f.isResident(f.cfg.Integrator) {
		panic("the state belongs on the host")
	}
	n := len(data) / f.layout.Size()
	run := f.run(1, func(int) {})
	for i, integrate := range []func() (end, error){
		func() (end, error) {
			x, err := apply(f.encode, host.Tensor(f.cfg.DType, data, f.dims()...), f.at(f.cfg.SigmaMin))
			if err != nil {
				return end{}, err
			}
			return f.integrateResident(ctx, x, 2, n, f.cfg.SigmaMin, f.cfg.SigmaMax, run)
		},
		func() (end, error) {
			x, err := apply(f.encode, host.Tensor(f.cfg.DType, data, f.dims()...), f.at(f.cfg.SigmaMin))
			if err != nil {
				return end{}, err
			}
			return f.integrateHost(ctx, x, 2, n, f.cfg.SigmaMin, f.cfg.SigmaMax, run)
		},
	} {
		e, err := integrate()
		if err != nil {
			return nil, nil, err
		}
		out := make([]float64, e.fields.Size(), e.fields.Size()+len(e.change))
		if err := host.Read(out, e.fields); err != nil {
			return nil, nil, err
		}
		out = append(out, e.change...)
		if i == 0 {
			resident = out
		} else {
			onHost = out
		}
	}
	return resident, onHost, nil
}

// Fold chooses whether the probes of a call go through one reverse pass. It is to be called
// before anything else.
func (f *ProbabilityFlow) Fold(on bool) { f.folded = on }
