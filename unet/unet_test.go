package unet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
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
	small := func(cfg Config) diffusion.Network {
		cfg.Channels, cfg.Embedding = []int{3, 4}, 8
		return must(New(cfg))
	}
	for name, network := range map[string]diffusion.Network{
		"cross":     small(Config{Stencil: Cross}),
		"box":       small(Config{Stencil: Box}),
		"site norm": small(Config{Norm: SiteNorm}),
		// The channels of the first level are one group, those of the second another.
		"group norm":    small(Config{Norm: GroupNorm}),
		"D4":            small(Config{D4: true}),
		"paper":         must(NewPaper(PaperConfig{Channels: []int{32, 64}, Embedding: 6})),
		"paper strided": must(NewPaper(PaperConfig{Channels: []int{32, 32}, Embedding: 6, Strided: true})),
		"site":          must(NewSite(SiteConfig{Width: 5, Embedding: 4})),
		"asymmetric":    must(NewSite(SiteConfig{Width: 5, Embedding: 4, Parity: diffusion.NoParity})),
	} {
		t.Run(name, func(t *testing.T) { testGradients(t, network) })
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func testGradients(t *testing.T, u diffusion.Network) {
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	loss := func(scope *model.Scope, x, logSigma *graph.Node) *graph.Node {
		out := u.Apply(scope, []*graph.Node{x, graph.Mul(x, graph.Mul(x, x))}, logSigma, 2)
		return graph.ReduceAllSum(graph.Add(graph.Square(out[0]), graph.Mul(out[1], graph.Mul(out[1], out[0]))))
	}
	rng := rand.New(rand.NewPCG(5, 6))
	const batch, n = 2, 8
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
	for _, i := range []int{0, 5, 17, 31, 64 + 9, 127} {
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

// evaluator returns a function that applies a network with random weights to one field
// on lat, in float64.
func evaluator(t *testing.T, network diffusion.Network, lat *lattice.Lattice) func(x []float64) []float64 {
	t.Helper()
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	if err := network.Check(lat); err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	exec := model.MustNewExec(backend, store, func(scope *model.Scope, x, ls *graph.Node) *graph.Node {
		return network.Apply(scope, []*graph.Node{x}, ls, 1)[0]
	})
	apply := func(x []float64) []float64 {
		out, err := exec.Call1(tensors.FromFlatDataAndDimensions(x, append([]int{1}, lat.Dims()...)...), []float64{0.3})
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float64](out)
	}
	apply(make([]float64, lat.Volume()))
	randomise(t, store, rand.New(rand.NewPCG(7, 8)))
	return apply
}

// moved returns the field with f(x) at the site that to makes of the coordinates of x.
func moved(lat *lattice.Lattice, f []float64, to func(c []int)) []float64 {
	out := make([]float64, len(f))
	for site := range f {
		c := lat.Coord(nil, site)
		to(c)
		out[lat.Index(c...)] = f[site]
	}
	return out
}

func distance(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = math.Max(d, math.Abs(a[i]-b[i]))
	}
	return d
}

// Networks commute with the symmetries they claim, to rounding, and measurably with no
// others.
func TestSymmetries(t *testing.T) {
	channels := []int{3, 4, 5}
	for _, test := range []struct {
		name    string
		network diffusion.Network
		dims    []int
		odd     bool
		stride  int // of the translations that commute; 0: none do
		point   bool
	}{
		{"default", must(New(Config{Channels: channels})), []int{8, 4}, true, 4, false},
		{"site norm", must(New(Config{Channels: channels, Norm: SiteNorm})), []int{8, 4}, true, 4, false},
		{"group norm", must(New(Config{Channels: channels, Norm: GroupNorm})), []int{8, 4}, true, 4, false},
		{"box", must(New(Config{Channels: channels, Stencil: Box})), []int{4, 4, 4}, true, 4, false},
		{"D4", must(New(Config{Channels: channels, D4: true})), []int{8, 8}, true, 4, true},
		{"D4, rectangular", must(New(Config{Channels: channels, D4: true, Norm: SiteNorm})), []int{8, 4}, true, 4, true},
		{"three dimensions", must(New(Config{Channels: []int{3, 4}, D4: true})), []int{4, 4, 2}, true, 2, true},
		{"one dimension", must(New(Config{Channels: channels, D4: true})), []int{12}, true, 4, true},
		{"one level", must(New(Config{Channels: []int{5}, Blocks: 2})), []int{5, 3}, true, 1, false},
		{"site", must(NewSite(SiteConfig{Width: 6})), []int{3, 3}, true, 1, true},
		{"asymmetric", must(NewSite(SiteConfig{Width: 6, Parity: diffusion.NoParity})), []int{3, 3}, false, 1, true},
		{"paper", must(NewPaper(PaperConfig{Channels: []int{32, 32}})), []int{4, 6}, false, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			lat, err := lattice.New(test.dims...)
			if err != nil {
				t.Fatal(err)
			}
			apply := evaluator(t, test.network, lat)
			x := normals(rand.New(rand.NewPCG(5, 7)), lat.Volume())
			y := apply(x)
			check := func(what string, claimed bool, of func(f []float64) []float64) {
				t.Helper()
				d := distance(apply(of(x)), of(y))
				if claimed && d > 1e-12 {
					t.Errorf("%s: deviation %v", what, d)
				}
				if !claimed && d < 1e-6 {
					t.Errorf("%s: commutes, which the documentation denies", what)
				}
			}
			check("sign", test.odd, func(f []float64) []float64 {
				out := make([]float64, len(f))
				for i, v := range f {
					out[i] = -v
				}
				return out
			})
			if test.stride > 0 {
				check("translation by the stride", true, func(f []float64) []float64 {
					return moved(lat, f, func(c []int) { c[0] += test.stride })
				})
			}
			if test.stride != 1 {
				check("translation by one site", false, func(f []float64) []float64 {
					return moved(lat, f, func(c []int) { c[0]++ })
				})
			}
			for axis, n := range test.dims {
				check("reflection", test.point, func(f []float64) []float64 {
					return moved(lat, f, func(c []int) { c[axis] = n - 1 - c[axis] })
				})
			}
			if len(test.dims) > 1 && test.dims[0] == test.dims[1] {
				check("exchange of axes", test.point, func(f []float64) []float64 {
					return moved(lat, f, func(c []int) { c[0], c[1] = c[1], c[0] })
				})
			}
		})
	}
}

