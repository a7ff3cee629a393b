package flow

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

func TestColouring(t *testing.T) {
	for _, c := range []struct {
		dims []int
		max  int
		// distance[i] is the smallest squared distance within a class of 2^(i+1) colours.
		distance []int
	}{
		{[]int{16, 16}, 256, []int{2, 4, 8, 16, 32, 64, 128}},
		{[]int{8}, 8, []int{4, 16}},
		{[]int{12, 12}, 16, []int{2, 4, 8, 16}},
		{[]int{6, 4}, 8, []int{2, 4, 4}},
		{[]int{5, 4}, 4, nil},
		{[]int{8, 8, 8}, 512, []int{2, 2, 4, 8, 8, 16}},
		{[]int{7, 5}, 1, nil},
	} {
		lat, err := lattice.New(c.dims...)
		if err != nil {
			t.Fatal(err)
		}
		if got := maxColours(lat); got != c.max {
			t.Errorf("%v: at most %d colours, want %d", lat, got, c.max)
		}
		if validColours(lat, 2*c.max) || validColours(lat, 0) || validColours(lat, 3) || !validColours(lat, c.max) {
			t.Errorf("%v: wrong numbers of colours are valid", lat)
		}
		before := colouring(lat, 1)
		for n, i := 2, 0; n <= c.max; n, i = 2*n, i+1 {
			colours := colouring(lat, n)
			counts := make([]int, n)
			for x, k := range colours {
				counts[k]++
				if k%(n/2) != before[x] {
					t.Fatalf("%v: %d colours do not refine %d", lat, n, n/2)
				}
			}
			for _, k := range counts {
				if k != lat.Volume()/n {
					t.Fatalf("%v: %d colours have classes of sizes %v", lat, n, counts)
				}
			}
			if i < len(c.distance) {
				if got := classDistance(lat, colours); got != c.distance[i] {
					t.Errorf("%v, %d colours: squared distance %d within a class, want %d", lat, n, got, c.distance[i])
				}
			}
			before = colours
		}
	}
}

// classDistance returns the smallest squared distance on the torus of two sites of equal colour.
func classDistance(lat *lattice.Lattice, colours []int) int {
	best := math.MaxInt
	x, y := make([]int, lat.Dim()), make([]int, lat.Dim())
	for i, a := range colours {
		lat.Coord(x, i)
		for j, b := range colours {
			if i == j || a != b {
				continue
			}
			lat.Coord(y, j)
			sum := 0
			for mu, n := range lat.Dims() {
				d := (x[mu] - y[mu] + n) % n
				d = min(d, n-d)
				sum += d * d
			}
			best = min(best, sum)
		}
	}
	return best
}
