package flow_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/meter"
	"github.com/latdiff/latdiff/lattice"
)

// A flow that is given another model, of other weights, spectrum, mean or order and levels, is the
// flow of that model without a compilation: densities and draws are the same numbers, with graphs,
// without, and with probes. The model that it was made of stays as it was.
func TestSetModel(t *testing.T) {
	type kind struct {
		m   *diffusion.Model
		cfg flow.Config
		set func(c *diffusion.ModelConfig)
	}
	spectrum := func(c *diffusion.ModelConfig) {
		c.Spectrum = slices.Clone(c.Spectrum)
		for k := range c.Spectrum {
			c.Spectrum[k] *= 1.5
		}
		c.SigmaMin, c.SigmaMax, c.Residual = 0.05, 4, nil
	}
	exact := randomHollow(t, 4, 4)
	for name, k := range map[string]kind{
		"host":    {exact, flow.Config{}, spectrum},
		"graphs":  {exact, flow.Config{DType: dtypes.Float64}, spectrum},
		"probes":  {randomUNet(t, 4, 4), flow.Config{}, spectrum},
		"plain":   {exact, flow.Config{Plain: true}, spectrum},
		"ordered": {withConfig(t, exact, func(c *diffusion.ModelConfig) { c.Order = 2 }), flow.Config{}, func(c *diffusion.ModelConfig) { spectrum(c); c.Order = 3 }},
		"ordered, graphs": {withConfig(t, exact, func(c *diffusion.ModelConfig) { c.Order = 2 }), flow.Config{DType: dtypes.Float64},
			func(c *diffusion.ModelConfig) { spectrum(c); c.Order = 3 }},
		"one site": {withConfig(t, exact, func(c *diffusion.ModelConfig) { c.Site = []float64{0, 0, -1, 0, 1} }), flow.Config{DType: dtypes.Float64}, spectrum},
		"mean": {withConfig(t, randomUNet(t, 4, 4), func(c *diffusion.ModelConfig) { c.Mean = []float64{0.3} }), flow.Config{},
			func(c *diffusion.ModelConfig) { spectrum(c); c.Mean = []float64{-0.2} }},
	} {
		t.Run(name, func(t *testing.T) {
			k.cfg.Steps, k.cfg.Batch = 5, 3
			other := withConfig(t, k.m, k.set)
			b := meter.Wrap(backendtest.Open())
			own, err := k.m.Clone()
			if err != nil {
				t.Fatal(err)
			}
			f, err := flow.New(b, own, k.cfg)
			if err != nil {
				t.Fatal(err)
			}
			use := func(f *flow.ProbabilityFlow) (*flow.Samples, []float64) {
				s, err := f.Sample(t.Context(), 3, 1)
				if err != nil {
					t.Fatal(err)
				}
				l, err := f.LogProb(t.Context(), fields(k.m.Layout().Lattice, 3), 2)
				if err != nil {
					t.Fatal(err)
				}
				return s, l.LogQ
			}
			before, _ := use(f)
			compiled := b.Compiled()
			if err := f.SetModel(other); err != nil {
				t.Fatal(err)
			}
			s, logq := use(f)
			if b.Compiled() != compiled {
				t.Errorf("%d compilations, %d before", b.Compiled(), compiled)
			}
			want, wantq := use(newFlow(t, other, k.cfg))
			if !slices.Equal(s.Ensemble.Data, want.Ensemble.Data) || !slices.Equal(s.LogQ, want.LogQ) || !slices.Equal(logq, wantq) {
				t.Errorf("log q = %v of draws and %v of fields, %v and %v by a fresh flow", s.LogQ, logq, want.LogQ, wantq)
			}
			if slices.Equal(s.LogQ, before.LogQ) {
				t.Error("the other model has the same densities")
			}
			if err := f.SetModel(own); err != nil {
				t.Fatal(err)
			}
			if back, _ := use(f); !slices.Equal(back.LogQ, before.LogQ) {
				t.Error("the first model was changed")
			}
		})
	}
}

// withConfig returns a model with the weights of m, of another configuration.
func withConfig(t testing.TB, m *diffusion.Model, set func(c *diffusion.ModelConfig)) *diffusion.Model {
	t.Helper()
	cfg := m.Config()
	set(&cfg)
	if (cfg.Order > 0) == (m.Order() > 0) && len(cfg.Mean) == len(m.Mean()) {
		moved, err := m.OnLattice(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return moved
	}
	fresh, err := diffusion.NewModel(backendtest.Open(), m.Network(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	randomise(t, fresh, 0.3)
	return fresh
}

// What is no input of the graphs is refused.
func TestSetModelErrors(t *testing.T) {
	m := randomHollow(t, 4, 4)
	f := newFlow(t, m, flow.Config{})
	for name, other := range map[string]*diffusion.Model{
		"layout":                randomHollow(t, 4, 6),
		"network":               randomUNet(t, 4, 4),
		"kind of Gaussian part": withConfig(t, m, func(c *diffusion.ModelConfig) { c.Order = 2 }),
	} {
		if err := f.SetModel(other); err == nil || !strings.Contains(err.Error(), "another "+name) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if err := f.SetModel(nil); err == nil {
		t.Error("no model was accepted")
	}
	g, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(m.Layout().Lattice), Spectrum: m.Spectrum()})
	if err != nil {
		t.Fatal(err)
	}
	if err := newFlow(t, g, flow.Config{}).SetModel(m); err == nil {
		t.Error("a model was accepted in the place of a Gaussian")
	}
}
