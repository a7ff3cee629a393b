package flow_test

import (
	"context"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
)

// The adaptive scheme finds the exact density of a mixture of Gaussians; its error falls
// with the tolerance, is of the size that it quotes, and takes more steps.
func TestDormandPrinceTolerance(t *testing.T) {
	_, spectrum := freeField(t, 0.2, 4, 4)
	gaussian, _ := freeField(t, 0.2, 4, 4)
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: gaussian.Layout(), Spectrum: spectrum, Order: 9})
	if err != nil {
		t.Fatal(err)
	}
	ens := fields(gaussian.Layout().Lattice, 12)
	const sigmaMin = 0.05
	before, evaluations := math.Inf(1), 0
	for _, tol := range []float64{1e-3, 1e-5, 1e-7} {
		f := newFlow(t, m, flow.Config{
			Integrator: flow.DormandPrince, RelTol: tol, AbsTol: tol, SigmaMin: sigmaMin, SigmaMax: 60, Plain: true,
			DType: dtypes.Float64, Batch: 5,
		})
		l, err := f.LogProb(context.Background(), ens, 1)
		if err != nil {
			t.Fatal(err)
		}
		quoted, err := f.StepError(context.Background(), ens, l.LogQ, 1)
		if err != nil {
			t.Fatal(err)
		}
		square := 0.0
		for i := range ens.Len() {
			d := l.LogQ[i] - mixtureLogDensity(gaussian.Layout().Lattice, spectrum, 9, sigmaMin, ens.Config(i))
			square += d * d / float64(ens.Len())
		}
		e := math.Sqrt(square)
		t.Logf("tolerance %g: error %.2e, quoted %.2e, effort %+v", tol, e, quoted, l.Effort)
		// Each of some tens of steps has an error of log q below 2·tol.
		if e > 100*tol {
			t.Errorf("tolerance %g: log q is off by %v", tol, e)
		}
		if e > before/20 {
			t.Errorf("tolerance %g: the error falls from %v to %v", tol, before, e)
		}
		if quoted < e/20 || quoted > 20*e {
			t.Errorf("tolerance %g: quoted step error %v, true one %v", tol, quoted, e)
		}
		// Six evaluations a step, of which the last serves the next, and one at the start of each
		// of three chunks.
		if want := 6*(l.Accepted+l.Rejected) + 3; l.Evaluations != want {
			t.Errorf("tolerance %g: %d evaluations, want %d", tol, l.Evaluations, want)
		}
		if l.Evaluations <= evaluations {
			t.Errorf("tolerance %g: %d evaluations after %d at a larger one", tol, l.Evaluations, evaluations)
		}
		before, evaluations = e, l.Evaluations
	}
}

// All schemes agree for a network, where RK4 takes many steps, and there the adaptive one
// returns to where it started.
func TestDormandPrinceNetwork(t *testing.T) {
	m := randomUNet(t, 4, 4)
	base := flow.Config{DType: dtypes.Float64, Batch: 8}
	fine := base
	fine.Integrator, fine.Steps = flow.RK4, 64
	adaptive := base
	adaptive.Integrator, adaptive.RelTol, adaptive.AbsTol = flow.DormandPrince, 1e-6, 1e-6
	reference, f := newFlow(t, m, fine), newFlow(t, m, adaptive)
	want, err := reference.Sample(context.Background(), 8, 4)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Sample(context.Background(), 8, 4)
	if err != nil {
		t.Fatal(err)
	}
	back, err := f.LogProb(context.Background(), got.Ensemble, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("rk4 %+v; dormand-prince %+v", want.Effort, got.Effort)
	if d := maxDifference(got.Ensemble.Data, want.Ensemble.Data); d > 1e-4 {
		t.Errorf("fields differ by %v", d)
	}
	if d := maxDifference(got.LogQ, want.LogQ); d > 1e-3 {
		t.Errorf("log q differs by %v", d)
	}
	if d := maxDifference(got.LogQ, back.LogQ); d > 1e-3 {
		t.Errorf("log q changes by %v on the way back", d)
	}
	if got.Rejected == 0 && got.Accepted < 5 {
		t.Errorf("the control never acted: %+v", got.Effort)
	}
}

// Results and counts are the same on any number of cores, and the steps of a chunk are
// those of its own configurations, not of the padding.
func TestDormandPrinceReproducible(t *testing.T) {
	m := randomHollow(t, 4, 4)
	f := newFlow(t, m, flow.Config{Integrator: flow.DormandPrince, Batch: 4})
	first, err := f.Sample(context.Background(), 10, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	second, err := f.Sample(context.Background(), 10, 4)
	if err != nil {
		t.Fatal(err)
	}
	if maxDifference(first.LogQ, second.LogQ) != 0 || maxDifference(first.Ensemble.Data, second.Ensemble.Data) != 0 {
		t.Error("the result depends on the number of cores")
	}
	if first.Effort != second.Effort {
		t.Errorf("%+v and %+v", first.Effort, second.Effort)
	}
	// A single configuration, in a batch padded with zeros or with copies of itself.
	single := fields(m.Layout().Lattice, 1)
	copies := fields(m.Layout().Lattice, 1)
	for range 3 {
		copies.Data = append(copies.Data, single.Data...)
	}
	a, err := f.LogProb(context.Background(), single, 4)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.LogProb(context.Background(), copies, 4)
	if err != nil {
		t.Fatal(err)
	}
	if a.Effort != b.Effort {
		t.Errorf("%+v alone, %+v beside copies", a.Effort, b.Effort)
	}
}

// wall is a score that ceases to be a number at some noise level, or is rough at all
// scales.
type wall struct {
	bare
	rough bool
}

func (w wall) Score(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
	s := w.bare.Score(scope, phi, sigma)
	if w.rough {
		return graph.Mul(s, graph.Sin(graph.MulScalar(phi, 1e9)))
	}
	root := graph.Sqrt(graph.ReduceAllMax(graph.Log(sigma)))
	return graph.Add(s, graph.MulScalar(graph.BroadcastToDims(root, phi.Shape().Dimensions...), 0))
}

// An integration that cannot succeed is an error.
func TestDormandPrinceFails(t *testing.T) {
	m, _ := freeField(t, 0.2, 2, 2)
	for _, rough := range []bool{false, true} {
		f := newFlow(t, wall{bare{m}, rough}, flow.Config{Integrator: flow.DormandPrince, SigmaMax: 10, Batch: 2, Steps: 4, DType: dtypes.Float64})
		for _, run := range []func() error{
			func() error { _, err := f.Sample(context.Background(), 2, 4); return err },
			func() error { _, err := f.LogProb(context.Background(), fields(m.Layout().Lattice, 2), 4); return err },
		} {
			if err := run(); err == nil || !strings.Contains(err.Error(), "do not converge") {
				t.Errorf("rough %v: error %v", rough, err)
			}
		}
	}
}
