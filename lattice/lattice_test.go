package lattice_test

import (
	"math"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

func TestGeometry(t *testing.T) {
	for _, dims := range shapes {
		l := newLattice(t, dims...)
		if l.Dim() != len(dims) || !slices.Equal(l.Dims(), dims) {
			t.Errorf("%v: extents %v", dims, l.Dims())
		}
		volume := 1
		for mu, n := range dims {
			volume *= n
			if l.Extent(mu) != n {
				t.Errorf("%v: extent %d of dimension %d", dims, l.Extent(mu), mu)
			}
		}
		if l.Volume() != volume {
			t.Errorf("%v: volume %d, expected %d", dims, l.Volume(), volume)
		}
		// Row-major order: counting the last coordinate fastest counts the sites.
		coord := make([]int, len(dims))
		for x := range volume {
			if !slices.Equal(l.Coord(nil, x), coord) || l.Index(coord...) != x {
				t.Fatalf("%v: site %d has coordinates %v, expected %v", dims, x, l.Coord(nil, x), coord)
			}
			for mu, n := range dims {
				next := slices.Clone(coord)
				next[mu] = (next[mu] + 1) % n
				y := int(l.Forward(mu)[x])
				if !slices.Equal(l.Coord(nil, y), next) {
					t.Fatalf("%v: site after %v in direction %d is %v", dims, coord, mu, l.Coord(nil, y))
				}
				if int(l.Backward(mu)[y]) != x {
					t.Fatalf("%v: neighbours of site %d in direction %d are not inverse", dims, x, mu)
				}
				// Coordinates are periodic in both directions.
				next[mu] -= 3 * n
				if l.Index(next...) != y {
					t.Fatalf("%v: coordinates %v are site %d", dims, next, l.Index(next...))
				}
			}
			for mu := len(dims) - 1; mu >= 0; mu-- {
				if coord[mu]++; coord[mu] < dims[mu] {
					break
				}
				coord[mu] = 0
			}
		}
		if back, err := lattice.ParseDims(l.String()); err != nil || !slices.Equal(back, dims) {
			t.Errorf("ParseDims(%q) = %v, %v", l, back, err)
		}
	}
}

func TestLatticeErrors(t *testing.T) {
	for _, dims := range [][]int{nil, {0}, {4, 0}, {0, 4}, {-4, -4}, {1<<30 + 1}, {1 << 16, 1 << 16}, {math.MaxInt, math.MaxInt}} {
		if _, err := lattice.New(dims...); err == nil {
			t.Errorf("New(%v) gave no error", dims)
		}
	}
	for _, s := range []string{"", "x", "32x", "x32", "0x4", "4x-4", "+4", "4X4", "4 x4", "4.0", "1e3", "65536x65536", "99999999999999999999"} {
		if _, err := lattice.ParseDims(s); err == nil {
			t.Errorf("ParseDims(%q) gave no error", s)
		}
	}
	l := newLattice(t, 2, 3)
	if !l.Equal(newLattice(t, 2, 3)) || l.Equal(newLattice(t, 3, 2)) || l.Equal(newLattice(t, 2, 3, 1)) {
		t.Error("Equal tells lattices wrongly apart")
	}
	for name, f := range map[string]func(){
		"Index":     func() { l.Index(1) },
		"Coord":     func() { l.Coord(make([]int, 3), 0) },
		"site":      func() { l.Coord(nil, 6) },
		"Hopping":   func() { l.Hopping(make([]float64, 5)) },
		"Translate": func() { l.Translate(nil, make([]float64, 6), 1) },
		"Exchange":  func() { l.Exchange(nil, make([]float64, 6), 0, 1) },
	} {
		if !panics(f) {
			t.Errorf("%s: misuse of shapes did not panic", name)
		}
	}
	// The accessor returns a copy.
	l.Dims()[0] = 7
	if l.Extent(0) != 2 {
		t.Error("the caller changed the extents")
	}
}

func TestCheckField(t *testing.T) {
	if err := lattice.CheckField([]float64{1, -2}, 2); err != nil {
		t.Error(err)
	}
	for _, phi := range [][]float64{nil, {1}, {1, 2, 3}, {1, math.NaN()}, {math.Inf(1), 1}, {1, math.Inf(-1)}} {
		if lattice.CheckField(phi, 2) == nil {
			t.Errorf("no error for the field %v of 2 sites", phi)
		}
	}
}

func TestOrbits(t *testing.T) {
	// On L^d sites with folded coordinates 0..L/2 an orbit is a multiset of d of them.
	for _, c := range []struct {
		dims []int
		n    int
	}{
		{[]int{1}, 1}, {[]int{7}, 4}, {[]int{8}, 5}, {[]int{4, 4}, 6}, {[]int{5, 5}, 6}, {[]int{32, 32}, 153},
		{[]int{4, 6}, 12}, {[]int{4, 4, 4}, 10}, {[]int{4, 4, 6}, 24}, {[]int{4, 6, 4}, 24}, {[]int{2, 2, 2, 2}, 5},
	} {
		l := newLattice(t, c.dims...)
		orbit, n := l.Orbits()
		if n != c.n {
			t.Errorf("%v: %d orbits, expected %d", l, n, c.n)
		}
		if orbit[0] != 0 || slices.Max(orbit) != n-1 {
			t.Errorf("%v: orbits numbered up to %d, origin %d", l, slices.Max(orbit), orbit[0])
		}
	}
}

func TestObservables(t *testing.T) {
	phi := []float64{1, -2, 3, -6}
	for name, c := range map[string]struct{ got, want float64 }{
		"M":             {lattice.Magnetization(phi), -1},
		"|M|":           {lattice.AbsMagnetization(phi), 1},
		"mean |φ|":      {lattice.MeanAbsField(phi), 3},
		"φ²":            {lattice.Phi2(phi), 12.5},
		"φ⁴":            {lattice.Phi4Moment(phi), (1 + 16 + 81 + 1296) / 4.0},
		"hopping, d=1":  {newLattice(t, 4).Hopping(phi), (-2 - 6 - 18 - 6) / 4.0},
		"hopping, 2x2":  {newLattice(t, 2, 2).Hopping(phi), 2 * (3 + 12 - 2 - 18) / 4.0},
		"hopping, 1x4":  {newLattice(t, 1, 4).Hopping(phi), (1+4+9+36)/4.0 - 8},
		"NaN in, M":     {lattice.Magnetization([]float64{1, math.NaN()}), math.NaN()},
		"NaN in, hop":   {newLattice(t, 2).Hopping([]float64{1, math.NaN()}), math.NaN()},
		"no sites, |M|": {lattice.AbsMagnetization(nil), math.NaN()},
	} {
		if c.got != c.want && !(math.IsNaN(c.got) && math.IsNaN(c.want)) {
			t.Errorf("%s = %v, expected %v", name, c.got, c.want)
		}
	}
}