// The elements of the point group are what they should be in number, and undone by
// their inverses.
func TestPointGroup(t *testing.T) {
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		extents []int
		order   int
	}{{[]int{5}, 2}, {[]int{4, 4}, 8}, {[]int{3, 4}, 4}, {[]int{3, 3, 3}, 48}, {[]int{3, 2, 3}, 16}} {
		group := pointGroup(test.extents)
		if len(group) != test.order {
			t.Errorf("%v: %d elements, want %d", test.extents, len(group), test.order)
		}
		x := randomTensor(rand.New(rand.NewPCG(1, 2)), append([]int{2}, test.extents...)...)
		res, err := graph.MustNewExec(backend, func(x *graph.Node) []*graph.Node {
			var out []*graph.Node
			for _, m := range group {
				out = append(out, m.apply(x), m.inverse(m.apply(x)))
			}
			return out
		}).Call(x)
		if err != nil {
			t.Fatal(err)
		}
		images := map[string]bool{}
		for i := range group {
			images[fmt.Sprint(flat64(res[2*i]))] = true
			if distance(flat64(res[2*i+1]), flat64(x)) != 0 {
				t.Errorf("%v: element %+v is not undone by its inverse", test.extents, group[i])
			}
		}
		if len(images) != test.order {
			t.Errorf("%v: %d different images, want %d", test.extents, len(images), test.order)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, cfg := range []Config{{Channels: []int{}}, {Stencil: "star"}, {Channels: []int{4, 0}}, {Blocks: -1}, {Embedding: -3}, {Norm: "batch"}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("New(%+v) accepted", cfg)
		}
	}
	for _, cfg := range []PaperConfig{
		{Channels: []int{}}, {Channels: []int{6}}, {Channels: []int{4, 32}}, {Channels: []int{32, 36}}, {Channels: []int{-32}},
		{Embedding: 5}, {Embedding: -2}, {Scale: -1}, {Scale: math.NaN()}, {Sigma: 1}, {Sigma: math.Inf(1)},
	} {
		if _, err := NewPaper(cfg); err == nil {
			t.Errorf("NewPaper(%+v) accepted", cfg)
		}
	}
	for _, cfg := range []SiteConfig{{Width: -1}, {Layers: -1}, {Embedding: -1}} {
		if _, err := NewSite(cfg); err == nil {
			t.Errorf("NewSite(%+v) accepted", cfg)
		}
	}
	strided := must(NewPaper(PaperConfig{Strided: true}))
	for n, ok := range map[int]bool{8: false, 16: false, 24: true, 28: false, 31: false, 32: true, 36: false, 40: true} {
		if err := strided.Check(must(lattice.New(n, 32))); (err == nil) != ok {
			t.Errorf("strided Check(%d×32) = %v", n, err)
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
