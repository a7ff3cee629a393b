package difftest

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/lattice"
)

// TestSpace checks a space for fields of a layout:
//
//   - Tangent takes the fixed modes off a field, and nothing else, and SumModes leaves them out;
//   - Wrap leaves fields that it has made as they are, and they are in the space;
//   - encoding/json brings the space back.
func TestSpace(t testing.TB, backend compute.Backend, space diffusion.Space, layout lattice.Layout) {
	t.Helper()
	size, fixed := layout.Size(), space.Fixed(layout)
	if !slices.IsSorted(fixed) || len(slices.Compact(slices.Clone(fixed))) != len(fixed) {
		t.Errorf("difftest: expected rising numbers of the fixed modes, got %v", fixed)
	}
	exec, err := graph.NewExec(backend, func(x *graph.Node) []*graph.Node {
		return []*graph.Node{space.Tangent(x), diffusion.SumModes(space, layout, x)}
	})
	if err != nil {
		t.Fatalf("difftest: building the graph of the space: %v", err)
	}
	units := make([]float64, size*size)
	for x := range size {
		units[x*size+x] = 1
	}
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(units, append([]int{size, layout.Components}, layout.Dims()...)...))
	if err != nil {
		t.Fatalf("difftest: evaluating the space: %v", err)
	}
	tangents, sums := tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
	for x := range size {
		if d := deviation(tangents[x*size:(x+1)*size], direction(space, layout, x)); !(d < 1e-12) {
			t.Errorf("difftest: Tangent of a unit vector at %d is off by %v from the vector without the modes %v", x, d, fixed)
		}
		want := 1.0
		if slices.Contains(fixed, x) {
			want = 0
		}
		if d := sums[x] - want; !(max(d, -d) < 1e-12) {
			t.Errorf("difftest: mode %d counts %v times in a sum over the modes that noise moves", x, sums[x])
		}
	}
	testWrap(t, space, layout)
	text, err := json.Marshal(space)
	if err != nil {
		t.Fatalf("difftest: encoding the space: %v", err)
	}
	back := reflect.New(reflect.TypeOf(space))
	if err := json.Unmarshal(text, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), space) {
		t.Errorf("difftest: %s brings back the space %+v in the place of %+v (%v)", text, back.Elem(), space, err)
	}
}

// testWrap checks the fields that Wrap makes of a draw from a prior without a linear part.
func testWrap(t testing.TB, space diffusion.Space, layout lattice.Layout) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	fields := &lattice.Ensemble{Layout: layout, Data: make([]float64, layout.Size())}
	modes := space.Prior(bare{layout: layout}, 1).Modes(rng, 1)
	for x := range fields.Data {
		for k, v := range modes {
			fields.Data[x] += v * mode(layout, k, x)
		}
	}
	space.Wrap(layout, fields.Data)
	once := slices.Clone(fields.Data)
	space.Wrap(layout, fields.Data)
	if !slices.Equal(once, fields.Data) {
		t.Errorf("difftest: Wrap changes a field that it has made: %v to %v", once, fields.Data)
	}
	if err := space.CheckFields(fields); err != nil {
		t.Errorf("difftest: a field of the prior is not in the space: %v", err)
	}
}

// bare is a model that knows its layout alone.
type bare struct {
	diffusion.ScoreModel
	layout lattice.Layout
}

func (b bare) Layout() lattice.Layout { return b.layout }

// direction returns the unit vector at number x of a field without the modes that noise leaves
// alone.
func direction(space diffusion.Space, layout lattice.Layout, x int) []float64 {
	e := make([]float64, layout.Size())
	e[x] = 1
	for _, k := range space.Fixed(layout) {
		at := mode(layout, k, x)
		for y := range e {
			e[y] -= at * mode(layout, k, y)
		}
	}
	return e
}

// mode returns mode k of the Hartley transform of a field at number x.
func mode(layout lattice.Layout, k, x int) float64 {
	v := layout.Volume()
	if k/v != x/v {
		return 0
	}
	return hartley.Mode(k%v, layout.Dims()...)[x%v]
}
