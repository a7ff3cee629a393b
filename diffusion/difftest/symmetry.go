package difftest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// image is a transformation of a field, of which the score must be, or must not be, an
// equivariant function.
type image struct {
	name  string
	keeps bool
	apply func(phi []float64) []float64
}

// images returns the transformations of a layout.
func images(layout lattice.Layout, cfg Config) []image {
	keeps, dims := cfg.Keeps, layout.Dims()
	byComponent := func(move func(dst, src []float64)) func(phi []float64) []float64 {
		return func(phi []float64) []float64 {
			out := make([]float64, len(phi))
			for c := range layout.Components {
				move(layout.Component(out, c), layout.Component(phi, c))
			}
			return out
		}
	}
	list := []image{{"the sign of the field", keeps.Sign, func(phi []float64) []float64 {
		out := slices.Clone(phi)
		for i := range out {
			out[i] = -out[i]
		}
		return out
	}}}
	for mu, n := range dims {
		if n == 1 {
			continue
		}
		step := make([]int, len(dims))
		step[mu] = cfg.Stride
		translate := func(dst, src []float64) { layout.Translate(dst, src, step...) }
		list = append(list, image{fmt.Sprintf("translation by %d in direction %d", cfg.Stride, mu), keeps.Translation, byComponent(translate)})
		if cfg.Stride > 1 && n > 2 {
			one := make([]int, len(dims))
			one[mu] = 1
			list = append(list, image{fmt.Sprintf("translation by one site in direction %d", mu), false,
				byComponent(func(dst, src []float64) { layout.Translate(dst, src, one...) })})
		}
		if n == 2 && cfg.Stride == 1 {
			continue // the reflection is the translation
		}
		list = append(list, image{fmt.Sprintf("reflection of direction %d", mu), keeps.Reflection,
			byComponent(func(dst, src []float64) { reflected(layout.Lattice, dst, src, mu) })})
		for nu := range mu {
			if dims[nu] == n {
				list = append(list, image{fmt.Sprintf("exchange of the directions %d and %d", nu, mu), keeps.Exchange,
					byComponent(func(dst, src []float64) { layout.Exchange(dst, src, nu, mu) })})
			}
		}
	}
	for c := 1; c < layout.Components; c++ {
		list = append(list,
			image{fmt.Sprintf("exchange of the components %d and %d", c-1, c), keeps.Permutation, mixed(layout, c-1, c, 0, 1, 1, 0)},
			image{fmt.Sprintf("rotation of the components %d and %d", c-1, c), keeps.Rotation, mixed(layout, c-1, c, 0.6, -0.8, 0.8, 0.6)})
	}
	return list
}

// reflected writes src at n-1-x_µ into dst.
func reflected(lat *lattice.Lattice, dst, src []float64, mu int) {
	x := make([]int, lat.Dim())
	for i := range src {
		lat.Coord(x, i)
		x[mu] = lat.Dims()[mu] - 1 - x[mu]
		dst[i] = src[lat.Index(x...)]
	}
}

// mixed returns the map of the components a and b by a matrix.
func mixed(layout lattice.Layout, a, b int, aa, ab, ba, bb float64) func(phi []float64) []float64 {
	return func(phi []float64) []float64 {
		out := slices.Clone(phi)
		for x, u := range layout.Component(phi, a) {
			v := layout.Component(phi, b)[x]
			layout.Component(out, a)[x], layout.Component(out, b)[x] = aa*u+ab*v, ba*u+bb*v
		}
		return out
	}
}

// testSymmetries compares the score of the images of fields with the images of the score.
func testSymmetries(t testing.TB, score function, layout lattice.Layout, cfg Config, fields []float64) {
	t.Helper()
	// Fields that are not symmetric by themselves, also in the mean.
	rng := rand.New(rand.NewPCG(3, 4))
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i] += 0.3 + 0.1*rng.NormFloat64()
	}
	want := score.call(t, fields, levels)[0]
	size := layout.Size()
	for _, im := range images(layout, cfg) {
		each := func(x []float64) []float64 {
			var out []float64
			for i := 0; i < len(x); i += size {
				out = append(out, im.apply(x[i:i+size])...)
			}
			return out
		}
		d := deviation(score.call(t, each(fields), levels)[0], each(want))
		switch {
		case im.keeps && !(d < 1e-10):
			t.Errorf("difftest: expected a score that is equivariant under the %s, got one that differs by %v", im.name, d)
		case !im.keeps && !(d > 1e-7):
			t.Errorf("difftest: expected a score that is not equivariant under the %s, which it is not said to keep, got one that differs by %v", im.name, d)
		}
	}
}
