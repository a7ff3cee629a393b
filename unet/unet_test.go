package unet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/difftest"
	"github.com/latdiff/latdiff/internal/backendtest"
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
			exec := graph.MustNewExec(backendtest.Open(), func(x, w *graph.Node) *graph.Node { return conv(stencil, x, w) })
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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func distance(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = math.Max(d, math.Abs(a[i]-b[i]))
	}
	return d
}

// Networks pass the tests of every network: they commute with the symmetries that they
// claim, and measurably with no others.
func TestNetworks(t *testing.T) {
	channels := []int{3, 4, 5}
	even := lattice.Symmetries{Sign: true, Translation: true, Reflection: true, Exchange: true}
	uneven := even
	uneven.Sign = false
	point := even
	shifts := lattice.Symmetries{Sign: true, Translation: true}
	none := lattice.Symmetries{}
	small := func(cfg Config) *Network {
		cfg.Embedding = 8
		if cfg.Channels == nil {
			cfg.Channels = channels
		}
		return must(New(cfg))
	}
	for _, c := range []struct {
		name       string
		network    diffusion.Architecture
		dims       []int
		components int
		symmetries *lattice.Symmetries
		keeps      lattice.Symmetries
		check      difftest.Config
	}{
		{"default", small(Config{}), []int{8, 4}, 1, &even, shifts, difftest.Config{Stride: 4}},
		{"site norm", small(Config{Norm: SiteNorm}), []int{8, 4}, 1, &even, shifts, difftest.Config{Stride: 4}},
		{"group norm", small(Config{Norm: GroupNorm}), []int{8, 4}, 1, nil, shifts, difftest.Config{Stride: 4}},
		{"box", small(Config{Channels: []int{3, 4}, Stencil: Box}), []int{4, 4, 4}, 1, &even, shifts, difftest.Config{Stride: 2}},
		{"D4", small(Config{D4: true}), []int{8, 8}, 1, &even, point, difftest.Config{Stride: 4}},
		{"D4, rectangular", small(Config{D4: true, Norm: SiteNorm}), []int{8, 4}, 1, &even, point, difftest.Config{Stride: 4}},
		{"three dimensions", small(Config{Channels: []int{3, 4}, D4: true}), []int{4, 4, 2}, 1, &even, point, difftest.Config{Stride: 2}},
		{"one dimension", small(Config{D4: true}), []int{12}, 1, &even, point, difftest.Config{Stride: 4}},
		{"one level", small(Config{Channels: []int{5}, Blocks: 2}), []int{5, 3}, 1, &even, shifts, difftest.Config{}},
		{"ordered", small(Config{}), []int{4, 8}, 1, &even, shifts, difftest.Config{Stride: 4, Order: 3}},
		{"not even", small(Config{}), []int{4, 8}, 1, &uneven, lattice.Symmetries{Translation: true}, difftest.Config{Stride: 4}},
		{"two components", small(Config{}), []int{8, 4}, 2, &even, shifts, difftest.Config{Stride: 4}},
		{"without Gaussian", small(Config{}), []int{8, 4}, 2, &even, shifts, difftest.Config{Stride: 4, Plain: true}},
		{"site", must(NewSite(SiteConfig{Width: 6, Embedding: 4})), []int{3, 3}, 1, &even, point, difftest.Config{}},
		{"site, not even", must(NewSite(SiteConfig{Width: 6, Embedding: 4})), []int{3, 3}, 1, &uneven, uneven, difftest.Config{}},
		{"paper", must(NewPaper(PaperConfig{Channels: []int{32, 32}, Embedding: 6, Scale: 1})), []int{4, 6}, 1, &even, none, difftest.Config{Plain: true, Alive: true}},
		{"paper, strided", must(NewPaper(PaperConfig{Channels: []int{32, 32}, Embedding: 6, Scale: 1, Strided: true})), []int{8, 8}, 2, &even, none, difftest.Config{Alive: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.check.Layout = lattice.Layout{Lattice: must(lattice.New(c.dims...)), Components: c.components}
			c.check.Symmetries, c.check.Keeps = c.symmetries, &c.keeps
			twice := slices.Clone(c.dims)
			twice[0] *= 2
			c.check.Other = must(lattice.New(twice...))
			difftest.TestNetwork(t, backendtest.Open(), c.network, c.check)
		})
	}
}

