package flow_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

var (
	_ mcmc.Proposer  = (*flow.Proposer)(nil)
	_ mcmc.LogProber = (*flow.Proposer)(nil)
)

// proposer returns a proposer with the spectrum of the free field at κ = 0.2 on 4x4,
// the modes wider than they should be, and the flow and action.
func proposer(t *testing.T, ctx context.Context) (*flow.Proposer, *flow.ProbabilityFlow, *lattice.Phi4) {
	t.Helper()
	_, spectrum := freeField(t, 0.2, 4, 4)
	for k := range spectrum {
		spectrum[k] *= 1.2
	}
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: spectrum})
	if err != nil {
		t.Fatal(err)
	}
	f, err := flow.New(backendtest.Open(), m, flow.Config{Steps: 4, Batch: 16, DType: dtypes.Float64})
	if err != nil {
		t.Fatal(err)
	}
	p, err := flow.NewProposer(f, flow.ProposerConfig{Batch: 40})
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewFreeField(lat, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	return p, f, action
}

// A cycle of local updates and proposals samples the free field, although q is wider:
// ⟨S⟩ = V/2 by equipartition, and the acceptance is below 1.
func TestProposerInChain(t *testing.T) {
	p, _, action := proposer(t, t.Context())
	independence, err := mcmc.NewIndependence(action, p, mcmc.IndependenceConfig{})
	if err != nil {
		t.Fatal(err)
	}
	local, err := mcmc.NewMetropolis(action, mcmc.MetropolisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cycle, err := mcmc.NewCycle(local, independence)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := mcmc.NewChain(cycle, make([]float64, 16), 5, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := make([]float64, 1200)
	accepted := 0
	for i := range s {
		if err := chain.Run(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if s[i] = action.Value(chain.Field()); cycle.Infos()[1].Accepted {
			accepted++
		}
	}
	g, err := stats.GammaMethod([][]float64{s[10:]}, stats.GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if pull := g.Mean.Pull(8); !(math.Abs(pull) < 5) {
		t.Errorf("⟨S⟩ = %v, expected 8", g.Mean)
	}
	// With variances 1.2 times as large, log w has the variance V/2·0.2² and more.
	if rate := float64(accepted) / float64(len(s)); !(rate > 0.6 && rate < 0.85) {
		t.Errorf("acceptance %v", rate)
	}
}

// Proposals are those of Sample with the seeds of the generator, LogProb gives their
// densities, and a restored proposer goes on where the saved one was.
func TestProposerSequence(t *testing.T) {
	p, f, _ := proposer(t, t.Context())
	rng := rand.New(rand.NewPCG(1, 2))
	type proposal struct {
		phi  []float64
		logq float64
	}
	draw := func(p *flow.Proposer, rng *rand.Rand) proposal {
		phi := make([]float64, 16)
		logq, err := p.Propose(t.Context(), rng, phi)
		if err != nil {
			t.Fatal(err)
		}
		return proposal{phi, logq}
	}
	var all []proposal
	for range 90 {
		all = append(all, draw(p, rng))
	}
	if slices.Equal(all[0].phi, all[40].phi) {
		t.Error("the second batch repeats the first")
	}
	for _, x := range all[38:42] {
		got, err := p.LogProb(t.Context(), x.phi)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got-x.logq) > 1e-8 {
			t.Errorf("LogProb = %v, Propose gave %v", got, x.logq)
		}
		l, err := f.LogProb(t.Context(), &lattice.Ensemble{Layout: lattice.Scalar(lattice2(t)), Data: x.phi}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got-l.LogQ[0]) > 1e-8 {
			t.Errorf("LogProb = %v, that of the flow %v", got, l.LogQ[0])
		}
	}
	first, _, _ := proposer(t, t.Context())
	rng = rand.New(rand.NewPCG(1, 2))
	for range 57 {
		draw(first, rng)
	}
	state, err := first.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	second, _, _ := proposer(t, t.Context())
	if err := second.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	for i := 57; i < 90; i++ {
		if x := draw(second, rng); x.logq != all[i].logq || !slices.Equal(x.phi, all[i].phi) {
			t.Fatalf("proposal %d differs after restoring", i)
		}
	}
	for _, bad := range [][]byte{nil, state[1:], append([]byte{1}, state[1:]...)} {
		if err := second.UnmarshalBinary(bad); err == nil {
			t.Errorf("state %v was accepted", bad)
		}
	}
}

func lattice2(t *testing.T) *lattice.Lattice {
	t.Helper()
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	return lat
}

// Estimates of one density have fresh noise in every call, as the penalty method needs.
func TestProposerNoise(t *testing.T) {
	m, _ := freeField(t, 0.2, 4, 4)
	// Nothing is known of the score alone.
	f, err := flow.New(backendtest.Open(), struct{ diffusion.ScoreModel }{m}, flow.Config{Steps: 8, Batch: 8, SigmaMax: 20, Divergence: flow.Rademacher, Probes: 4})
	if err != nil {
		t.Fatal(err)
	}
	p, err := flow.NewProposer(f, flow.ProposerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	phi := fields(m.Layout().Lattice, 1).Data
	seen := map[float64]bool{}
	for range 4 {
		logq, err := p.LogProb(t.Context(), phi)
		if err != nil {
			t.Fatal(err)
		}
		seen[logq] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d different estimates in 4 calls", len(seen))
	}
}

func TestProposerErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, f, _ := proposer(t, ctx)
	rng := rand.New(rand.NewPCG(1, 2))
	if _, err := p.Propose(ctx, rng, make([]float64, 15)); err == nil {
		t.Error("a field of another lattice: no error")
	}
	if _, err := p.LogProb(ctx, []float64{1}); err == nil {
		t.Error("the density of a field of another lattice: no error")
	}
	if _, err := p.LogProb(ctx, append(make([]float64, 15), math.NaN())); err == nil {
		t.Error("the density of NaN: no error")
	}
	long, err := lattice.New(2, 8)
	if err != nil {
		t.Fatal(err)
	}
	other, err := lattice.NewPhi4(long, 0.1, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mcmc.NewIndependence(other, p, mcmc.IndependenceConfig{}); err == nil {
		t.Error("a sampler for an action of another lattice with as many sites: no error")
	}
	if _, err := flow.NewProposer(nil, flow.ProposerConfig{}); err == nil {
		t.Error("no flow: no error")
	}
	if _, err := flow.NewProposer(f, flow.ProposerConfig{Batch: -1}); err == nil {
		t.Error("a negative batch: no error")
	}
	cancel()
	if _, err := p.Propose(ctx, rng, make([]float64, 16)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := p.LogProb(ctx, make([]float64, 16)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
