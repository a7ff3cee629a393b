package flow_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/meter"
)

// The state on the device goes the way of that on the host, with every scheme of fixed steps and
// every way to the divergence that one call of a graph can take.
func TestResident(t *testing.T) {
	type setting struct {
		m   diffusion.ScoreModel
		cfg flow.Config
	}
	unet, exact, small := randomUNet(t, 4, 4), randomHollow(t, 4, 4), randomHollow(t, 5)
	for name, s := range map[string]setting{
		"known":      {exact, flow.Config{}},
		"plain":      {exact, flow.Config{Plain: true}},
		"probing":    {unet, flow.Config{}},
		"rademacher": {unet, flow.Config{Divergence: flow.Rademacher, Probes: 3}},
		"gaussian":   {unet, flow.Config{Divergence: flow.GaussianProbes, Probes: 2, Plain: true}},
		"jacobian":   {hidden{small}, flow.Config{Divergence: flow.Jacobian}},
	} {
		schemes := []flow.Integrator{flow.Adams}
		if name == "known" {
			schemes = append(schemes, flow.RK4, flow.Heun, flow.Euler)
		}
		for _, scheme := range schemes {
			s.cfg.Integrator, s.cfg.Steps, s.cfg.Batch, s.cfg.DType = scheme, 9, 3, dtypes.Float64
			ens := fields(s.m.Layout().Lattice, 3)
			resident, host, err := newFlow(t, s.m, s.cfg).BothWays(t.Context(), ens.Data)
			if err != nil {
				t.Fatal(err)
			}
			// Sums in another order, of numbers up to 10², amplified by 9 steps.
			if d := maxDifference(resident, host); !(d < 1e-10) {
				t.Errorf("%s, %v: the two ways differ by %v", name, scheme, d)
			}
		}
	}
}

// One reverse pass through copies of the fields gives what one after the other gives.
func TestFoldedProbes(t *testing.T) {
	m := randomUNet(t, 4, 4)
	ens := fields(m.Layout().Lattice, 3)
	for _, cfg := range []flow.Config{
		{}, {Divergence: flow.Rademacher, Probes: 11}, {Divergence: flow.Jacobian}, {Divergence: flow.Probing, Repeats: 3, Plain: true},
	} {
		cfg.Steps, cfg.Batch, cfg.DType = 4, 2, dtypes.Float64
		var logq [2][]float64
		for i, fold := range []bool{false, true} {
			f := newFlow(t, m, cfg)
			f.Fold(fold)
			l, err := f.LogProb(t.Context(), ens, 9)
			if err != nil {
				t.Fatal(err)
			}
			logq[i] = l.LogQ
		}
		if d := maxDifference(logq[0], logq[1]); !(d < 1e-10) {
			t.Errorf("%v: log q differs by %v", cfg.Divergence, d)
		}
	}
}

// A flow compiles every graph once and leaves nothing on the device, and an evaluation is one
// execution.
func TestFlowLoop(t *testing.T) {
	for name, m := range map[string]diffusion.ScoreModel{"known": randomHollow(t, 4, 4), "probing": randomUNet(t, 4, 4)} {
		for _, scheme := range []flow.Integrator{flow.Adams, flow.RK4} {
			b := meter.Wrap(backendtest.Open())
			fresh, err := m.(*diffusion.Model).OnLattice(m.(*diffusion.Model).Config())
			if err != nil {
				t.Fatal(err)
			}
			f, err := flow.New(b, fresh, flow.Config{Integrator: scheme, Steps: 7, Batch: 4, DType: dtypes.Float64})
			if err != nil {
				t.Fatal(err)
			}
			var compiled, live int
			for call := range 3 {
				before := b.Executed()
				s, err := f.Sample(t.Context(), 4, 1)
				if err != nil {
					t.Fatal(err)
				}
				if got := b.Executed() - before; got != s.Evaluations+2 {
					t.Errorf("%s, %v: %d executions for %d evaluations, a start and an end", name, scheme, got, s.Evaluations)
				}
				if _, err := f.LogProb(t.Context(), s.Ensemble, 1); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := f.LogProb(ctx, s.Ensemble, 1); !errors.Is(err, context.Canceled) {
					t.Fatalf("cancelled: %v", err)
				}
				if call == 0 {
					compiled, live = b.Compiled(), b.Live()
				}
				if b.Compiled() != compiled || b.Live() != live {
					t.Errorf("%s, %v, call %d: %d compilations and %d live buffers, %d and %d after the first", name, scheme, call, b.Compiled(), b.Live(), compiled, live)
				}
			}
			if compiled != 5 {
				t.Errorf("%s, %v: %d compilations, want two for the ends of each direction and one between", name, scheme, compiled)
			}
		}
	}
}