// The elements of the point group are what they should be in number, and undone by
// their inverses.
func TestPointGroup(t *testing.T) {
	for _, test := range []struct {
		extents []int
		order   int
	}{{[]int{5}, 2}, {[]int{4, 4}, 8}, {[]int{3, 4}, 4}, {[]int{3, 3, 3}, 48}, {[]int{3, 2, 3}, 16}} {
		group := pointGroup(test.extents)
		if len(group) != test.order {
			t.Errorf("%v: %d elements, want %d", test.extents, len(group), test.order)
		}
		x := randomTensor(rand.New(rand.NewPCG(1, 2)), append([]int{2, 1}, test.extents...)...)
		res, err := graph.MustNewExec(backendtest.Open(), func(x *graph.Node) []*graph.Node {
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
	theory := func(dims ...int) diffusion.Theory {
		return diffusion.Theory{Layout: lattice.Scalar(must(lattice.New(dims...)))}
	}
	strided := must(NewPaper(PaperConfig{Strided: true}))
	for n, ok := range map[int]bool{8: false, 16: false, 24: true, 28: false, 31: false, 32: true, 36: false, 40: true} {
		if _, err := strided.Adapt(theory(n, 32)); (err == nil) != ok {
			t.Errorf("strided: %d×32 gives %v", n, err)
		}
	}
	u := must(New(Config{}))
	for dims, ok := range map[[2]int]bool{{8, 12}: true, {8, 6}: false, {7, 8}: false} {
		if _, err := u.Adapt(theory(dims[0], dims[1])); (err == nil) != ok {
			t.Errorf("%v gives %v", dims, err)
		}
	}
	for _, c := range []struct {
		network    diffusion.Architecture
		symmetries lattice.Symmetries
		want       string
	}{
		{must(New(Config{Parity: diffusion.Odd})), lattice.Symmetries{}, "unet: expected an action with the symmetry φ → -φ"},
		{must(NewSite(SiteConfig{Parity: diffusion.Odd})), lattice.Symmetries{}, "unet: expected an action with the symmetry φ → -φ"},
		{must(New(Config{D4: true})), lattice.Symmetries{Sign: true, Reflection: true}, "unet: expected an action that is invariant under reflections and exchanges"},
		{must(New(Config{D4: true})), lattice.Symmetries{Sign: true, Exchange: true}, "unet: expected an action that is invariant under reflections and exchanges"},
	} {
		of := theory(8, 8)
		of.Symmetries = &c.symmetries
		if _, err := c.network.Adapt(of); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v for %+v gives the error %v", c.network.Config(), c.symmetries, err)
		}
	}
}

func BenchmarkScore16x16(b *testing.B) {
	u := must(New(Config{}))
	const batch, n = 64, 16
	x := tensors.FromShape(shapes.Make(dtypes.Float32, batch, 2, n, n))
	sigma := tensors.FromFlatDataAndDimensions(slices.Repeat([]float32{1}, batch), batch)
	run := func(b *testing.B, f func(scope *model.Scope, x, sigma *graph.Node) *graph.Node) {
		exec := model.MustNewExec(backendtest.Open(), model.NewStore(), f)
		if _, err := exec.Call1(x, sigma); err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		for range b.N {
			out, err := exec.Call1(x, sigma)
			if err != nil {
				b.Fatal(err)
			}
			if err := out.FinalizeAll(); err != nil {
				b.Fatal(err)
			}
		}
	}
	score := func(scope *model.Scope, x, sigma *graph.Node) *graph.Node {
		return u.Apply(scope, diffusion.Inputs{Features: x, Sigma: sigma, Outputs: 1})
	}
	b.Run("score", func(b *testing.B) { run(b, score) })
	b.Run("gradient", func(b *testing.B) {
		run(b, func(scope *model.Scope, x, sigma *graph.Node) *graph.Node {
			return graph.Gradient(graph.ReduceAllSum(graph.Square(score(scope, x, sigma))), x)[0]
		})
	})
}
