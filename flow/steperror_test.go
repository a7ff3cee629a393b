package flow_test

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
)

// The quoted step error bounds the true one of a mixture of Gaussians, whose density is known,
// from steps far too coarse to fine ones, with every scheme and in both directions, and is not
// far from it where steps are small.
func TestStepErrorBounds(t *testing.T) {
	gaussian, spectrum := freeField(t, 0.2, 4, 4)
	lat := gaussian.Layout().Lattice
	const n, sigmaMin = 64, 0.02
	ctx := context.Background()
	for _, order := range []float64{2, 9} {
		m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: gaussian.Layout(), Spectrum: spectrum, Order: order})
		if err != nil {
			t.Fatal(err)
		}
		given := fields(lat, n)
		exact := func(data []float64) []float64 {
			q := make([]float64, n)
			for i := range q {
				q[i] = mixtureLogDensity(lat, spectrum, order, sigmaMin, data[i*lat.Volume():(i+1)*lat.Volume()])
			}
			return q
		}
		for _, scheme := range []flow.Integrator{flow.Adams, flow.RK4, flow.Heun, flow.Euler} {
			for _, steps := range []int{3, 4, 6, 8, 12, 24, 96} {
				f := newFlow(t, m, flow.Config{Integrator: scheme, Steps: steps, SigmaMin: sigmaMin, SigmaMax: 60, DType: dtypes.Float64, Batch: n})
				l, err := f.LogProb(ctx, given, 1)
				if err != nil {
					t.Fatal(err)
				}
				s, err := f.Sample(ctx, n, 2)
				if err != nil {
					t.Fatal(err)
				}
				for direction, logq := range map[string][]float64{"LogProb": l.LogQ, "Sample": s.LogQ} {
					ens := given
					if direction == "Sample" {
						ens = s.Ensemble
					}
					quoted, err := f.StepError(ctx, ens, logq, 1)
					if err != nil {
						t.Fatal(err)
					}
					square := 0.0
					for i, q := range exact(ens.Data) {
						square += (logq[i] - q) * (logq[i] - q) / n
					}
					e := math.Sqrt(square)
					t.Logf("order %v, %v, %s in %d steps: error %.2e, quoted %.2e", order, scheme, direction, steps, e, quoted)
					if quoted < e {
						t.Errorf("order %v, %v, %s in %d steps: error %.2e, quoted %.2e", order, scheme, direction, steps, e, quoted)
					}
					if steps == 96 && quoted > 5*e {
						t.Errorf("order %v, %v, %s in %d steps: error %.2e, quoted %.2e", order, scheme, direction, steps, e, quoted)
					}
				}
			}
		}
	}
	f := newFlow(t, gaussian, flow.Config{})
	if _, err := f.StepError(ctx, fields(lat, 3), make([]float64, 2), 1); err == nil {
		t.Error("accepted fewer densities than configurations")
	}
}

// The effort of the schemes with fixed steps.
func TestEvaluations(t *testing.T) {
	m, _ := freeField(t, 0.2, 4, 4)
	for scheme, want := range map[flow.Integrator]int{flow.Adams: 7 + 2, flow.RK4: 4 * 7, flow.Heun: 2 * 7, flow.Euler: 7} {
		l := logProb(t, m, fields(m.Layout().Lattice, 5), flow.Config{Integrator: scheme, Steps: 7, Batch: 3})
		if l.Effort != (flow.Effort{Accepted: 2 * 7, Evaluations: 2 * want}) {
			t.Errorf("%v: two chunks of 7 steps take %+v, want %d evaluations each", scheme, l.Effort, want)
		}
	}
	for _, c := range []struct {
		cfg  flow.Config
		want int
	}{{flow.Config{}, flow.DefaultSteps}, {flow.Config{Plain: true}, 48}, {flow.Config{Integrator: flow.RK4}, 12}} {
		if got := newFlow(t, m, c.cfg).Steps(); got != c.want {
			t.Errorf("%+v: %d steps, want %d", c.cfg, got, c.want)
		}
	}
}
