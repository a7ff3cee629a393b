package hollow_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// hartleyOf returns the Hartley transforms of fields, one after the other.
func hartleyOf(x []float64, dims []int) []float64 {
	stride := 1
	for mu := len(dims) - 1; mu >= 0; mu-- {
		n, h := dims[mu], hartley.Matrix(dims[mu])
		y := make([]float64, len(x))
		for i := range x {
			k, base := i/stride%n, i-i/stride%n*stride
			for j := range n {
				y[i] += h[k*n+j] * x[base+j*stride]
			}
		}
		x, stride = y, stride*n
	}
	return x
}

// evaluate32 is evaluate with a graph in float32.
func evaluate32(tb testing.TB, m *diffusion.Model, data, sigma []float64) (r, divergence []float64) {
	tb.Helper()
	exec := model.MustNewExec(backendtest.Open(), m.Store(), func(scope *model.Scope, phi, s *graph.Node) (*graph.Node, *graph.Node) {
		p := m.Remainder(scope, graph.ConvertDType(phi, dtypes.Float32), graph.ConvertDType(s, dtypes.Float32))
		return graph.ConvertDType(p.Known, dtypes.Float64), graph.ConvertDType(p.Divergence, dtypes.Float64)
	})
	out, err := exec.Call(fields(m, data), sigma)
	if err != nil {
		tb.Fatal(err)
	}
	return tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
}

// The implementation for the CPU against the graph in float64, for every kind of network
// and lattice that it knows, with batches that fill its lanes and others.
func TestHost(t *testing.T) {
	with := func(f func(c *hollow.Config)) hollow.Config {
		c := small
		f(&c)
		return c
	}
	for name, c := range map[string]struct {
		cfg   hollow.Config
		order float64
		batch int
		dims  []int
		site  []float64
	}{
		"default":            {hollow.Config{}, 0, 20, []int{8, 8}, nil},
		"ordered":            {hollow.Config{}, 5, 3, []int{6, 6}, nil},
		"one dimension":      {small, 0, 1, []int{9}, nil},
		"odd extents":        {small, 2, 17, []int{5, 3}, nil},
		"anisotropic":        {with(func(c *hollow.Config) { c.Directions = []int{0, 1} }), 0, 4, []int{4, 6}, nil},
		"three, local":       {with(func(c *hollow.Config) { c.Local = true }), 0, 33, []int{3, 4, 2}, nil},
		"four":               {small, 1, 2, []int{2, 3, 2, 4}, nil},
		"not even":           {with(func(c *hollow.Config) { c.Parity = diffusion.NoParity }), 0, 16, []int{4, 4}, nil},
		"one site":           {small, 0, 18, []int{4, 6}, []float64{0, 0, -1, 0, 1}},
		"one site, free":     {small, 0, 2, []int{5}, []float64{0, 0.2, 1}},
		"pairs":              {with(func(c *hollow.Config) { c.Pairs = 6 }), 0, 18, []int{6, 4}, nil},
		"pairs, ordered":     {with(func(c *hollow.Config) { c.Pairs = 2 }), 2, 3, []int{4, 4}, nil},
		"edges":              {with(func(c *hollow.Config) { c.Edges = 5 }), 0, 18, []int{4, 6}, []float64{0, 0, -1, 0, 1}},
		"edges, uneven":      {with(func(c *hollow.Config) { c.Edges, c.Parity = 2, diffusion.NoParity }), 0, 3, []int{3, 1, 2}, nil},
		"gradients":          {with(func(c *hollow.Config) { c.Gradients = 5 }), 0, 18, []int{4, 6}, nil},
		"gradients, ordered": {with(func(c *hollow.Config) { c.Gradients = 2 }), 2, 3, []int{3, 1, 4}, nil},
		"biased ordered":     {with(func(c *hollow.Config) { c.Parity = diffusion.NoParity }), 3, 5, []int{4, 4}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := freshModel(c.cfg, c.order, c.dims...)
			if c.site != nil {
				cfg := m.Config()
				cfg.Site = c.site
				m = must(diffusion.NewModel(backendtest.Open(), must(hollow.New(c.cfg)), cfg))
			}
			randomise(t, m)
			e, err := diffusion.NewEvaluator(backendtest.Open(), m)
			if err != nil {
				t.Fatal(err)
			}
			v := m.Layout().Volume()
			for i, sigma := range []float64{0.05, 0.8, 6} {
				phi := normals(rand.New(rand.NewPCG(uint64(i), 1)), c.batch*v)
				for j := range phi {
					// The integrals over one site are cut off where no field is.
					if phi[j] *= 1 + sigma; c.site != nil {
						phi[j] *= 0.6
					}
				}
				levels := make([]float64, c.batch)
				for j := range levels {
					levels[j] = sigma
				}
				r, div := evaluate(t, m, phi, levels)
				want := hartleyOf(r, c.dims)
				got, gotDiv := make([]float64, len(phi)), make([]float64, c.batch)
				if err := e.Remainder(got, gotDiv, hartleyOf(phi, c.dims), sigma); err != nil {
					t.Fatal(err)
				}
				// The graph in float32 says what rounding does where sums cancel; that of the
				// implementation is of the same size.
				r32, div32 := evaluate32(t, m, phi, levels)
				check := func(what string, got, single, want []float64) {
					t.Helper()
					size := 0.0
					for _, w := range want {
						size += w * w / float64(len(want))
					}
					bound := 1e-5*math.Sqrt(size) + 2*maxDifference(single, want)
					if d := maxDifference(got, want); !(d < bound) {
						t.Errorf("σ = %v: the %s is off by %.1e of its size, %.1e expected", sigma, what, d/math.Sqrt(size), bound/math.Sqrt(size))
					}
				}
				check("remainder", got, hartleyOf(r32, c.dims), want)
				check("divergence", gotDiv, div32, div)
				alone := make([]float64, len(phi))
				if err := e.Remainder(alone, nil, hartleyOf(phi, c.dims), sigma); err != nil {
					t.Fatal(err)
				}
				if d := maxDifference(alone, got); d > 0 {
					t.Errorf("σ = %v: without its divergence the remainder differs by %v", sigma, d)
				}
			}
		})
	}
}

