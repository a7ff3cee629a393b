package hollow_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func normals(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// freshModel returns an untrained model with the spectrum of a free field.
func freshModel(cfg hollow.Config, order float64, dims ...int) *diffusion.Model {
	lat := must(lattice.New(dims...))
	spectrum := must(must(lattice.NewFreeField(lat, 0.9/float64(4*len(dims)))).FreeSpectrum(nil))
	return must(diffusion.NewModel(backendtest.Open(), must(hollow.New(cfg)), diffusion.ModelConfig{
		Layout: lattice.Scalar(lat), Spectrum: spectrum, Order: order, Seed: 3,
	}))
}

// small is a network with few channels.
var small = hollow.Config{Range: 2, Features: 3, Channels: 5, Profiles: 2, Hidden: 6, Head: 4, Pairs: 2, Embedding: 8}

// randomise replaces all weights, so that layers that start at zero are tested too.
func randomise(tb testing.TB, m *diffusion.Model) {
	tb.Helper()
	rng := rand.New(rand.NewPCG(2, 3))
	for v := range m.Store().IterVariables() {
		w := make([]float32, v.Shape().Size())
		for i := range w {
			w[i] = float32(0.4 * rng.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(w, v.Shape().Dimensions...)); err != nil {
			tb.Fatal(err)
		}
	}
}

// evaluate returns the part of the score beyond the linear one, and its divergence, for
// configurations with one noise level each.
func evaluate(tb testing.TB, m diffusion.LinearModel, data, sigma []float64) (r, divergence []float64) {
	tb.Helper()
	exec := model.MustNewExec(backendtest.Open(), m.Store(), func(scope *model.Scope, phi, s *graph.Node) (*graph.Node, *graph.Node) {
		p := m.Remainder(scope, phi, s)
		return p.Known, p.Divergence
	})
	out, err := exec.Call(fields(m, data), sigma)
	if err != nil {
		tb.Fatal(err)
	}
	return tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
}

// fields returns data as a tensor of fields of m.
func fields(m diffusion.ScoreModel, data []float64) *tensors.Tensor {
	l := m.Layout()
	return tensors.FromFlatDataAndDimensions(data, append([]int{len(data) / l.Size(), l.Components}, l.Dims()...)...)
}
