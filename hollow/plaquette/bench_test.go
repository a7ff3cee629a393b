package plaquette_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow/plaquette"
	"github.com/latdiff/latdiff/internal/backendtest"
)

// Score and divergence of 64 fields of 16×16, by tables and by the graph in double precision.
func BenchmarkScore(b *testing.B) {
	const batch, sigma = 64, 0.7
	a := newTheory(7, 16)
	m := must(diffusion.Measure(a.lift, a.ensemble(b, 256, 1)))
	net := must(diffusion.NewModel(backendtest.Open(), must(plaquette.New(plaquette.Config{})), m.ModelConfig))
	fields := make([]float64, batch*256)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range fields {
		fields[i] = rng.NormFloat64()
	}
	b.Run("tables", func(b *testing.B) {
		e := must(diffusion.NewLiftEvaluator(backendtest.Open(), net))
		r, divergence := make([]float64, len(fields)), make([]float64, batch)
		for b.Loop() {
			if err := e.Remainder(r, divergence, fields, sigma); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("graph", func(b *testing.B) {
		exec := model.MustNewExec(backendtest.Open(), net.Store(), func(scope *model.Scope, phi, s *graph.Node) (*graph.Node, *graph.Node) {
			p := net.Remainder(scope, phi, s)
			return p.Known, p.Divergence
		})
		phi := tensors.FromFlatDataAndDimensions(fields, batch, 1, 16, 16)
		for b.Loop() {
			if _, err := exec.Call(phi, []float64{sigma}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
