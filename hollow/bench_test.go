package hollow_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/lattice"
)

const benchBatch = 64

// One optimizer step of target score matching with the default network.
func BenchmarkTrainingStep(b *testing.B) {
	for _, n := range []int{16, 32} {
		b.Run(fmt.Sprintf("%dx%d", n, n), func(b *testing.B) {
			m := freshModel(hollow.Config{}, 0, n, n)
			data := normals(rand.New(rand.NewPCG(1, 2)), benchBatch*n*n)
			ens := &lattice.Ensemble{Layout: m.Layout(), Data: data}
			step := 0
			ctx, cancel := context.WithCancel(b.Context())
			t, err := diffusion.NewTrainer(backendtest.Open(), m, ens, diffusion.TrainConfig{
				Objective: diffusion.Target, Targets: data, Steps: 1 << 30,
				Progress: func(diffusion.TrainProgress) {
					switch {
					case step == 0:
						b.ResetTimer()
					case step == b.N:
						b.StopTimer()
						cancel()
					}
					step++
				},
			})
			if err != nil {
				b.Fatal(err)
			}
			if err := t.Run(ctx); err != context.Canceled {
				b.Fatal(err)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms/step")
		})
	}
}

// What the network adds to the score, with its divergence, without and with the two
// wells of an ordered phase.
func BenchmarkScoreDivergence(b *testing.B) {
	for _, order := range []float64{0, 10} {
		for _, n := range []int{16, 32} {
			b.Run(fmt.Sprintf("%dx%d,order=%v", n, n, order), func(b *testing.B) {
				m := freshModel(hollow.Config{}, order, n, n)
				exec := model.MustNewExec(backendtest.Open(), m.Store(), func(scope *model.Scope, phi, s *graph.Node) (*graph.Node, *graph.Node) {
					r := m.Remainder(scope, phi, s)
					return r.Known, r.Divergence
				})
				rng := rand.New(rand.NewPCG(1, 2))
				phi := host.Normal(dtypes.Float32, rng, benchBatch, 1, n, n)
				sigma := make([]float32, benchBatch)
				for i := range sigma {
					sigma[i] = float32(i+1) / 8
				}
				run := func() {
					out, err := exec.Call(phi, sigma)
					if err != nil {
						b.Fatal(err)
					}
					for _, o := range out {
						if err := o.FinalizeAll(); err != nil {
							b.Fatal(err)
						}
					}
				}
				run()
				for b.Loop() {
					run()
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms/batch")
			})
		}
	}
}
