package difftest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// function is a compiled graph of fields and noise levels, in float64.
type function struct {
	layout lattice.Layout
	exec   *model.Exec
}

// compile compiles a function of fields and noise levels of m.
func compile(t testing.TB, backend compute.Backend, m diffusion.ScoreModel, f func(scope *model.Scope, phi, sigma *graph.Node) []*graph.Node) function {
	t.Helper()
	exec, err := model.NewExec(backend, m.Store(), f)
	if err != nil {
		t.Fatalf("difftest: building the graph of the model: %v", err)
	}
	return function{m.Layout(), exec}
}

// call evaluates the function.
func (f function) call(t testing.TB, fields, sigma []float64) [][]float64 {
	t.Helper()
	shape := append([]int{len(fields) / f.layout.Size(), f.layout.Components}, f.layout.Dims()...)
	out, err := f.exec.Call(tensors.FromFlatDataAndDimensions(fields, shape...), sigma)
	if err != nil {
		t.Fatalf("difftest: evaluating the model: %v", err)
	}
	values := make([][]float64, len(out))
	for i, o := range out {
		if o.DType() == dtypes.Float32 {
			for _, v := range tensors.MustCopyFlatData[float32](o) {
				values[i] = append(values[i], float64(v))
			}
			continue
		}
		values[i] = tensors.MustCopyFlatData[float64](o)
	}
	return values
}

// scoreOf compiles the score alone.
func scoreOf(t testing.TB, backend compute.Backend, m diffusion.ScoreModel) function {
	t.Helper()
	return compile(t, backend, m, func(scope *model.Scope, phi, sigma *graph.Node) []*graph.Node {
		return []*graph.Node{m.Score(scope, phi, sigma)}
	})
}

// normals returns n numbers from a normal distribution.
func normals(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// deviation returns the largest difference of two vectors in units of the largest number
// of the second one, and NaN for vectors of different lengths or with numbers that are not.
func deviation(got, want []float64) float64 {
	if len(got) != len(want) {
		return math.NaN()
	}
	d, scale := 0.0, 1.0
	for i, w := range want {
		e := math.Abs(got[i] - w)
		if math.IsNaN(e) {
			return e
		}
		d, scale = math.Max(d, e), math.Max(scale, math.Abs(w))
	}
	return d / scale
}

// finite says whether all numbers are.
func finite(x []float64) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}
