package unet

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/lowering"
)

// Convolutions as they are lowered for every device give the same outputs and gradients, in
// float32.
func TestLowerings(t *testing.T) {
	const in, out, batch = 3, 2, 2
	type layer struct {
		name    string
		extents []int // of the input
		weights []int
		apply   func(x, w *graph.Node) *graph.Node
	}
	var layers []layer
	for _, extents := range [][]int{{6}, {6, 4}, {4, 6, 4}} {
		d := len(extents)
		taps := Box.taps(d)
		for _, s := range []Stencil{Cross, Box} {
			layers = append(layers, layer{string(s), extents, []int{out, s.taps(d) * in},
				func(x, w *graph.Node) *graph.Node { return conv(s, x, w) }})
		}
		for name, k := range map[string]window{"same": {1, 1}, "valid": {1, 0}, "strided": {2, 0}} {
			coarse := make([]int, d)
			back := make([]int, d)
			for i, n := range extents {
				coarse[i] = k.outputs(n)
				back[i] = k.returned(coarse[i])
			}
			layers = append(layers,
				layer{name, extents, []int{out, taps * in}, k.conv},
				layer{name + " transposed", coarse, []int{taps * out, in},
					func(x, w *graph.Node) *graph.Node { return k.transposed([]*graph.Node{x}, w, back) }})
		}
	}
	here := device
	defer func() { device = here }()
	lowered := []lowering.Device{lowering.XLAGPU, lowering.XLACPU, lowering.PureGo}
	for _, l := range layers {
		rng := rand.New(rand.NewPCG(9, 10))
		x := randomTensor(rng, append(append([]int{in}, l.extents...), batch)...)
		w := randomTensor(rng, l.weights...)
		var results [][]*tensors.Tensor
		for _, d := range lowered {
			device = func(*graph.Node) lowering.Device { return d }
			res, err := graph.MustNewExec(backendtest.Open(), func(x, w *graph.Node) []*graph.Node {
				y := l.apply(x, w)
				loss := graph.ReduceAllSum(graph.Mul(y, graph.Square(y)))
				return append(graph.Gradient(loss, x, w), y)
			}).Call(x, w)
			if err != nil {
				t.Fatalf("%s %v: %v", l.name, l.extents, err)
			}
			results = append(results, res)
		}
		for i, what := range []string{"gradient of the field", "gradient of the weights", "output"} {
			direct := flat64(results[0][i])
			scale := 0.0
			for _, v := range direct {
				scale = math.Max(scale, math.Abs(v))
			}
			for n, d := range lowered[1:] {
				products := flat64(results[n+1][i])
				if len(products) != len(direct) || scale == 0 {
					t.Fatalf("%s %v %s: %d and %d numbers up to %v", l.name, l.extents, what, len(products), len(direct), scale)
				}
				for j := range direct {
					if math.Abs(products[j]-direct[j]) > 1e-5*scale {
						t.Fatalf("%s %v %s %d: %v by products as on device %d, %v by the convolution", l.name, l.extents, what, j, products[j], d, direct[j])
					}
				}
			}
		}
	}
}

func randomTensor(rng *rand.Rand, dims ...int) *tensors.Tensor {
	size := 1
	for _, n := range dims {
		size *= n
	}
	x := make([]float32, size)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(x, dims...)
}
