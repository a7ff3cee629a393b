package hollow_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/lattice"
)

// Symmetries of the lattice, and of the fields, as maps of the coordinates.
func symmetries(dims []int) map[string]func(x []int) {
	maps := map[string]func(x []int){}
	for mu := range dims {
		maps[fmt.Sprint("translation", mu)] = func(x []int) { x[mu]++ }
		maps[fmt.Sprint("reflection", mu)] = func(x []int) { x[mu] = -x[mu] }
	}
	if len(dims) == 2 && dims[0] == dims[1] {
		maps["exchange"] = func(x []int) { x[0], x[1] = x[1], x[0] }
	}
	return maps
}

// moved returns the configurations whose value at site x is that of data at f(x).
func moved(lat *lattice.Lattice, data []float64, f func(x []int)) []float64 {
	v := lat.Volume()
	out := make([]float64, len(data))
	x := make([]int, lat.Dim())
	for i := range data {
		lat.Coord(x, i%v)
		f(x)
		out[i] = data[i-i%v+lat.Index(x...)]
	}
	return out
}

func maxDifference(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = math.Max(d, math.Abs(a[i]-b[i]))
	}
	return d
}

// Networks with random weights commute with all symmetries of the lattice and with
// φ → -φ, and their divergence is invariant.
func TestSymmetries(t *testing.T) {
	for _, dims := range [][]int{{6}, {4, 4}, {4, 6}} {
		for _, order := range []float64{0, 3} {
			m := randomModel(t, small, order, dims...)
			lat := m.Lattice()
			sigma := []float64{0.1, 1, 5}
			data := normals(rand.New(rand.NewPCG(8, 9)), len(sigma)*lat.Volume())
			r, div := evaluate(t, m, data, sigma)
			check := func(name string, data, want []float64) {
				got, d := evaluate(t, m, data, sigma)
				if e := maxDifference(got, want); !(e < 1e-12*(1+slices.Max(want))) {
					t.Errorf("%v, order %v, %s: the field differs by %v", dims, order, name, e)
				}
				if e := maxDifference(d, div); !(e < 1e-11*(1+math.Abs(slices.Max(div)))) {
					t.Errorf("%v, order %v, %s: the divergence differs by %v", dims, order, name, e)
				}
			}
			for name, f := range symmetries(dims) {
				check(name, moved(lat, data, f), moved(lat, r, f))
			}
			check("sign", negated(data), negated(r))
		}
	}
}

func negated(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = -v
	}
	return y
}

// A fresh network adds nothing to the exact part of the score.
func TestFreshModelIsGaussian(t *testing.T) {
	for _, order := range []float64{0, 3} {
		m := freshModel(hollow.Config{}, order, 4, 4)
		data := normals(rand.New(rand.NewPCG(1, 1)), 32)
		sigma := []float64{0.2, 3}
		r, div := evaluate(t, m, data, sigma)
		g, err := diffusion.NewMixture(m.Lattice(), m.Spectrum(), order)
		if err != nil {
			t.Fatal(err)
		}
		want, wantDiv := make([]float64, len(r)), make([]float64, len(div))
		if order > 0 {
			want, wantDiv = evaluate(t, g, data, sigma)
		}
		if !(maxDifference(r, want) < 1e-14 && maxDifference(div, wantDiv) < 1e-14) {
			t.Errorf("order %v: a fresh network changes the score by %v and its divergence by %v", order, maxDifference(r, want), maxDifference(div, wantDiv))
		}
	}
}

// A file brings back the same function, and names the network.
func TestCheckpoint(t *testing.T) {
	for _, order := range []float64{0, 3} {
		m := randomModel(t, small, order, 4, 4)
		path := filepath.Join(t.TempDir(), "model.npz")
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		back, err := diffusion.LoadModel(path)
		if err != nil {
			t.Fatal(err)
		}
		if back.Network().Kind() != "hollow" || back.Network().Config() != m.Network().Config() {
			t.Errorf("got the network %s %+v back", back.Network().Kind(), back.Network().Config())
		}
		data, sigma := normals(rand.New(rand.NewPCG(1, 1)), 32), []float64{0.2, 3}
		r, div := evaluate(t, m, data, sigma)
		r2, div2 := evaluate(t, back, data, sigma)
		if !slices.Equal(r, r2) || !slices.Equal(div, div2) {
			t.Error("the model that was read back is another function")
		}
	}
}

// The learned kernels reach over a finite range: two lattices that look alike within
// it give the same context, if the Wiener filters do too, which they do for a spectrum
// without structure. A field of period 6 on a lattice of 12 sites per direction is that
// of a lattice of 6.
func TestOnLattice(t *testing.T) {
	flat := func(n int) ([]float64, *lattice.Lattice) {
		lat := must(lattice.New(n, n))
		spectrum := make([]float64, n*n)
		for k := range spectrum {
			spectrum[k] = 0.8
		}
		return spectrum, lat
	}
	spectrum, lat := flat(6)
	local := small
	local.Local = true
	m := must(diffusion.NewModel(lat, must(hollow.New(local)), diffusion.ModelConfig{Spectrum: spectrum}))
	if _, err := m.OnLattice(lat, diffusion.ModelConfig{Spectrum: spectrum}); err == nil {
		t.Error("a model without weights was moved")
	}
	randomise(t, m)
	big, bigLat := flat(12)
	large, err := m.OnLattice(bigLat, diffusion.ModelConfig{Spectrum: big})
	if err != nil {
		t.Fatal(err)
	}
	data := normals(rand.New(rand.NewPCG(1, 1)), 36)
	tile := func(small []float64) []float64 {
		out := make([]float64, 144)
		for x := range 12 {
			for y := range 12 {
				out[12*x+y] = small[6*(x%6)+y%6]
			}
		}
		return out
	}
	r, div := evaluate(t, m, data, []float64{0.7})
	r2, div2 := evaluate(t, large, tile(data), []float64{0.7})
	if d := maxDifference(r2, tile(r)); !(d < 1e-12) {
		t.Errorf("the field differs by %v on the larger lattice", d)
	}
	if d := math.Abs(div2[0] - 4*div[0]); !(d < 1e-11) {
		t.Errorf("the divergence differs by %v from that of four lattices", d)
	}
	line := must(lattice.New(6))
	if _, err := m.OnLattice(line, diffusion.ModelConfig{Spectrum: spectrum[:6]}); err == nil {
		t.Error("a model was moved to another dimension")
	}
	if _, err := m.OnLattice(bigLat, diffusion.ModelConfig{Spectrum: big, Order: 2}); err == nil {
		t.Error("a model was moved into an ordered phase")
	}
}

func TestErrors(t *testing.T) {
	if _, err := hollow.New(hollow.Config{Hidden: -1}); err == nil || !strings.HasPrefix(err.Error(), "hollow: expected") {
		t.Errorf("a negative width gave the error %v", err)
	}
	network := must(hollow.New(hollow.Config{}))
	if err := network.Check(must(lattice.New(1, 1))); err == nil {
		t.Error("a lattice of one site was accepted")
	}
	if _, err := diffusion.NewModel(must(lattice.New(4, 4)), network, diffusion.ModelConfig{}); err == nil {
		t.Error("a model without a spectrum was accepted")
	}
}
