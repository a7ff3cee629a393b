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
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/chunk"
	"github.com/latdiff/latdiff/internal/lowering"
)

// scoreGraph divides the output of a network by σ, as the published model does.
func scoreGraph(network diffusion.Network) func(scope *model.Scope, x, sigma *graph.Node) *graph.Node {
	return func(scope *model.Scope, x, sigma *graph.Node) *graph.Node {
		y := network.Apply(scope.At("net"), diffusion.Inputs{Features: x, Sigma: sigma, Outputs: 1})
		return graph.Div(y, nn.PerSample(sigma, y))
	}
}

// jacobianGraph sums the product of the Jacobian of the score, from the left, with a fixed
// field: the work of a score with one probe of its divergence.
func jacobianGraph(network diffusion.Network) func(scope *model.Scope, x, sigma *graph.Node) *graph.Node {
	score := scoreGraph(network)
	return func(scope *model.Scope, x, sigma *graph.Node) *graph.Node {
		y := score(scope, x, sigma)
		probe := graph.StopGradient(x)
		return graph.Add(y, graph.Gradient(graph.ReduceAllSum(graph.Mul(y, probe)), x)[0])
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

// newCall returns a function that evaluates f on random fields once.
func newCall(tb testing.TB, backend compute.Backend, f func(scope *model.Scope, x, sigma *graph.Node) *graph.Node, batch, extent int) func() {
	tb.Helper()
	exec := model.MustNewExec(backend, model.NewStore(), f)
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
	return backendtest.Open(), network
}

// How convolutions, moves and sums are lowered for the devices of package lowering, each on
// the backend of the tests: the times of its table.
func BenchmarkLowerings(b *testing.B) {
	defer func(f func(*graph.Node) lowering.Device) { device = f }(device)
	build := func(n *Network, err error) (diffusion.Network, error) {
		if err != nil {
			return nil, err
		}
		n.cfg.Parity = diffusion.Odd
		return n, nil
	}
	for _, n := range []struct {
		name    string
		network func() (diffusion.Network, error)
	}{
		{"paper-strided", func() (diffusion.Network, error) { return NewPaper(PaperConfig{Strided: true}) }},
		{"unet", func() (diffusion.Network, error) { return build(New(Config{})) }},
		{"unet-large", func() (diffusion.Network, error) {
			return build(New(Config{Channels: []int{32, 64, 128, 256}, Stencil: Box}))
		}},
	} {
		network, err := n.network()
		if err != nil {
			b.Fatal(err)
		}
		for name, d := range map[string]lowering.Device{"PureGo": lowering.PureGo, "XLACPU": lowering.XLACPU, "XLAGPU": lowering.XLAGPU} {
			device = func(*graph.Node) lowering.Device { return d }
			step := newStep(b, backendtest.Open(), network, 64, 32)
			for kind, f := range map[string]func(){
				"training":   func() { step() },
				"score":      newCall(b, backendtest.Open(), scoreGraph(network), 64, 32),
				"divergence": newCall(b, backendtest.Open(), jacobianGraph(network), 64, 32),
			} {
				b.Run(n.name+"/"+name+"/"+kind, func(b *testing.B) {
					f()
					for b.Loop() {
						f()
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
				})
			}
		}
	}
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
	score := newCall(b, backend, scoreGraph(network), batch, 32)
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
