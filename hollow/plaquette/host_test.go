package plaquette_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/plaquette"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

// randomModel returns a model of lifted plaquettes with random weights.
func randomModel(t *testing.T, cfg plaquette.Config, solution bool) *diffusion.Model {
	t.Helper()
	layout := lattice.Scalar(must(lattice.New(4, 6)))
	action := must(gauge.NewLift(must(gauge.NewWilson(layout.Lattice, 2)), 0))
	spectrum, residual := make([]float64, layout.Size()), make([]float64, layout.Size())
	for k := range spectrum {
		spectrum[k], residual[k] = 1.6, 0.01
	}
	spectrum[0] = 1.3
	all := lattice.Symmetries{Sign: true, Translation: true, Reflection: true}
	c := diffusion.ModelConfig{Layout: layout, Spectrum: spectrum, Residual: residual, Symmetries: &all, Space: diffusion.LiftedAngles{}}
	if solution {
		lift := action.Lift()
		c.Space = diffusion.LiftedAngles{Lift: &lift}
	}
	m := must(diffusion.NewModel(backendtest.Open(), must(plaquette.New(cfg)), c))
	rng := rand.New(rand.NewPCG(1, 2))
	for v := range m.Store().IterVariables() {
		if !v.Trainable {
			continue
		}
		w := make([]float32, v.Shape().Size())
		for i := range w {
			w[i] = float32(0.3 * rng.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(w, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// The tables against the graph in float64: the score and its divergence, for several
// winding numbers, and for angles beyond the tables.
func TestLiftEvaluator(t *testing.T) {
	for name, solution := range map[string]bool{"solution and network": true, "network alone": false} {
		t.Run(name, func(t *testing.T) {
			m := randomModel(t, plaquette.Config{Hidden: 5, Embedding: 4}, solution)
			e := must(diffusion.NewLiftEvaluator(backendtest.Open(), m))
			exec := model.MustNewExec(backendtest.Open(), m.Store(), func(scope *model.Scope, phi, s *graph.Node) (*graph.Node, *graph.Node) {
				p := m.Remainder(scope, phi, s)
				return p.Known, p.Divergence
			})
			const batch, far = 6, 3
			v := m.Layout().Size()
			rng := rand.New(rand.NewPCG(3, 4))
			for _, sigma := range []float64{0.05, 0.7, 5} {
				fields := make([]float64, batch*v)
				for b := range batch {
					field, sum := fields[b*v:(b+1)*v], 0.0
					for i := range field {
						field[i] = math.Sqrt(1.6+sigma*sigma) * rng.NormFloat64()
						sum += field[i]
					}
					if b == far {
						field[2] += 40 * (1 + sigma)
						sum += 40 * (1 + sigma)
					}
					for i := range field {
						field[i] += (2*math.Pi*float64(b-2) - sum) / float64(v)
					}
				}
				got, div := make([]float64, len(fields)), make([]float64, batch)
				if err := e.Remainder(got, div, fields, sigma); err != nil {
					t.Fatal(err)
				}
				out, err := exec.Call(tensors.FromFlatDataAndDimensions(fields, batch, 1, 4, 6), []float64{sigma})
				if err != nil {
					t.Fatal(err)
				}
				want, wantDiv := tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
				size := 0.0
				for _, x := range want {
					size = max(size, math.Abs(x))
				}
				// The cubics of the network are off by less than 1e-5 of its size, their derivative
				// by less than 1e-3, at the largest σ, where a standard deviation has most of its waves.
				for i := range want {
					if d := math.Abs(got[i] - want[i]); !(d < 2e-5*size) {
						t.Fatalf("σ = %v: expected a score of %v at %d, got %v", sigma, want[i], i, got[i])
					}
				}
				for i := range div {
					if d := math.Abs(div[i] - wantDiv[i]); !(d < 2e-5*size*float64(v)) {
						t.Errorf("σ = %v: expected a divergence of %v for field %d, got %v", sigma, wantDiv[i], i, div[i])
					}
				}
				t.Logf("σ = %v: score %.3g, divergences %.6g %.6g", sigma, size, div, wantDiv)
			}
		})
	}
}

// A context is no function of one site.
func TestLiftEvaluatorUnsupported(t *testing.T) {
	m := randomModel(t, plaquette.Config{Hidden: 3, Embedding: 2, Context: 2}, true)
	if _, err := diffusion.NewLiftEvaluator(backendtest.Open(), m); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("expected an error of what is not supported, got %v", err)
	}
}

// The flow by tables against the one by graphs, which a model that hides its type takes: the same
// configurations and densities from the same latent fields.
func TestFlowByTables(t *testing.T) {
	m := randomModel(t, plaquette.Config{Hidden: 5, Embedding: 4}, true)
	cfg := flow.Config{Batch: 8, DType: dtypes.Float64}
	tables := must(must(flow.New(backendtest.Open(), m, cfg)).Sample(t.Context(), 8, 5))
	graphs := must(must(flow.New(backendtest.Open(), hidden{m}, cfg)).Sample(t.Context(), 8, 5))
	for i, x := range graphs.Ensemble.Data {
		if d := math.Abs(x - tables.Ensemble.Data[i]); !(d < 1e-4) {
			t.Fatalf("expected the angle %v, got %v", x, tables.Ensemble.Data[i])
		}
	}
	for i, x := range graphs.LogQ {
		if d := math.Abs(x - tables.LogQ[i]); !(d < 1e-3) {
			t.Errorf("expected log q = %v, got %v", x, tables.LogQ[i])
		}
	}
	back := must(must(flow.New(backendtest.Open(), m, cfg)).LogProb(t.Context(), graphs.Ensemble, 1))
	for i, x := range graphs.LogQ {
		if d := math.Abs(x - back.LogQ[i]); !(d < 1e-2) {
			t.Errorf("expected log q = %v from the configuration, got %v", x, back.LogQ[i])
		}
	}
}

// hidden is a model whose type is not known, so that nothing but its graphs can be used.
type hidden struct{ *diffusion.Model }
