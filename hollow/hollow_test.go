package hollow_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

func maxDifference(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d = math.Max(d, math.Abs(a[i]-b[i]))
	}
	return d
}

// The learned kernels reach over a finite range: two lattices that look alike within
// it give the same context, if the Wiener filters do too, which they do for a spectrum
// without structure. A field of period 6 on a lattice of 12 sites per direction is that
// of a lattice of 6.
func TestOnLattice(t *testing.T) {
	flat := func(dims ...int) diffusion.ModelConfig {
		cfg := diffusion.ModelConfig{Layout: lattice.Scalar(must(lattice.New(dims...)))}
		for range cfg.Layout.Size() {
			cfg.Spectrum = append(cfg.Spectrum, 0.8)
		}
		return cfg
	}
	local := small
	local.Local = true
	m := must(diffusion.NewModel(backendtest.Open(), must(hollow.New(local)), flat(6, 6)))
	randomise(t, m)
	large, err := m.OnLattice(flat(12, 12))
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
	if _, err := m.OnLattice(flat(6)); err == nil {
		t.Error("a model was moved to another dimension")
	}
	ordered := flat(12, 12)
	ordered.Order = 2
	if _, err := m.OnLattice(ordered); err == nil {
		t.Error("a model was moved into an ordered phase")
	}
}

func TestErrors(t *testing.T) {
	for _, cfg := range []hollow.Config{{Hidden: -1}, {Edges: -1}, {Gradients: -1}, {Parity: "even"}, {Components: "alike"}, {Directions: []int{0, 2}}, {Directions: []int{-1}}} {
		if _, err := hollow.New(cfg); err == nil || !strings.HasPrefix(err.Error(), "hollow: expected") {
			t.Errorf("New(%+v) gave the error %v", cfg, err)
		}
	}
	layout := lattice.Scalar(must(lattice.New(4, 4)))
	ordered := freshModel(small, 2, 4, 4).Config()
	if _, err := diffusion.NewModel(backendtest.Open(), must(hollow.New(hollow.Config{Edges: 2})), ordered); err == nil || !strings.Contains(err.Error(), "ordered phase") {
		t.Errorf("edges in an ordered phase gave the error %v", err)
	}
	if _, err := diffusion.NewModel(backendtest.Open(), must(hollow.New(hollow.Config{})), diffusion.ModelConfig{Layout: layout}); err == nil {
		t.Error("a model without a spectrum was accepted")
	}
}
