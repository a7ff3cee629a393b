package plaquette_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/difftest"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/plaquette"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/u1"
	"github.com/latdiff/latdiff/stats"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The network passes the tests of every network, with an exact divergence in the directions
// without sum.
func TestNetwork(t *testing.T) {
	for _, c := range []struct {
		dims     []int
		context  int
		exchange bool
	}{{[]int{6}, 0, true}, {[]int{4, 4}, 0, true}, {[]int{3, 2}, 0, true}, {[]int{4, 4}, 3, true}, {[]int{5, 4}, 2, true}, {[]int{6, 6}, 2, false}} {
		dims := c.dims
		all := lattice.Symmetries{Sign: true, Translation: true, Reflection: true, Exchange: c.exchange}
		cfg := difftest.Config{Layout: lattice.Scalar(must(lattice.New(dims...))), Symmetries: &all, Space: diffusion.LiftedAngles{}, Gain: 0.2}
		if len(dims) > 1 {
			cfg.Other = must(lattice.New(5, 3))
		}
		difftest.TestNetwork(t, backendtest.Open(), must(plaquette.New(plaquette.Config{Hidden: 5, Embedding: 4, Context: c.context})), cfg)
	}
}

// Theories that are not of lifted angles are refused.
func TestAdapt(t *testing.T) {
	layout := lattice.Scalar(must(lattice.New(4, 4)))
	n := must(plaquette.New(plaquette.Config{}))
	for name, theory := range map[string]diffusion.Theory{
		"free":     {Layout: layout},
		"vector":   {Layout: lattice.Vector(layout.Lattice, 2), Space: diffusion.LiftedAngles{}},
		"not even": {Layout: layout, Space: diffusion.LiftedAngles{}, Symmetries: &lattice.Symmetries{Translation: true, Reflection: true}},
	} {
		if _, err := n.Adapt(theory); err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
	if _, err := plaquette.New(plaquette.Config{Hidden: -1}); err == nil {
		t.Error("a negative size was accepted")
	}
}

// theory is pure gauge theory with the Wilson weight on a square.
type theory struct {
	action *gauge.Action
	lift   *gauge.Lift
	exact  *gauge.Exact
}

func newTheory(beta float64, n int) theory {
	action := must(gauge.NewWilson(must(lattice.New(n, n)), beta))
	return theory{action, must(gauge.NewLift(action, 0)), must(gauge.NewExact(action.Weight(), n, n))}
}

// ensemble returns n independent configurations of the lift.
func (a theory) ensemble(t testing.TB, n int, seed uint64) *lattice.Ensemble {
	t.Helper()
	draw := must(u1.NewExact(a.action))
	rng := rand.New(rand.NewPCG(seed, 1))
	links := lattice.NewEnsemble(a.action.Layout(), n)
	links.Data = links.Data[:cap(links.Data)]
	for _, config := range links.All() {
		if err := draw.Draw(rng, config); err != nil {
			t.Fatal(err)
		}
	}
	return must(a.lift.DrawEnsemble(links, seed))
}

// From lifted plaquettes to the exact chain of links: with the solution of independent
// plaquettes alone, with a network alone and with both, log w has a small spread as draws and as
// the theory see it, log Z is that of the exact solution, and the chain has the plaquette and the charges.
func TestChain(t *testing.T) {
	const n = 1000
	b, a := backendtest.Open(), newTheory(2, 6)
	ens, test := a.ensemble(t, 3000, 1), a.ensemble(t, 600, 2)
	for _, arm := range []struct {
		name     string
		solution bool
		steps    int
		ess      float64
		rebuilt  bool
	}{
		{name: "solution alone", solution: true, ess: 0.995},
		{name: "network alone", steps: 300, ess: 0.95},
		{name: "both", solution: true, steps: 100, ess: 0.995, rebuilt: true},
	} {
		m := must(diffusion.Measure(a.lift, ens))
		if !arm.solution {
			m.Space = diffusion.LiftedAngles{}
		}
		m.Seed = 1
		network := must(plaquette.New(plaquette.Config{Hidden: 12}))
		model := must(diffusion.NewModel(b, network, m.ModelConfig))
		if arm.steps > 0 {
			model = must(diffusion.Train(t.Context(), b, model, ens, diffusion.TrainConfig{Targets: m.Targets, Steps: arm.steps, Seed: 2}))
		}
		f := must(flow.New(b, model, flow.Config{Batch: 128}))
		draws := must(f.Sample(t.Context(), n, 3))
		logw := must(draws.LogWeights(a.lift))
		weights := must(stats.LogWeightStats(logw))
		if weights.ESS.Value < arm.ess {
			t.Errorf("%s: ESS = %v", arm.name, weights.ESS)
		}
		if d := weights.LogZ.Value - a.exact.LogZ(); math.Abs(d) > 4.5*weights.LogZ.Error {
			t.Errorf("%s: log Z = %v, exact %v", arm.name, weights.LogZ, a.exact.LogZ())
		}
		density := must(f.LogProb(t.Context(), test, 4))
		sides := must(stats.CompareLogWeights(logw, must(density.LogWeights(a.lift, test))))
		if sides.ESSTheory < arm.ess-0.03 {
			t.Errorf("%s: ESS = %v as the theory sees it", arm.name, sides.ESSTheory)
		}
		if arm.rebuilt {
			checkChain(t, a, draws, logw)
		}
	}
}

// checkChain runs the chain of links and compares plaquette and charge with the exact ones.
func checkChain(t *testing.T, a theory, draws *flow.Samples, logw []float64) {
	t.Helper()
	chain := must(mcmc.DMMC(rand.New(rand.NewPCG(5, 6)), logw))
	rng := rand.New(rand.NewPCG(7, 8))
	torus := a.lift.Torus()
	cos, square := make([]float64, len(logw)), make([]float64, len(logw))
	for i, theta := range draws.Ensemble.All() {
		links := must(a.lift.Links(rng, nil, theta))
		q := float64(torus.Charge(links))
		cos[i], square[i] = torus.MeanPlaquette(links), q*q
	}
	for name, c := range map[string]struct {
		values []float64
		want   float64
	}{"⟨cos θ⟩": {cos, a.exact.Plaquette()}, "⟨Q²⟩": {square, a.exact.Q2()}} {
		series := make([]float64, len(chain.Index))
		for j, i := range chain.Index {
			series[j] = c.values[i]
		}
		r := must(stats.GammaMethod([][]float64{series}, stats.GammaConfig{}))
		if math.Abs(r.Mean.Value-c.want) > 4.5*r.Mean.Error {
			t.Errorf("%s = %v, exact %v", name, r.Mean, c.want)
		}
	}
}

// A model that is trained on one lattice serves another one.
func TestOtherLattice(t *testing.T) {
	b, small, large := backendtest.Open(), newTheory(3, 4), newTheory(3, 8)
	ens := small.ensemble(t, 3000, 1)
	m := must(diffusion.Measure(small.lift, ens))
	m.Space = diffusion.LiftedAngles{}
	network := must(plaquette.New(plaquette.Config{Hidden: 12}))
	model := must(diffusion.Train(t.Context(), b, must(diffusion.NewModel(b, network, m.ModelConfig)), ens, diffusion.TrainConfig{Targets: m.Targets, Steps: 300, Seed: 2}))
	there := must(diffusion.Measure(large.lift, large.ensemble(t, 500, 3)))
	there.Space = diffusion.LiftedAngles{}
	moved := must(model.OnLattice(there.ModelConfig))
	draws := must(must(flow.New(b, moved, flow.Config{})).Sample(t.Context(), 512, 4))
	weights := must(stats.LogWeightStats(must(draws.LogWeights(large.lift))))
	if d := weights.LogZ.Value - large.exact.LogZ(); weights.ESS.Value < 0.9 || math.Abs(d) > 4.5*weights.LogZ.Error {
		t.Errorf("ESS = %v, log Z = %v, exact %v", weights.ESS, weights.LogZ, large.exact.LogZ())
	}
}

// From the action of the links to proposals with their density.
func Example() {
	b := backendtest.Open()
	action := must(gauge.NewWilson(must(lattice.New(4, 4)), 2))
	lift := must(gauge.NewLift(action, 0))

	// Independent links, lifted, and what a model has to know of them.
	draw := must(u1.NewExact(action))
	rng := rand.New(rand.NewPCG(1, 0))
	links := lattice.NewEnsemble(action.Layout(), 1000)
	links.Data = links.Data[:cap(links.Data)]
	for _, config := range links.All() {
		if err := draw.Draw(rng, config); err != nil {
			fmt.Println(err)
			return
		}
	}
	ens := must(lift.DrawEnsemble(links, 2))
	network := must(plaquette.New(plaquette.Config{}))
	model, err := diffusion.Fit(context.Background(), b, lift, ens, diffusion.FitConfig{
		Network: network, Train: diffusion.TrainConfig{Steps: 50}, Seed: 3,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// Proposals, their weights, and links again.
	draws := must(must(flow.New(b, model, flow.Config{})).Sample(context.Background(), 500, 4))
	weights := must(stats.LogWeightStats(must(draws.LogWeights(lift))))
	config := must(lift.Links(rng, nil, draws.Ensemble.Config(0)))
	exact := must(gauge.NewExact(action.Weight(), 4, 4))
	fmt.Println("effective sample size above 0.98:", weights.ESS.Value > 0.98)
	fmt.Println("log Z within 0.01 of the exact one:", math.Abs(weights.LogZ.Value-exact.LogZ()) < 0.01)
	fmt.Println("numbers of the links:", len(config))
	// Output:
	// effective sample size above 0.98: true
	// log Z within 0.01 of the exact one: true
	// numbers of the links: 32
}