// The reverse process without a graph against the one with it, for the same seed: whole
// and partial batches, an ordered phase, and continued from fields.
func TestReverseHost(t *testing.T) {
	for name, scheme := range map[string]diffusion.Scheme{
		"ancestral": diffusion.Ancestral, "Heun": diffusion.Heun, "DPM": diffusion.DPMSolverPP2M,
	} {
		m := freshModel(small, 2, 4, 6)
		randomise(t, m)
		draw := func(scheme diffusion.Scheme) (fields []float64) {
			last := 0
			s := must(diffusion.NewSampler(backendtest.Open(), m, diffusion.SamplerConfig{
				Scheme: scheme, Steps: 12, Batch: 20,
				Trace: func(step int, _ float64, x []float64) { last, fields = step, append(fields, x...) },
			}))
			ens := must(s.Sample(t.Context(), 33, 7))
			if last != 12 {
				t.Fatalf("%s: the trace ends with step %d", name, last)
			}
			fields = append(fields, ens.Data...)
			return append(fields, must(s.From(t.Context(), ens, 0.5, 8)).Data...)
		}
		got := draw(scheme)
		scheme.Modes = nil
		want := draw(scheme)
		if len(got) != len(want) {
			t.Fatalf("%s: expected %d numbers, got %d", name, len(want), len(got))
		}
		if d := maxDifference(got, want); !(d < 1e-3) {
			t.Errorf("%s: fields differ by %v", name, d)
		}
	}
}

func TestHostErrors(t *testing.T) {
	lat := must(lattice.New(4, 4))
	flat := diffusion.ModelConfig{Layout: lattice.Vector(lat, 2)}
	for range flat.Layout.Size() {
		flat.Spectrum = append(flat.Spectrum, 0.8)
	}
	two := must(diffusion.NewModel(backendtest.Open(), must(hollow.New(small)), flat))
	if _, err := diffusion.NewEvaluator(backendtest.Open(), two); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("two components: expected no evaluator, got %v", err)
	}
	e := must(diffusion.NewEvaluator(backendtest.Open(), freshModel(small, 0, 4, 4)))
	if err := e.Remainder(make([]float64, 16), nil, make([]float64, 17), 1); err == nil {
		t.Error("fields of the wrong size were accepted")
	}
}

// The remainder and its divergence for a batch on one core, by the implementation for the
// CPU.
func BenchmarkHost(b *testing.B) {
	for _, order := range []float64{0, 10} {
		for _, n := range []int{16, 32} {
			b.Run(fmt.Sprintf("%dx%d,order=%v", n, n, order), func(b *testing.B) {
				e := must(diffusion.NewEvaluator(backendtest.Open(), freshModel(hollow.Config{}, order, n, n)))
				x := normals(rand.New(rand.NewPCG(1, 2)), benchBatch*n*n)
				r, div := make([]float64, len(x)), make([]float64, benchBatch)
				for b.Loop() {
					if err := e.Remainder(r, div, x, 1); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms/batch")
			})
		}
	}
}
