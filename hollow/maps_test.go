package hollow

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// The transform in the layout of the network, by every lowering, against that of fields.
func TestTransform(t *testing.T) {
	backend := backendtest.Open()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, dims := range [][]int{{5}, {4, 6}, {2, 1, 3}} {
		const batch = 3
		x := make([]float64, batch*volume(dims))
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		exec := graph.MustNewExec(backend, func(x *graph.Node) []*graph.Node {
			y := graph.Reshape(x, batch, 1, -1)
			out := []*graph.Node{hartley.Transform(x), transform(y, dims)}
			for _, stack := range []bool{true, false} {
				z, before := y, batch
				for _, n := range dims {
					z = alongAxis(graph.Reshape(z, before, n, -1), stack)
					before *= n
				}
				out = append(out, z)
			}
			return out
		})
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(x, append([]int{batch, 1}, dims...)...))
		if err != nil {
			t.Fatal(err)
		}
		want := tensors.MustCopyFlatData[float64](out[0])
		for i, o := range out[1:] {
			for j, v := range tensors.MustCopyFlatData[float64](o) {
				if !(math.Abs(v-want[j]) < 1e-13) {
					t.Fatalf("%v, lowering %d: got %v, want %v", dims, i, v, want[j])
				}
			}
		}
	}
}

// The kernel that is one on every orbit up to distance 2 is, in position space, the number
// of displacements that lead to a site, and each orbit vanishes at distance zero.
func TestOrbits(t *testing.T) {
	for _, c := range []struct {
		dims   []int
		orbits int
		want   map[int]float64 // other values than one, by site
	}{
		{[]int{5}, 2, nil},
		{[]int{8}, 2, map[int]float64{3: 0, 4: 0, 5: 0}},
		// Half-way around the lattice, two displacements meet.
		{[]int{4}, 2, map[int]float64{2: 2}},
		{[]int{5, 5}, 5, nil},
		{[]int{5, 5, 5}, 9, nil},
		// Two sites apart is further than half-way around three sites.
		{[]int{3, 5}, 5, nil},
	} {
		sum := make([]float64, volume(c.dims))
		for o, row := range orbits(c.dims, 2, nil) {
			if o == c.orbits {
				t.Fatalf("%v: more than %d orbits", c.dims, c.orbits)
			}
			zero := 0.0
			for k, v := range row {
				sum[k] += v
				zero += v
			}
			if math.Abs(zero) > 1e-12 {
				t.Errorf("%v, orbit %d: %v at distance zero", c.dims, o, zero)
			}
		}
		lat, err := lattice.New(c.dims...)
		if err != nil {
			t.Fatal(err)
		}
		y, k := make([]int, lat.Dim()), make([]int, lat.Dim())
		for site := range sum {
			lat.Coord(y, site)
			value := 0.0
			for mode, v := range sum {
				lat.Coord(k, mode)
				phase := 0.0
				for mu, n := range c.dims {
					phase += 2 * math.Pi * float64(k[mu]*y[mu]) / float64(n)
				}
				value += v * math.Cos(phase) / float64(lat.Volume())
			}
			want, ok := c.want[site]
			if !ok && site > 0 {
				want = 1
			}
			if math.Abs(value-want) > 1e-12 {
				t.Errorf("%v, site %v: %v displacements, expected %v", c.dims, y, value, want)
			}
		}
	}
}
