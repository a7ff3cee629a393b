package latdiff_test

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/difftest"
	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// What a user brings: an action, a Markov kernel, a network and a step of the reverse
// process. Nothing of it is known to the library.

// sineGordon is the massive sine-Gordon model,
//
//	S = Σ_x [ ½ Σ_µ (φ(x+µ̂)-φ(x))² + ½m²φ² + α(1 - cos βφ) ],
//
// the bosonised massive Schwinger model in two dimensions.
type sineGordon struct {
	lat             *lattice.Lattice
	m2, alpha, beta float64
}

func (a sineGordon) Layout() lattice.Layout { return lattice.Scalar(a.lat) }

func (a sineGordon) Params() map[string]float64 {
	return map[string]float64{"m2": a.m2, "alpha": a.alpha, "beta": a.beta}
}

func (a sineGordon) Value(phi []float64) float64 {
	s := 0.0
	for x, v := range phi {
		for mu := range a.lat.Dim() {
			d := phi[a.lat.Forward(mu)[x]] - v
			s += d * d / 2
		}
		s += a.m2*v*v/2 + a.alpha*(1-math.Cos(a.beta*v))
	}
	return s
}

func (a sineGordon) Drift(dst, phi []float64) []float64 {
	if dst == nil {
		dst = make([]float64, len(phi))
	}
	for x, v := range phi {
		k := -a.m2*v - a.alpha*a.beta*math.Sin(a.beta*v)
		for mu := range a.lat.Dim() {
			k += phi[a.lat.Forward(mu)[x]] + phi[a.lat.Backward(mu)[x]] - 2*v
		}
		dst[x] = k
	}
	return dst
}

// hop shifts the whole field by a period 2π/β of the cosine, up or down, with a Metropolis
// step: a move between the wells that no small step makes.
type hop struct {
	action lattice.Action
	period float64
	next   []float64
}

func (h *hop) Step(_ context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	shift := h.period * float64(2*rng.IntN(2)-1)
	h.next = h.next[:0]
	for _, v := range phi {
		h.next = append(h.next, v+shift)
	}
	delta := h.action.Value(h.next) - h.action.Value(phi)
	info := mcmc.Info{DeltaH: delta, AcceptProb: min(1, math.Exp(-delta)), Accepted: delta < rng.ExpFloat64()}
	if info.Accepted {
		copy(phi, h.next)
	}
	return info, nil
}

// periodic is a network of two functions of the field at a site, a(σ) sin βφ + b(σ) φ: the
// drift of sine-Gordon theory has the first, of which the Gaussian part takes the mean
// slope. Its divergence is Σ_x [a(σ) β cos βφ + b(σ)].
type periodic struct {
	Beta float64 `json:"beta"`
}

const periodicKind = "test-periodic"

func init() {
	diffusion.RegisterNetwork(periodicKind, func(config json.RawMessage) (periodic, error) {
		var p periodic
		return p, json.Unmarshal(config, &p)
	})
}

func (p periodic) Kind() string { return periodicKind }
func (p periodic) Config() any  { return p }

func (p periodic) Adapt(t diffusion.Theory) (diffusion.Architecture, error) {
	_, err := diffusion.Odd.Resolve(t)
	return p, err
}

func (p periodic) ApplyDivergence(scope *model.Scope, in diffusion.Inputs) (out, divergence *graph.Node) {
	phi := in.Field
	batch := phi.Shape().Dimensions[0]
	embedding := nn.NoiseEmbedding(scope, graph.Log(in.Sigma), in.Condition, 8)
	amplitude := func(name string) *graph.Node {
		a := nn.Dense(scope.At("%s", name), embedding, 1, nn.Zeros)
		return graph.BroadcastToDims(graph.Reshape(a, -1), batch)
	}
	a, b := amplitude("sine"), amplitude("linear")
	angle := graph.MulScalar(phi, p.Beta)
	out = graph.Add(graph.Mul(nn.PerSample(a, phi), graph.Sin(angle)), graph.Mul(nn.PerSample(b, phi), phi))
	slope := graph.MulScalar(graph.Cos(angle), p.Beta)
	return out, graph.Add(graph.Mul(a, nn.SumSites(slope)), graph.MulScalar(b, float64(in.Volume())))
}

