package unet

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/internal/chunk"
)

// scoreGraph divides the output of a network by σ, as the published model does.
func scoreGraph(network diffusion.Network) func(scope *model.Scope, x, sigma *graph.Node) *graph.Node {
	return func(scope *model.Scope, x, sigma *graph.Node) *graph.Node {
		y := network.Apply(scope.At("net"), diffusion.Inputs{Features: x, Sigma: sigma, Outputs: 1})
		return graph.Div(y, nn.PerSample(sigma, y))
	}
}

// newStep returns a function that does one step of denoising score matching with Adam,
// the training of appendix C, on random fields, and returns the loss.
func newStep(tb testing.TB, backend compute.Backend, network diffusion.Network, batch, extent int) func() float32 {
	tb.Helper()
	score := scoreGraph(network)
	exec := model.MustNewExec(backend, model.NewStore(), func(scope *model.Scope, x, z, sigma *graph.Node) *graph.Node {
		level := nn.PerSample(sigma, x)
		s := score(scope, graph.Add(x, graph.Mul(z, level)), sigma)
		perSite := graph.Square(graph.Add(graph.Mul(s, level), z))
		loss := graph.MulScalar(graph.ReduceAllSum(perSite), 1/float64(batch))
		optimizer.Adam().LearningRate(1e-3).Done().UpdateGraph(scope.Store().RootScope(), x.Graph(), loss)
		return loss
	})
	rng := rand.New(rand.NewPCG(11, 12))
	x := randomTensor(rng, batch, 1, extent, extent)
	return func() float32 {
		sigma := make([]float32, batch)
		for i := range sigma {
			sigma[i] = float32(0.01 * math.Pow(1000, rng.Float64()))
		}
		out, err := exec.Call1(x, randomTensor(rng, batch, 1, extent, extent), sigma)
		if err != nil {
			tb.Fatal(err)
		}
		loss := tensors.ToScalar[float32](out)
		if err := out.FinalizeAll(); err != nil {
			tb.Fatal(err)
		}
		return loss
	}
}

// newScore returns a function that evaluates the score of random fields once.
func newScore(tb testing.TB, backend compute.Backend, network diffusion.Network, batch, extent int) func() {
	tb.Helper()
	exec := model.MustNewExec(backend, model.NewStore(), scoreGraph(network))
	x := randomTensor(rand.New(rand.NewPCG(13, 14)), batch, 1, extent, extent)
	sigma := slices.Repeat([]float32{1}, batch)
	return func() {
		out, err := exec.Call1(x, sigma)
		if err != nil {
			tb.Fatal(err)
		}
		if err := out.FinalizeAll(); err != nil {
			tb.Fatal(err)
		}
	}
}

func strided(b *testing.B) (compute.Backend, diffusion.Network) {
	b.Helper()
	network, err := NewPaper(PaperConfig{Strided: true})
	if err != nil {
		b.Fatal(err)
	}
	return openGo(), network
}

// The work of a training step with 1.1 million parameters: 64 fields, Adam.
func BenchmarkTrainingStep32x32(b *testing.B) {
	backend, network := strided(b)
	step := newStep(b, backend, network, 64, 32)
	step()
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
}

// The score of 64 fields, in one call and, as samplers do it, in two that run at once.
func BenchmarkScore32x32(b *testing.B) {
	for name, batch := range map[string]int{"whole": 64, "halves": 32} {
		b.Run(name, func(b *testing.B) { benchmarkScore(b, 64, batch) })
	}
}

// The score of 1024 fields in pieces of 64.
func BenchmarkScore1024Fields32x32(b *testing.B) { benchmarkScore(b, 1024, 64) }

func benchmarkScore(b *testing.B, n, batch int) {
	backend, network := strided(b)
	score := newScore(b, backend, network, batch, 32)
	score()
	b.ReportAllocs()
	for b.Loop() {
		err := chunk.Run(b.Context(), backend, n, batch, func(context.Context, int, int, int) error {
			score()
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
}
