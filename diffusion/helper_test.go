package diffusion_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/unet"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func freeField(kappa float64, dims ...int) (*diffusion.Gaussian, []float64) {
	lat := must(lattice.New(dims...))
	spectrum := must(must(lattice.NewFreeField(lat, kappa)).FreeSpectrum(nil))
	return must(diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: spectrum})), spectrum
}

// score evaluates a model on configurations at one noise level, in float64.
func score(t testing.TB, m diffusion.ScoreModel, sigma float64, data []float64) []float64 {
	t.Helper()
	return scores(t, m, slices.Repeat([]float64{sigma}, len(data)/m.Layout().Size()), data)
}

// scores is score with a noise level for every field, in one graph.
func scores(t testing.TB, m diffusion.ScoreModel, levels, data []float64) []float64 {
	t.Helper()
	exec := must(model.NewExec(backendtest.Open(), m.Store(), func(scope *model.Scope, phi, s *graph.Node) *graph.Node {
		return m.Score(scope, phi, s)
	}))
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(data, append([]int{len(levels), m.Layout().Components}, m.Layout().Dims()...)...), levels)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float64](out)
}

// phi4Model returns a small model, an ensemble and its residual field.
func phi4Model(t testing.TB, n int, dims ...int) (*diffusion.Model, *lattice.Ensemble, []float64) {
	t.Helper()
	lat := must(lattice.New(dims...))
	action := must(lattice.NewPhi4(lat, 0.25, 0.1))
	r := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: n, Thin: 2, Thermalisation: 100, Chains: 4, Seed: 9},
		func(int) (mcmc.Kernel, error) { return mcmc.Recommended(action) }))
	return wrap(t, action, r.Ensemble)
}

// wrap builds a model around a small U-Net with the spectra of the ensemble.
func wrap(t testing.TB, action lattice.Action, ens *lattice.Ensemble) (*diffusion.Model, *lattice.Ensemble, []float64) {
	t.Helper()
	measured := must(diffusion.Measure(action, ens))
	measured.Order, measured.Spectrum = 0, ens.PowerSpectrum().Symmetrized(nil)
	targets := must(diffusion.ResidualField(action, measured.ModelConfig, ens.Data))
	measured.Residual = (&lattice.Ensemble{Layout: ens.Layout, Data: targets}).PowerSpectrum().Symmetrized(nil)
	measured.Seed = 5
	network := must(unet.New(unet.Config{Channels: []int{24}, Blocks: 2, Embedding: 16}))
	return must(diffusion.NewModel(backendtest.Open(), network, measured.ModelConfig)), ens, targets
}

// toy is a one-variable density by quadrature: an independent route to every score.
type toy struct{ x, w []float64 } // nodes and weights ∝ e^{-S}

func newToy(action *lattice.Toy) toy {
	const n, reach = 4001, 12.0
	var q toy
	sum := 0.0
	for i := range n {
		x := -reach + 2*reach*float64(i)/(n-1)
		w := math.Exp(-action.Value([]float64{x}))
		q.x, q.w = append(q.x, x), append(q.w, w)
		sum += w
	}
	for i := range q.w {
		q.w[i] /= sum
	}
	return q
}

// score returns ∇ log p_σ(φ) and p_σ(φ) of the density convolved with N(0, σ²).
func (q toy) score(phi, sigma float64) (s, p float64) {
	num, den := 0.0, 0.0
	for i, x := range q.x {
		g := q.w[i] * math.Exp(-(phi-x)*(phi-x)/(2*sigma*sigma))
		den += g
		num += g * (x - phi) / (sigma * sigma)
	}
	return num / den, den / (sigma * math.Sqrt(2*math.Pi))
}

// sample draws n values by inversion of the cumulative sum.
func (q toy) sample(rng *rand.Rand, n int) []float64 {
	cdf := make([]float64, len(q.w))
	sum := 0.0
	for i, w := range q.w {
		sum += w
		cdf[i] = sum
	}
	out := make([]float64, n)
	for i := range out {
		u := rng.Float64() * sum
		lo, hi := 0, len(cdf)-1
		for lo < hi {
			if mid := (lo + hi) / 2; cdf[mid] < u {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		out[i] = q.x[lo] + (rng.Float64()-0.5)*(q.x[1]-q.x[0])
	}
	return out
}

// exactFreeField draws n configurations with the given spectrum.
func exactFreeField(lat *lattice.Lattice, spectrum []float64, n int) *lattice.Ensemble {
	fourier := lattice.NewFourier(lat)
	rng := rand.New(rand.NewPCG(21, 22))
	ens := lattice.NewEnsemble(lattice.Scalar(lat), n)
	for range n {
		ens.Append(fourier.Gaussian(nil, spectrum, rng))
	}
	return ens
}
