package flow_test

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/flow"
)

// Forward and backward maps of a network of known divergence are inverse to each other, in
// the field and in log q, in either precision and with every scheme.
func TestInverse(t *testing.T) {
	m := randomHollow(t, 4, 4)
	for _, cfg := range []flow.Config{
		{Steps: 48}, {Steps: 48, DType: dtypes.Float64}, {Integrator: flow.RK4, Steps: 48}, {Steps: 160, Integrator: flow.Heun, DType: dtypes.Float64},
		{Integrator: flow.DormandPrince, RelTol: 1e-5}, {Integrator: flow.DormandPrince, DType: dtypes.Float64, Plain: true, RelTol: 1e-6, AbsTol: 1e-6},
	} {
		cfg.Batch = 8
		f := newFlow(t, m, cfg)
		s, err := f.Sample(context.Background(), 8, 4)
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.LogProb(context.Background(), s.Ensemble, 4)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v, %v: %.1e, %+v", cfg.Integrator, cfg.DType, maxDifference(s.LogQ, back.LogQ), s.Effort)
		if d := maxDifference(s.LogQ, back.LogQ); d > 1e-3 {
			t.Errorf("%v, %v: log q changes by %v on the way back", cfg.Integrator, cfg.DType, d)
		}
		fields, err := f.RoundTrip(context.Background(), s.Ensemble.Data)
		if err != nil {
			t.Fatal(err)
		}
		if d := maxDifference(fields, s.Ensemble.Data); d > 1e-4 || d == 0 {
			t.Errorf("%v, %v: the field changes by %v on the way to the latent noise and back", cfg.Integrator, cfg.DType, d)
		}
		for i, e := range s.ProbeError {
			if e != 0 {
				t.Fatalf("configuration %d of a known divergence quotes the probe error %v", i, e)
			}
		}
	}
}

// Halving the step changes log q by amounts that fall at the order of the scheme, for a
// network with the linear part solved.
func TestOrder(t *testing.T) {
	m := randomHollow(t, 4, 4)
	ens := fields(m.Layout().Lattice, 4)
	for scheme, start := range map[flow.Integrator]int{flow.Adams: 96, flow.RK4: 48, flow.Heun: 256, flow.Euler: 48} {
		var l []*flow.Likelihood
		for _, steps := range []int{start, 2 * start, 4 * start} {
			l = append(l, logProb(t, m, ens, flow.Config{Integrator: scheme, Steps: steps, DType: dtypes.Float64, Batch: 4}))
		}
		coarse, fine := maxDifference(l[0].LogQ, l[1].LogQ), maxDifference(l[1].LogQ, l[2].LogQ)
		order := math.Log2(coarse / fine)
		t.Logf("%v: log q changes by %.2e and %.2e, order %.2f", scheme, coarse, fine, order)
		// What is left is the next term of the expansion. For Heun it is large, the coefficient
		// of h³ being tens of times that of h²: its order shows at small steps only.
		if want := visibleOrder(scheme); math.Abs(order-want) > 0.5 {
			t.Errorf("%v: log q converges with order %.2f, want %v", scheme, order, want)
		}
	}
}
