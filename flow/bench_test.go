package flow_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/unet"
)

// trained is a U-Net for φ⁴ theory and configurations that it has not seen.
type trained struct {
	m   *diffusion.Model
	ens *lattice.Ensemble
}

// phi4UNet trains the default U-Net on 16×16, κ = 0.25, λ = 0.022, as examples/quickstart
// does; it takes minutes.
var phi4UNet = sync.OnceValues(func() (trained, error) {
	lat, err := lattice.New(16, 16)
	if err != nil {
		return trained{}, err
	}
	action, err := lattice.NewPhi4(lat, 0.25, 0.022)
	if err != nil {
		return trained{}, err
	}
	run, err := mcmc.Generate(context.Background(), mcmc.EnsembleConfig{Action: action, N: 5120, Seed: 1},
		func(int) (mcmc.Kernel, error) { return mcmc.Recommended(action) })
	if err != nil {
		return trained{}, err
	}
	backend := backendtest.Open()
	cfg, err := diffusion.Measure(action, run.Ensemble)
	if err != nil {
		return trained{}, err
	}
	network, err := unet.New(unet.Config{})
	if err != nil {
		return trained{}, err
	}
	m, err := diffusion.NewModel(backend, network, cfg.ModelConfig)
	if err != nil {
		return trained{}, err
	}
	const held = 64
	split := (run.Ensemble.Len() - held) * lat.Volume()
	trainer, err := diffusion.NewTrainer(backend, m, &lattice.Ensemble{Layout: lattice.Scalar(lat), Data: run.Ensemble.Data[:split]},
		diffusion.TrainConfig{Objective: diffusion.Target, Targets: cfg.Targets[:split], Steps: 3000})
	if err != nil {
		return trained{}, err
	}
	if err := trainer.Run(context.Background()); err != nil {
		return trained{}, err
	}
	m, err = trainer.Model()
	return trained{m, &lattice.Ensemble{Layout: lattice.Scalar(lat), Data: run.Ensemble.Data[split:]}}, err
})

// The variance of log q from the estimate of the divergence, at an equal number of reverse
// passes per evaluation (metric var), and by how much it is less than that of as many
// Rademacher vectors (gain). For Probing it is that of one set of signs, found from four.
func BenchmarkDivergence(b *testing.B) {
	model, err := phi4UNet()
	if err != nil {
		b.Fatal(err)
	}
	rademacher := map[int]float64{}
	for _, way := range []flow.Divergence{flow.Rademacher, flow.GaussianProbes, flow.Probing} {
		for _, n := range []int{2, 4, 8, 16, 32, 64} {
			b.Run(fmt.Sprintf("%v/passes=%d", way, n), func(b *testing.B) {
				cfg := flow.Config{Integrator: flow.RK4, Steps: 6, Divergence: way, Probes: n, Batch: 64}
				// An estimate consists of n vectors: independent ones, or a set.
				sets := 1.0
				if way == flow.Probing {
					cfg.Repeats = 4
					sets = 4
				}
				var l *flow.Likelihood
				for b.Loop() {
					l = logProb(b, model.m, model.ens, cfg)
				}
				variance := 0.0
				for _, e := range l.ProbeError {
					variance += e * e * sets / float64(len(l.ProbeError))
				}
				if way == flow.Rademacher {
					rademacher[n] = variance
				}
				b.ReportMetric(variance, "var")
				b.ReportMetric(rademacher[n]/variance, "gain")
			})
		}
	}
}

// How the Jacobian decays: the rms over configurations and sites of σ²∂r(x)/∂φ(y) at
// distances |x-y| = 0, 1, 2, … along an axis, of the part r of the score that the network adds to
// the linear one. Each metric is of one distance.
func BenchmarkJacobianDecay(b *testing.B) {
	trained, err := phi4UNet()
	if err != nil {
		b.Fatal(err)
	}
	lat := trained.m.Layout().Lattice
	v, n := lat.Volume(), trained.ens.Len()
	exec := model.MustNewExec(backendtest.Open(), trained.m.Store(), func(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
		r := trained.m.Remainder(scope, phi, sigma).Learned
		// One reverse pass from site 0 of every configuration.
		site := graph.SliceAxis(graph.Reshape(r, n, v), 1, graph.AxisElem(0))
		j := graph.Gradient(graph.ReduceAllSum(site), phi)[0]
		return graph.Mul(j, nn.PerSample(graph.Square(sigma), j))
	})
	phi := make([]float64, n*v)
	for _, level := range []float64{0.05, 0.2, 1, 4} {
		b.Run(fmt.Sprintf("sigma=%v", level), func(b *testing.B) {
			rms := make([]float64, lat.Extent(0)/2+1)
			for b.Loop() {
				clear(rms)
				sigma := make([]float32, n)
				for i := range sigma {
					sigma[i] = float32(level)
				}
				// The noise of the level, from the same stream for all levels.
				rng := rand.New(rand.NewPCG(7, 8))
				for i := range phi {
					phi[i] = trained.ens.Data[i] + level*rng.NormFloat64()
				}
				out, err := exec.Call1(host.Tensor(dtypes.Float32, phi, n, 1, lat.Extent(0), lat.Extent(1)), sigma)
				if err != nil {
					b.Fatal(err)
				}
				jacobian := make([]float64, n*v)
				if err := host.Read(jacobian, out); err != nil {
					b.Fatal(err)
				}
				for i := range n {
					for d := range rms {
						a, c := jacobian[i*v+d], jacobian[i*v+d*lat.Extent(1)]
						rms[d] += (a*a + c*c) / float64(2*n)
					}
				}
			}
			for d := range rms {
				b.ReportMetric(math.Sqrt(rms[d]), fmt.Sprintf("d%d", d))
			}
		})
	}
}

// BenchmarkProbes compares, for the default U-Net and its eight probes, one reverse pass for each
// with a single one through copies of the fields. The metric first is the time of the first
// call, with its compilation.
func BenchmarkProbes(b *testing.B) {
	m, _ := freeField(b, 0.2, 16, 16)
	network, err := unet.New(unet.Config{})
	if err != nil {
		b.Fatal(err)
	}
	d, err := diffusion.NewModel(backendtest.Open(), network, diffusion.ModelConfig{Layout: m.Layout(), Spectrum: m.Spectrum()})
	if err != nil {
		b.Fatal(err)
	}
	const n = 64
	ens := fields(m.Layout().Lattice, n)
	for _, fold := range []bool{false, true} {
		b.Run(fmt.Sprintf("folded=%v", fold), func(b *testing.B) {
			f := newFlow(b, d, flow.Config{Steps: 4, Batch: n})
			f.Fold(fold)
			evaluate := func() int {
				l, err := f.LogProb(b.Context(), ens, 3)
				if err != nil {
					b.Fatal(err)
				}
				return l.Evaluations
			}
			start := time.Now()
			evaluate()
			b.ReportMetric(time.Since(start).Seconds(), "first-s")
			evaluations := 0
			b.ResetTimer()
			for range b.N {
				evaluations += evaluate()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(evaluations), "ms/evaluation")
		})
	}
}
