package unet

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
)

// paperWeights sets all weights of a Paper network in two dimensions to the numbers
// off + a·sin(0.7k + n), where n numbers the tensors and k the elements of a tensor in
// the layout of PyTorch: convolutions [out, in, 3, 3] and [in, out, 3, 3].
func paperWeights(t *testing.T, store *model.Store) {
	t.Helper()
	number := 0
	put := func(path string, amplitude, offset float64, element func(k int) int) {
		v := store.GetVariable(path)
		if v == nil {
			t.Fatalf("no weight %s", path)
		}
		data := make([]float32, v.Shape().Size())
		for k := range data {
			to := k
			if element != nil {
				to = element(k)
			}
			data[to] = float32(offset + amplitude*math.Sin(0.7*float64(k)+float64(number)))
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(data, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
		number++
	}
	layer := func(dense, norm string) {
		put(dense+"/w", 0.1, 0, nil)
		put(dense+"/b", 0.1, 0, nil)
		put(norm+"/scale", 0.3, 1, nil)
		put(norm+"/shift", 0.3, 0, nil)
	}
	put("/embed/frequencies", 30, 0, nil)
	put("/embed/w", 0.1, 0, nil)
	put("/embed/b", 0.1, 0, nil)
	channels := []int{1, 32, 64, 128, 256}
	for i := 1; i <= 4; i++ {
		in := channels[i-1]
		put(fmt.Sprintf("/conv%d/w", i), 1.5/math.Sqrt(9*float64(in)), 0, convElement(in))
		layer(fmt.Sprintf("/dense%d", i), fmt.Sprintf("/gnorm%d", i))
	}
	for i := 4; i >= 1; i-- {
		in, out := 2*channels[i], channels[i-1]
		if i == 4 {
			in /= 2
		}
		name := fmt.Sprintf("/tconv%d", i)
		put(name+"/w", 1.5/math.Sqrt(9*float64(in)), 0, transposedElement(in, out))
		if i == 1 {
			put(name+"/b", 0.3, 0, nil)
			break
		}
		layer(fmt.Sprintf("/dense%d", 9-i), fmt.Sprintf("/tgnorm%d", i))
	}
}

// convElement maps an element (out, in, t₁, t₂) to its place in [out, (t₂, in, t₁)].
func convElement(in int) func(int) int {
	return func(k int) int {
		t2, t1, c, o := k%3, k/3%3, k/9%in, k/9/in
		return o*9*in + (t2*in+c)*3 + t1
	}
}

// transposedElement maps (in, out, t₁, t₂) to its place in [(t₂, out, t₁), in].
func transposedElement(in, out int) func(int) int {
	return func(k int) int {
		t2, t1, o, c := k%3, k/3%3, k/9%out, k/9/out
		return ((t2*out+o)*3+t1)*in + c
	}
}

// The published network and its strided variant against PyTorch in double precision,
// with identical weights: output, and the gradients of Σ y³ with respect to the field
// and to some weights. testdata/paper.json holds what PyTorch 1.13 gave, of the
// strided variant every eleventh number.
func TestPaperPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/paper.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]struct{ Sigma, Output, Gradient, Conv4, Tconv3 []float64 }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		strided bool
		dims    []int
		every   int
	}{{"published", false, []int{2, 6, 5}, 1}, {"strided", true, []int{1, 24, 32}, 11}} {
		want := golden[c.name]
		p, err := NewPaper(PaperConfig{Strided: c.strided})
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float64, c.dims[0]*c.dims[1]*c.dims[2])
		for i := range x {
			x[i] = 1.5 * math.Sin(0.3*math.Pow(float64(i), 1.5))
		}
		in := []any{tensors.FromFlatDataAndDimensions(x, c.dims[0], 1, c.dims[1], c.dims[2]), want.Sigma}
		store := model.NewStore()
		apply := func(scope *model.Scope, x, sigma *graph.Node) *graph.Node {
			return p.Apply(scope, diffusion.Inputs{Features: x, Sigma: sigma, Outputs: 1})
		}
		if _, err := model.MustNewExec(backendtest.Open(), store, apply).Call1(in...); err != nil {
			t.Fatal(err)
		}
		paperWeights(t, store)
		size := 0
		for v := range store.IterVariables() {
			size += v.Shape().Size()
			if fixed := v.Path() == "/embed/frequencies"; v.Trainable == fixed {
				t.Errorf("%s: trainable = %v", v.Path(), v.Trainable)
			}
		}
		if size != 1115425 {
			t.Errorf("%s: %d parameters, want 1115425", c.name, size)
		}
		res, err := model.MustNewExec(backendtest.Open(), store, func(scope *model.Scope, x, sigma *graph.Node) []*graph.Node {
			y := apply(scope, x, sigma)
			g := x.Graph()
			loss := graph.ReduceAllSum(graph.Mul(y, graph.Square(y)))
			return append(graph.Gradient(loss, x, store.GetVariable("/conv4/w").NodeValue(g), store.GetVariable("/tconv3/w").NodeValue(g)), y)
		}).Call(in...)
		if err != nil {
			t.Fatal(err)
		}
		compare := func(what string, got, want []float64, tolerance float64) {
			if len(got) != len(want) || len(want) == 0 {
				t.Fatalf("%s %s: %d numbers, want %d", c.name, what, len(got), len(want))
			}
			scale := 0.0
			for _, w := range want {
				scale = math.Max(scale, math.Abs(w))
			}
			for i, w := range want {
				if math.Abs(got[i]-w) > tolerance*scale {
					t.Errorf("%s %s %d: got %v, want %v", c.name, what, i, got[i], w)
				}
			}
		}
		// The file holds nine digits; gradients of weights are float32.
		compare("output", every(tensors.MustCopyFlatData[float64](res[3]), c.every, nil), want.Output, 1e-8)
		compare("gradient", every(tensors.MustCopyFlatData[float64](res[0]), c.every, nil), want.Gradient, 1e-8)
		compare("gradient of conv4", every(flat64(res[1]), 40001, convElement(128)), want.Conv4, 1e-6)
		compare("gradient of tconv3", every(flat64(res[2]), 20001, transposedElement(256, 64)), want.Tconv3, 1e-6)
	}
}

// every returns the elements 0, n, 2n, … of x, numbered through the given map.
func every(x []float64, n int, element func(int) int) []float64 {
	var out []float64
	for k := 0; k < len(x); k += n {
		to := k
		if element != nil {
			to = element(k)
		}
		out = append(out, x[to])
	}
	return out
}

func flat64(t *tensors.Tensor) []float64 {
	if t.DType() == dtypes.Float64 {
		return tensors.MustCopyFlatData[float64](t)
	}
	var out []float64
	for _, v := range tensors.MustCopyFlatData[float32](t) {
		out = append(out, float64(v))
	}
	return out
}
