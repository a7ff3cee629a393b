package hollow_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
)

// trace returns Σ_x ∂r(x)/∂φ(x) by one reverse pass per site.
func trace(t *testing.T, m *diffusion.Model, data, sigma []float64) []float64 {
	t.Helper()
	v := m.Lattice().Volume()
	exec := model.MustNewExec(goBackend(), m.Store(), func(scope *model.Scope, phi, s *graph.Node) *graph.Node {
		r := graph.Reshape(m.Remainder(scope, phi, s).Known, -1, v)
		var sum *graph.Node
		for x := range v {
			at := graph.ReduceAllSum(graph.SliceAxis(r, 1, graph.AxisElem(x)))
			row := graph.Reshape(graph.Gradient(at, phi)[0], -1, v)
			diagonal := graph.Reshape(graph.SliceAxis(row, 1, graph.AxisElem(x)), -1)
			if sum == nil {
				sum = diagonal
			} else {
				sum = graph.Add(sum, diagonal)
			}
		}
		return sum
	})
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(data, append([]int{len(sigma)}, m.Lattice().Dims()...)...), sigma)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float64](out)
}

// The divergence equals that of V reverse passes, for one to three dimensions, lattices
// that the kernels reach around, and with the two wells of an ordered phase.
func TestDivergence(t *testing.T) {
	for _, dims := range [][]int{{6}, {4, 4}, {4, 6}, {3, 1, 2}} {
		for _, order := range []float64{0, 3} {
			t.Run(fmt.Sprint(dims, order), func(t *testing.T) {
				cfg := small
				cfg.Local = len(dims) == 1
				m := randomModel(t, cfg, order, dims...)
				rng := rand.New(rand.NewPCG(4, 5))
				sigma := []float64{0.05, 0.7, 4}
				data := normals(rng, len(sigma)*m.Lattice().Volume())
				_, got := evaluate(t, m, data, sigma)
				want := trace(t, m, data, sigma)
				for i := range sigma {
					if !(math.Abs(got[i]-want[i]) < 1e-8*(1+math.Abs(want[i]))) || math.Abs(want[i]) < 1e-5 {
						t.Errorf("σ = %v: divergence %v, reverse passes give %v", sigma[i], got[i], want[i])
					}
				}
			})
		}
	}
}

// The gradient of the divergence with respect to every weight, and to the field, against
// central differences.
func TestDivergenceGradient(t *testing.T) {
	for _, order := range []float64{0, 3} {
		m := randomModel(t, small, order, 4, 3)
		rng := rand.New(rand.NewPCG(6, 7))
		sigma := []float64{0.3, 2}
		data := normals(rng, len(sigma)*m.Lattice().Volume())
		var paths []string
		for v := range m.Store().IterVariables() {
			paths = append(paths, v.Path())
		}
		sum := func(scope *model.Scope, phi, s *graph.Node) *graph.Node {
			return graph.ReduceAllSum(graph.Square(m.Remainder(scope, phi, s).Divergence))
		}
		input := tensors.FromFlatDataAndDimensions(data, 2, 4, 3)
		gradient := model.MustNewExec(goBackend(), m.Store(), func(scope *model.Scope, phi, s *graph.Node) []*graph.Node {
			y := sum(scope, phi, s)
			var weights []*graph.Node
			for _, p := range paths {
				weights = append(weights, m.Store().GetVariable(p).NodeValue(phi.Graph()))
			}
			return graph.Gradient(y, weights...)
		})
		grads, err := gradient.Call(input, sigma)
		if err != nil {
			t.Fatal(err)
		}
		value := model.MustNewExec(goBackend(), m.Store(), sum)
		eval := func() float64 {
			out, err := value.Call1(input, sigma)
			if err != nil {
				t.Fatal(err)
			}
			return tensors.ToScalar[float64](out)
		}
		for i, path := range paths {
			v := m.Store().GetVariable(path)
			flat := tensors.MustCopyFlatData[float32](v.MustValue())
			grad := tensors.MustCopyFlatData[float32](grads[i])
			// A direction in the space of this variable; the weights are float32, and so
			// the points of the difference must be.
			want, points := 0.0, [2][]float32{}
			for side, h := range []float32{1.0 / 256, -1.0 / 256} {
				points[side] = make([]float32, len(flat))
				for j, w := range flat {
					points[side][j] = w + h*float32(j%3-1)
				}
			}
			if len(flat) == 1 {
				points[0][0], points[1][0] = flat[0]+1.0/256, flat[0]-1.0/256
			}
			for j := range flat {
				want += float64(grad[j]) * float64(points[0][j]-points[1][j])
			}
			set := func(w []float32) float64 {
				if err := v.SetValue(tensors.FromFlatDataAndDimensions(w, v.Shape().Dimensions...)); err != nil {
					t.Fatal(err)
				}
				return eval()
			}
			got := set(points[0]) - set(points[1])
			set(flat)
			// The step leaves a relative error of the order 1/256² times the ratio of the
			// third to the first derivative.
			if !(math.Abs(got-want) < 2e-3*math.Abs(want)+1e-5) {
				t.Errorf("order %v, %s: difference %v, gradient %v", order, path, got, want)
			}
		}
	}
}
