package difftest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
)

// TestScore checks a score model with the weights that it has:
//
//   - the score is finite, and of the shape of the field, for fields of any size;
//   - one noise level for all samples gives what the same level for each of them does, and
//     a sample does not depend on the others of its batch;
//   - it has the symmetries that cfg says it keeps, and no others;
//   - for a [diffusion.LinearModel], the linear part and the remainder add up to it;
//   - a divergence that the model knows is that of finite differences.
func TestScore(t testing.TB, backend compute.Backend, m diffusion.ScoreModel, cfg Config) {
	t.Helper()
	cfg.setDefaults()
	testScore(t, backend, m, cfg)
}

// testScore is TestScore with the defaults filled in.
func testScore(t testing.TB, backend compute.Backend, m diffusion.ScoreModel, cfg Config) {
	t.Helper()
	score := scoreOf(t, backend, m)
	rng := rand.New(rand.NewPCG(1, 2))
	fields := normals(rng, len(levels)*m.Layout().Size())
	want := score.call(t, fields, levels)[0]
	testShapes(t, score, fields, want)
	if cfg.Keeps != nil {
		testSymmetries(t, score, m.Layout(), cfg, fields)
	}
	testParts(t, backend, m, fields, want)
	testDivergence(t, backend, m, fields)
}

// testShapes checks values for fields of any size, and how they depend on the batch.
func testShapes(t testing.TB, score function, fields, want []float64) {
	t.Helper()
	size := score.layout.Size()
	if len(want) != len(fields) || !finite(want) {
		t.Fatalf("difftest: expected %d finite numbers of the score, got %d: %v", len(fields), len(want), want)
	}
	for _, scale := range []float64{0, 1e-6, 1e3} {
		scaled := make([]float64, len(fields))
		for i, v := range fields {
			scaled[i] = scale * v
		}
		if got := score.call(t, scaled, levels)[0]; !finite(got) {
			t.Errorf("difftest: the score of fields of size %v is not finite", scale)
		}
	}
	for i, level := range levels {
		one := fields[i*size : (i+1)*size]
		got := score.call(t, slices.Concat(one, fields[:size], one), []float64{level})[0]
		alone := want[i*size : (i+1)*size]
		if d := max(deviation(got[:size], alone), deviation(got[2*size:], alone)); !(d < 1e-11) {
			t.Errorf("difftest: at σ = %v, shared by all samples, the score of a sample differs by %v from that with a level of its own", level, d)
		}
	}
}

// testParts checks that the score of a model with a linear part is the sum of its parts.
func testParts(t testing.TB, backend compute.Backend, m diffusion.ScoreModel, fields, want []float64) {
	t.Helper()
	l, ok := diffusion.Linear(m)
	if !ok {
		return
	}
	parts := compile(t, backend, m, func(scope *model.Scope, phi, sigma *graph.Node) []*graph.Node {
		r := l.Remainder(scope, phi, sigma).Sum()
		if r == nil {
			r = graph.ZerosLike(phi)
		}
		return []*graph.Node{r}
	}).call(t, fields, levels)[0]
	size := m.Layout().Size()
	for i, level := range levels {
		linear := gaussianScore(l, 0, fields[i*size:(i+1)*size], level)
		for j := range linear {
			linear[j] += parts[i*size+j]
		}
		if d := deviation(linear, want[i*size:(i+1)*size]); !(d < 1e-10) {
			t.Errorf("difftest: at σ = %v the linear part and the remainder differ by %v from the score", level, d)
		}
	}
}

// known returns a graph of what of the score has a known divergence, and of that divergence,
// or nil for a model that knows none.
func known(m diffusion.ScoreModel) func(scope *model.Scope, phi, sigma *graph.Node) []*graph.Node {
	if d, ok := m.(diffusion.DivergenceModel); ok {
		return func(scope *model.Scope, phi, sigma *graph.Node) []*graph.Node {
			s, div := d.ScoreDivergence(scope, phi, sigma)
			return []*graph.Node{s, div}
		}
	}
	l, ok := diffusion.Linear(m)
	if !ok {
		return nil
	}
	return func(scope *model.Scope, phi, sigma *graph.Node) []*graph.Node {
		r := l.Remainder(scope, phi, sigma)
		if r.Known == nil {
			r.Known = graph.ZerosLike(phi)
			r.Divergence = graph.ReduceSum(graph.Reshape(r.Known, phi.Shape().Dimensions[0], -1), 1)
		}
		out := []*graph.Node{r.Known, r.Divergence}
		if r.Learned != nil {
			// The pure-Go backend cannot run a graph with weights that nothing needs.
			out = append(out, r.Learned)
		}
		return out
	}
}

// testDivergence compares a known divergence with differences of the fourth order, in the
// directions in which noise moves a field.
func testDivergence(t testing.TB, backend compute.Backend, m diffusion.ScoreModel, fields []float64) {
	t.Helper()
	graphOf := known(m)
	if graphOf == nil {
		return
	}
	f := compile(t, backend, m, graphOf)
	size, space := m.Layout().Size(), diffusion.SpaceOf(m)
	const h = 4e-3
	steps, weights := []float64{-2, -1, 1, 2}, []float64{1. / 12, -8. / 12, 8. / 12, -1. / 12}
	for i, level := range levels {
		phi := fields[i*size : (i+1)*size]
		got := f.call(t, phi, []float64{level})[1]
		if len(got) != 1 {
			t.Fatalf("difftest: expected one divergence a sample, got %d", len(got))
		}
		want, scale := 0.0, 1.0
		for x := range phi {
			var shifted []float64
			along := direction(space, m.Layout(), x)
			for _, s := range steps {
				for y, v := range phi {
					shifted = append(shifted, v+s*h*along[y])
				}
			}
			values := f.call(t, shifted, []float64{level})[0]
			slope := 0.0
			for j, w := range weights {
				slope += w * values[j*size+x] / h
			}
			want += slope
			scale += max(slope, -slope)
		}
		if d := got[0] - want; !(max(d, -d) < 1e-7*scale) {
			t.Errorf("difftest: at σ = %v the divergence is %v, finite differences give %v", level, got[0], want)
		}
	}
}