// exponential is a deterministic step of the reverse process: the linear part solved
// exactly as if the denoised field φ + σ²s were constant over the step (DDIM).
var exponential = diffusion.Scheme{
	Numbers: func(_ diffusion.SDE, levels []float64, i int) []float64 {
		return []float64{levels[i], levels[i] * levels[i], levels[i+1] / levels[i]}
	},
	Build: func(scope *model.Scope, m diffusion.ScoreModel, x, _, c []*graph.Node) []*graph.Node {
		score := m.Score(scope, x[0], graph.Reshape(c[0], 1))
		denoised := graph.Add(x[0], graph.Mul(c[1], score))
		return []*graph.Node{graph.Add(denoised, graph.Mul(c[2], graph.Sub(x[0], denoised)))}
	},
}

// A user's action goes from its definition to an exact chain by public calls alone, with
// the observables of a Markov chain that shares nothing with it but the action.
func TestUsersAction(t *testing.T) {
	ctx := t.Context()
	lat := must(lattice.New(6, 6))
	action := sineGordon{lat: lat, m2: 0.4, alpha: 0.5, beta: 1.5}
	ens, _, err := hmc.Ensemble(ctx, action, hmc.EnsembleConfig{N: 3000, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	device := backendtest.Open()
	m, err := diffusion.Fit(ctx, device, action, ens, diffusion.FitConfig{
		Network: hollow.Default(), Train: diffusion.TrainConfig{Steps: 100}, Seed: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.Config().Theory.Params["beta"] != 1.5 || m.CheckAction(sineGordon{lat, 0.4, 0.5, 1.4}) == nil {
		t.Error("the model does not know its theory")
	}
	f := must(flow.New(device, m, flow.Config{}))
	draws, err := f.Sample(ctx, 768, 3)
	if err != nil {
		t.Fatal(err)
	}
	logw := must(draws.LogWeights(action))
	weights, err := stats.LogWeightStats(logw)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := mcmc.DMMC(rand.New(rand.NewPCG(4, 0)), logw)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ESS/N %v, acceptance %.3f, predicted %v", weights.ESS, chain.Acceptance, weights.Acceptance)
	if weights.ESS.Value < 0.95 || chain.Acceptance < 0.85 {
		t.Errorf("ESS/N %v and acceptance %v of a model of a weakly coupled theory", weights.ESS, chain.Acceptance)
	}
	// The two-sided check: the weights of equilibrated fields, which q has not drawn.
	few := &lattice.Ensemble{Layout: ens.Layout, Data: ens.Slice(0, 256).Data}
	l, err := f.LogProb(ctx, few, 5)
	if err != nil {
		t.Fatal(err)
	}
	theory := must(l.LogWeights(action, few))
	sides, err := stats.CompareLogWeights(logw, theory)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("log w of equilibrated fields: %+v", sides)
	if err := sides.Check(); err != nil {
		t.Error(err)
	}

	// The same observables by Metropolis-adjusted Langevin dynamics with hops.
	mala := must(mcmc.NewMALA(action, mcmc.MALAConfig{}))
	cycle := must(mcmc.NewCycle(mala, mala, mala, mala, mala, &hop{action: action, period: 2 * math.Pi / action.beta}))
	independent := must(mcmc.NewChain(cycle, make([]float64, lat.Volume()), 6, 0))
	if err := independent.Thermalise(ctx, 2000); err != nil {
		t.Fatal(err)
	}
	cos := func(phi []float64) float64 {
		s := 0.0
		for _, v := range phi {
			s += math.Cos(action.beta*v) / float64(len(phi))
		}
		return s
	}
	for name, o := range map[string]func([]float64) float64{"S/V": func(phi []float64) float64 { return action.Value(phi) / 36 }, "φ²": lattice.Phi2, "cos βφ": cos} {
		series := make([]float64, 6000)
		for i := range series {
			if err := independent.Run(ctx, 1); err != nil {
				t.Fatal(err)
			}
			series[i] = o(independent.Field())
		}
		want, err := stats.GammaMethod([][]float64{series}, stats.GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		values := draws.Ensemble.Measure(nil, o)
		picked := make([]float64, len(chain.Index))
		for i, j := range chain.Index {
			picked[i] = values[j]
		}
		got, err := stats.GammaMethod([][]float64{picked}, stats.GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: exact chain %v, Langevin %v", name, got.Mean, want.Mean)
		if math.Abs(got.Mean.Sigma(want.Mean)) > 5 {
			t.Errorf("%s: exact chain %v, Langevin %v", name, got.Mean, want.Mean)
		}
	}

	// A user's step of the reverse process on the user's theory.
	sampler := must(diffusion.NewSampler(device, m, diffusion.SamplerConfig{Scheme: exponential, Steps: 100}))
	reverse, err := sampler.Sample(ctx, 512, 7)
	if err != nil {
		t.Fatal(err)
	}
	a, b := mustMean(t, reverse.Measure(nil, cos)), mustMean(t, ens.Measure(nil, cos))
	t.Logf("cos βφ: deterministic sampler %v, training data %v", a, b)
	// Its steps are of first order: a per cent of bias.
	if d := math.Abs(a.Value - b.Value); d > 5*math.Hypot(a.Error, b.Error)+0.01 {
		t.Errorf("cos βφ: sampler %v, training data %v", a, b)
	}
}

// A user's network passes the tests that the library's own pass, and learns.
func TestUsersNetwork(t *testing.T) {
	ctx := t.Context()
	device := backendtest.Open()
	lat := must(lattice.New(4, 4))
	difftest.TestNetwork(t, device, periodic{Beta: 1.5}, difftest.Config{
		Layout:     lattice.Scalar(must(lattice.New(3, 4))),
		Symmetries: &lattice.Symmetries{Sign: true, Translation: true, Reflection: true, Exchange: true},
		Other:      must(lattice.New(2, 5)),
	})
	action := sineGordon{lat: lat, m2: 0.5, alpha: 2, beta: 1.5}
	ens, _, err := hmc.Ensemble(ctx, action, hmc.EnsembleConfig{N: 1000, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	ess := func(steps int) float64 {
		m, err := diffusion.Fit(ctx, device, action, ens, diffusion.FitConfig{
			Network: periodic{Beta: 1.5}, Train: diffusion.TrainConfig{Steps: steps, LearningRate: 2e-2}, Seed: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		f := must(flow.New(device, m, flow.Config{}))
		draws, err := f.Sample(ctx, 512, 4)
		if err != nil {
			t.Fatal(err)
		}
		return must(stats.LogWeightESS(must(draws.LogWeights(action))))
	}
	before, after := ess(1), ess(200)
	t.Logf("ESS/N %.4f untrained, %.4f trained", before, after)
	if !(1-after < 0.5*(1-before)) {
		t.Errorf("training takes ESS/N from %v to %v", before, after)
	}
}

// A network that is odd by construction is refused for an action that is not even.
func TestOddNetworkIsRefused(t *testing.T) {
	lat := must(lattice.New(4, 4))
	action := must(lattice.NewPolynomial(lat, 0.2, []float64{0, 0.3, 0.8, 0.1, 0.1}))
	ens, _, err := hmc.Ensemble(t.Context(), action, hmc.EnsembleConfig{N: 64, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	device := backendtest.Open()
	_, err = diffusion.Fit(t.Context(), device, action, ens, diffusion.FitConfig{Network: periodic{Beta: 1}})
	if err == nil || !strings.Contains(err.Error(), "φ → -φ") {
		t.Errorf("expected an error that names the symmetry, got %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func mustMean(t *testing.T, x []float64) stats.Estimate {
	t.Helper()
	e, err := stats.Mean(x)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
