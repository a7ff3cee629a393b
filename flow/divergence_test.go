package flow_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

func newFlow(t testing.TB, m diffusion.ScoreModel, cfg flow.Config) *flow.ProbabilityFlow {
	t.Helper()
	f, err := flow.New(backendtest.Open(), m, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func logProb(t testing.TB, m diffusion.ScoreModel, ens *lattice.Ensemble, cfg flow.Config) *flow.Likelihood {
	t.Helper()
	l, err := newFlow(t, m, cfg).LogProb(context.Background(), ens, 9)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The trace of the Jacobian, site by site, is the divergence that the hollow network
// knows, in both representations of the state; and so is probing with one colour a site.
func TestJacobian(t *testing.T) {
	for _, dims := range [][]int{{4, 4}, {5}, {2, 4, 2}} {
		m := randomHollow(t, dims...)
		ens := fields(m.Layout().Lattice, 5)
		gaussian, _ := freeField(t, 0.4/float64(len(dims)), dims...)
		for _, plain := range []bool{false, true} {
			for dtype, bound := range map[dtypes.DType]float64{dtypes.Float64: 1e-9, dtypes.Float32: 1e-4} {
				cfg := flow.Config{Steps: 6, Plain: plain, DType: dtype, Batch: 3}
				want := logProb(t, m, ens, cfg)
				if d := maxDifference(want.LogQ, logProb(t, gaussian, ens, cfg).LogQ); d < 0.05 {
					t.Errorf("%v: the network changes log q by %v only", dims, d)
				}
				ways := []flow.Divergence{flow.Jacobian}
				if m.Layout().Size() == 16 {
					ways = append(ways, flow.Probing)
				}
				for _, way := range ways {
					cfg.Divergence, cfg.Probes, cfg.Repeats = way, m.Layout().Size(), 1
					got := logProb(t, hidden{m}, ens, cfg)
					if d := maxDifference(got.LogQ, want.LogQ); d > bound {
						t.Errorf("%v, plain %v, %v, %v: log q differs by %v from that of the known divergence", dims, plain, dtype, way, d)
					}
					if way == flow.Jacobian && got.ProbeError[0] != 0 {
						t.Errorf("the exact divergence quotes the probe error %v", got.ProbeError[0])
					}
				}
			}
		}
	}
}

// traced hides everything a model knows but its score and the divergence.
type traced struct {
	bare
	m diffusion.DivergenceModel
}

func (m traced) ScoreDivergence(scope *model.Scope, phi, sigma *graph.Node) (score, divergence *graph.Node) {
	return m.m.ScoreDivergence(scope, phi, sigma)
}

// The Jacobian of a score of which nothing is known but its values.
func TestJacobianOfScore(t *testing.T) {
	m, _ := freeField(t, 0.22, 4, 3)
	cfg := flow.Config{Steps: 8, SigmaMax: 10, DType: dtypes.Float64, Batch: 4, Plain: true, IsotropicPrior: true}
	ens := fields(m.Layout().Lattice, 4)
	want := logProb(t, traced{bare{m}, m}, ens, cfg)
	cfg.Divergence = flow.Jacobian
	if d := maxDifference(logProb(t, bare{m}, ens, cfg).LogQ, want.LogQ); d > 1e-9 {
		t.Errorf("log q differs by %v from that of the known divergence", d)
	}
}

// Every random estimate agrees with the exact trace within the error that it quotes, and
// the quoted error is right.
func TestEstimates(t *testing.T) {
	m := randomUNet(t, 4, 4)
	const n = 100
	ens := fields(m.Layout().Lattice, n)
	exact := logProb(t, m, ens, flow.Config{Steps: 4, Batch: n, Divergence: flow.Jacobian})
	for _, cfg := range []flow.Config{
		{Divergence: flow.Rademacher, Probes: 11}, {Divergence: flow.GaussianProbes, Probes: 8},
		{Divergence: flow.Probing, Probes: 1, Repeats: 11}, {Divergence: flow.Probing, Probes: 4, Repeats: 6},
	} {
		cfg.Steps, cfg.Batch = 4, n
		l := logProb(t, m, ens, cfg)
		sets := float64(cfg.Probes)
		if cfg.Divergence == flow.Probing {
			sets = float64(cfg.Repeats)
		}
		mean, square, quoted := 0.0, 0.0, 0.0
		for i := range n {
			d := l.LogQ[i] - exact.LogQ[i]
			mean += d / n
			square += d * d / n
			quoted += l.ProbeError[i] * l.ProbeError[i] / n
		}
		name := fmt.Sprintf("%v, %d probes, %d repeats", cfg.Divergence, cfg.Probes, cfg.Repeats)
		t.Logf("%s: mean deviation %.4f, rms %.4f, quoted %.4f", name, mean, math.Sqrt(square), math.Sqrt(quoted))
		if bound := 5 * math.Sqrt(quoted/n); !(math.Abs(mean) < bound) {
			t.Errorf("%s: mean deviation of log q %v, bound %v", name, mean, bound)
		}
		// A mean over n configurations of squares whose variances differ: the effective
		// number is at least n/4.
		if ratio := square / quoted; !(math.Abs(ratio-1) < 5*math.Sqrt(2*(1+1/(sets-1))/(n/4))) {
			t.Errorf("%s: variance of log q is %v times the quoted one", name, ratio)
		}
	}
}

// The number of reverse passes.
func TestVectors(t *testing.T) {
	unet := randomUNet(t, 4, 4)
	odd, _ := freeField(t, 0.1, 3, 3)
	for _, c := range []struct {
		m    diffusion.ScoreModel
		cfg  flow.Config
		want int
	}{
		{unet, flow.Config{}, 8},
		{bare{odd}, flow.Config{SigmaMax: 20}, 2},
		{unet, flow.Config{Divergence: flow.Rademacher, Probes: 11}, 11},
		{unet, flow.Config{Divergence: flow.GaussianProbes, Probes: 3}, 3},
		{unet, flow.Config{Divergence: flow.Jacobian}, 16},
		{unet, flow.Config{Divergence: flow.Probing}, 8},
		{unet, flow.Config{Divergence: flow.Probing, Probes: 2, Repeats: 3}, 6},
		{randomHollow(t, 4, 4), flow.Config{}, 0},
	} {
		if got := newFlow(t, c.m, c.cfg).Vectors(); got != c.want {
			t.Errorf("%v with %d probes: %d vectors, want %d", c.cfg.Divergence, c.cfg.Probes, got, c.want)
		}
	}
}
