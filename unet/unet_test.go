package unet

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/lattice"
)

func normals(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// offsets returns the displacement of every tap, in the order of Stencil.patches.
func offsets(s Stencil, d int) [][]int {
	var out [][]int
	if s == Cross {
		for i := -d; i <= d; i++ {
			o := make([]int, d)
			if i < 0 {
				o[-i-1] = -1
			} else if i > 0 {
				o[i-1] = 1
			}
			out = append(out, o)
		}
		return out
	}
	for tap := range s.taps(d) {
		// The tap of the last lattice axis runs slowest.
		o := make([]int, d)
		for mu, rest := 0, tap; mu < d; mu++ {
			o[mu] = rest%3 - 1
			rest /= 3
		}
		out = append(out, o)
	}
	return out
}

// The convolution against a direct sum over taps, in one, two and three dimensions.
func TestConvDirect(t *testing.T) {
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	const in, out, batch = 2, 3, 2
	for _, stencil := range []Stencil{Cross, Box} {
		for _, dims := range [][]int{{5}, {4, 6}, {3, 2, 4}, {1, 4}} {
			lat, err := lattice.New(dims...)
			if err != nil {
				t.Fatal(err)
			}
			shifts := offsets(stencil, len(dims))
			taps := len(shifts)
			if taps != stencil.taps(len(dims)) {
				t.Fatalf("%s in %d dimensions: %d taps", stencil, len(dims), stencil.taps(len(dims)))
			}
			rng := rand.New(rand.NewPCG(3, 4))
			x, w := normals(rng, in*lat.Volume()*batch), normals(rng, out*taps*in)
			shape := append(append([]int{in}, dims...), batch)
			exec := graph.MustNewExec(backend, func(x, w *graph.Node) *graph.Node { return conv(stencil, x, w) })
			res, err := exec.Call(tensors.FromFlatDataAndDimensions(x, shape...), tensors.FromFlatDataAndDimensions(w, out, taps*in))
			if err != nil {
				t.Fatal(err)
			}
			got := tensors.MustCopyFlatData[float64](res[0])
			coord := make([]int, len(dims))
			for o := range out {
				for site := range lat.Volume() {
					for b := range batch {
						want := 0.0
						for tap, shift := range shifts {
							lat.Coord(coord, site)
							for mu := range coord {
								coord[mu] += shift[mu]
							}
							y := lat.Index(coord...)
							for i := range in {
								want += w[(o*taps+tap)*in+i] * x[(i*lat.Volume()+y)*batch+b]
							}
						}
						if g := got[(o*lat.Volume()+site)*batch+b]; math.Abs(g-want) > 1e-12 {
							t.Fatalf("%s %v out %d site %d: got %v, want %v", stencil, dims, o, site, g, want)
						}
					}
				}
			}
		}
	}
}

func testNetwork(t *testing.T, stencil Stencil, channels []int) *Network {
	t.Helper()
	u, err := New(Config{Channels: channels, Embedding: 8, Stencil: stencil})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// randomise replaces all weights, so that layers that start at zero are tested too.
func randomise(t *testing.T, store *model.Store, rng *rand.Rand) {
	t.Helper()
	for v := range store.IterVariables() {
		data := make([]float32, v.Shape().Size())
		for i := range data {
			data[i] = float32(0.3 * rng.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(data, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
}

// Reverse-mode gradients with respect to the field and to every weight against
// central differences, in float64.
func TestGradients(t *testing.T) {
	for _, stencil := range []Stencil{Cross, Box} {
		t.Run(string(stencil), func(t *testing.T) { testGradients(t, stencil) })
	}
}

func testGradients(t *testing.T, stencil Stencil) {
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	u := testNetwork(t, stencil, []int{3, 4})
	loss := func(scope *model.Scope, x, logSigma *graph.Node) *graph.Node {
		out := u.Apply(scope, []*graph.Node{x, graph.Mul(x, graph.Mul(x, x))}, logSigma, 2)
		return graph.ReduceAllSum(graph.Add(graph.Square(out[0]), graph.Mul(out[1], graph.Mul(out[1], out[0]))))
	}
	rng := rand.New(rand.NewPCG(5, 6))
	const batch, n = 2, 4
	x := tensors.FromFlatDataAndDimensions(normals(rng, batch*n*n), batch, n, n)
	ls := tensors.FromFlatDataAndDimensions([]float64{-0.5, 0.8}, batch)
	value := model.MustNewExec(backend, store, loss)
	if _, err := value.Call1(x, ls); err != nil {
		t.Fatal(err)
	}
	randomise(t, store, rng)
	var paths []string
	grads := model.MustNewExec(backend, store, func(scope *model.Scope, inputs []*graph.Node) []*graph.Node {
		l := loss(scope, inputs[0], inputs[1])
		wrt := []*graph.Node{inputs[0]}
		for v := range store.IterVariables() {
			paths = append(paths, v.Path())
			wrt = append(wrt, v.NodeValue(l.Graph()))
		}
		return graph.Gradient(l, wrt...)
	})
	res, err := grads.Call(x, ls)
	if err != nil {
		t.Fatal(err)
	}
	eval := func(x *tensors.Tensor) float64 {
		out, err := value.Call1(x, ls)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.ToScalar[float64](out)
	}
	gx := tensors.MustCopyFlatData[float64](res[0])
	base := tensors.MustCopyFlatData[float64](x)
	for _, i := range []int{0, 5, 17, 31} {
		const h = 1e-5
		shifted := func(d float64) float64 {
			y := append([]float64(nil), base...)
			y[i] += d
			return eval(tensors.FromFlatDataAndDimensions(y, batch, n, n))
		}
		fd := (shifted(h) - shifted(-h)) / (2 * h)
		if math.Abs(fd-gx[i]) > 1e-6*(1+math.Abs(fd)) {
			t.Errorf("gradient of field %d: got %v, central difference %v", i, gx[i], fd)
		}
	}
	for k, path := range paths {
		v := store.GetVariable(path)
		w, err := tensors.CopyFlatData[float32](v.MustValue())
		if err != nil {
			t.Fatal(err)
		}
		g := flat64(res[k+1])[0]
		// The weights are float32: a step that float32 represents exactly.
		h := float32(1. / 256)
		shifted := func(d float32) float64 {
			y := append([]float32(nil), w...)
			y[0] += d
			if err := v.SetValue(tensors.FromFlatDataAndDimensions(y, v.Shape().Dimensions...)); err != nil {
				t.Fatal(err)
			}
			return eval(x)
		}
		up, down := w[0]+h, w[0]-h
		fd := (shifted(h) - shifted(-h)) / float64(up-down)
		shifted(0)
		// The error of the central difference is O(h²) times a third derivative.
		if math.Abs(fd-g) > 2e-3*(1+math.Abs(fd)) {
			t.Errorf("gradient of %s: got %v, central difference %v", path, g, fd)
		}
	}
}

// The network is odd, and commutes with translations by the stride of its coarsest
// level and with no smaller ones.
func TestSymmetries(t *testing.T) {
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	lat, err := lattice.New(8, 4)
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	u := testNetwork(t, Cross, []int{3, 4, 5})
	exec := model.MustNewExec(backend, store, func(scope *model.Scope, x, ls *graph.Node) *graph.Node {
		return u.Apply(scope, []*graph.Node{x}, ls, 1)[0]
	})
	rng := rand.New(rand.NewPCG(7, 8))
	apply := func(x []float64) []float64 {
		out, err := exec.Call1(tensors.FromFlatDataAndDimensions(x, 1, 8, 4), tensors.FromFlatDataAndDimensions([]float64{0.3}, 1))
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float64](out)
	}
	x := normals(rng, lat.Volume())
	apply(x)
	randomise(t, store, rng)
	y := apply(x)
	translate := func(f []float64, shift int) []float64 {
		out := make([]float64, len(f))
		for site := range f {
			c := lat.Coord(nil, site)
			out[lat.Index(c[0]+shift, c[1])] = f[site]
		}
		return out
	}
	distance := func(a, b []float64) float64 {
		d := 0.0
		for i := range a {
			d = math.Max(d, math.Abs(a[i]-b[i]))
		}
		return d
	}
	minus := make([]float64, len(x))
	for i, v := range x {
		minus[i] = -v
	}
	odd := apply(minus)
	for i := range odd {
		odd[i] = -odd[i]
	}
	if d := distance(odd, y); d > 1e-12 {
		t.Errorf("network is not odd: deviation %v", d)
	}
	if d := distance(apply(translate(x, 4)), translate(y, 4)); d > 1e-12 {
		t.Errorf("network does not commute with a translation by its stride: deviation %v", d)
	}
	if d := distance(apply(translate(x, 1)), translate(y, 1)); d < 1e-6 {
		t.Errorf("a translation by one site made no difference: the coarse levels are not used")
	}
}

func TestErrors(t *testing.T) {
	for _, cfg := range []Config{{Channels: []int{}}, {Stencil: "star"}, {Channels: []int{4, 0}}, {Blocks: -1}, {Embedding: -3}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("New(%+v) accepted", cfg)
		}
	}
	u, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for dims, ok := range map[[2]int]bool{{8, 12}: true, {8, 6}: false, {7, 8}: false} {
		lat, err := lattice.New(dims[0], dims[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Check(lat); (err == nil) != ok {
			t.Errorf("Check(%v) = %v", lat, err)
		}
	}
}

func BenchmarkScore16x16(b *testing.B) {
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		b.Fatal(err)
	}
	u, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	const batch, n = 64, 16
	x := tensors.FromShape(shapes.Make(dtypes.Float32, batch, n, n))
	ls := tensors.FromShape(shapes.Make(dtypes.Float32, batch))
	run := func(b *testing.B, f func(scope *model.Scope, x, ls *graph.Node) *graph.Node) {
		exec := model.MustNewExec(backend, model.NewStore(), f)
		if _, err := exec.Call1(x, ls); err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		for range b.N {
			out, err := exec.Call1(x, ls)
			if err != nil {
				b.Fatal(err)
			}
			if err := out.FinalizeAll(); err != nil {
				b.Fatal(err)
			}
		}
	}
	score := func(scope *model.Scope, x, ls *graph.Node) *graph.Node {
		return u.Apply(scope, []*graph.Node{x, x}, ls, 1)[0]
	}
	b.Run("score", func(b *testing.B) { run(b, score) })
	b.Run("gradient", func(b *testing.B) {
		run(b, func(scope *model.Scope, x, ls *graph.Node) *graph.Node {
			return graph.Gradient(graph.ReduceAllSum(graph.Square(score(scope, x, ls))), x)[0]
		})
	})
}
