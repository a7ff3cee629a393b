package selftrain_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow/selftrain"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/phi4"
	"github.com/latdiff/latdiff/stats"
)

// small returns a network for tests.
func small() *hollow.Network {
	n, err := hollow.New(hollow.Config{Range: 1, Features: 2, Channels: 4, Profiles: 2, Hidden: 8, Head: 4, Pairs: -1, Embedding: 8})
	if err != nil {
		panic(err)
	}
	return n
}

const testLambda = 0.2

// ring returns the path of φ⁴ theory on a ring of six sites, in a parameter with κ = t or κ =
// t².
func ring(t *testing.T, from, to float64, kappa func(t float64) float64) mcmc.ThermodynamicPath {
	t.Helper()
	lat, err := lattice.New(6)
	if err != nil {
		t.Fatal(err)
	}
	return mcmc.ThermodynamicPath{From: from, To: to, Action: func(x float64) (lattice.Action, error) {
		return lattice.NewPhi4(lat, kappa(x), testLambda)
	}}
}

// exactLogZ returns log Z of the ring by its transfer matrix.
func exactLogZ(t *testing.T, kappa float64) float64 {
	t.Helper()
	lat, err := lattice.New(6)
	if err != nil {
		t.Fatal(err)
	}
	e, err := phi4.Solve(lattice.Scalar(lat), kappa, testLambda)
	if err != nil {
		t.Fatal(err)
	}
	return e.LogZ
}

func config() selftrain.Config {
	return selftrain.Config{
		Network: small(), N: 384, LastN: 512, Keep: 0.8, GaussianESS: 0.9, FirstSteps: 30, Steps: 5, LastSteps: []int{15}, Check: 32, Seed: 1,
		Train: diffusion.TrainConfig{Batch: 16},
	}
}

func identity(x float64) float64 { return x }

// From the action to the exact distribution: log Z at every rung is that of the transfer matrix,
// and so is what the weights at the end say of the field. An interrupted run that
// continues gives the same.
func TestRun(t *testing.T) {
	path := ring(t, 0.1, 0.45, identity)
	r, err := selftrain.Run(t.Context(), backendtest.Open(), path, config())
	if err != nil {
		t.Fatal(err)
	}
	networks := 0
	for _, rung := range r.Rungs {
		if want := exactLogZ(t, rung.T); math.Abs(rung.LogZ.Value-want) > 4.5*rung.LogZ.Error {
			t.Errorf("κ = %v: log Z is %v, exact %v", rung.T, rung.LogZ, want)
		}
		if d := rung.SchwingerDyson; math.Abs(d.Value-1) > 4.5*d.Error {
			t.Errorf("κ = %v: -⟨φ_0 K_0⟩ is %v", rung.T, d)
		}
		if rung.Network {
			networks++
			if rung.Sides == nil {
				t.Errorf("κ = %v: no comparison of both sides", rung.T)
			}
		}
	}
	last := r.Rungs[len(r.Rungs)-1]
	if networks < 2 || len(r.Rungs) < networks+1 {
		t.Errorf("%d rungs, %d of them with a network", len(r.Rungs), networks)
	}
	if last.T != path.To || !(last.ESS.Value > r.Rungs[0].ESS.Value) || last.Fault != "" {
		t.Errorf("the last rung is at %v with ESS/N %v: %s", last.T, last.ESS, last.Fault)
	}
	lat := r.Draws.Ensemble.Lattice
	exact, err := phi4.Solve(lattice.Scalar(lat), path.To, testLambda)
	if err != nil {
		t.Fatal(err)
	}
	square := r.Draws.Ensemble.Measure(nil, func(phi []float64) float64 { return phi[0] * phi[0] })
	if e, err := stats.ReweightedMean(square, r.LogWeights, 0); err != nil || math.Abs(e.Value-exact.Phi2) > 4.5*e.Error {
		t.Errorf("⟨φ²⟩ is %v, exact %v, %v", e, exact.Phi2, err)
	}

	cfg := config()
	cfg.Folder = t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	rungs := 0
	cfg.Report = func(rung selftrain.Rung) {
		if rungs++; rung.Network {
			cancel()
		}
	}
	if _, err := selftrain.Run(ctx, backendtest.Open(), path, cfg); !errors.Is(err, context.Canceled) {
		t.Fatalf("an interrupted run returned %v", err)
	}
	cfg.Report = nil
	again, err := selftrain.Run(t.Context(), backendtest.Open(), path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.LogWeights, r.LogWeights) || len(again.Rungs) != len(r.Rungs) {
		t.Error("an interrupted run gave other weights")
	}
	cfg.Seed = 2
	if _, err := selftrain.Run(t.Context(), backendtest.Open(), path, cfg); err == nil {
		t.Error("the folder of another run was accepted")
	}
}

// A family that is not linear in its parameter, beyond its end and back, with polish, and with the
// weights of a model that has hardly been trained, which takes no more steps than a rung.
func TestPolished(t *testing.T) {
	cfg := config()
	cfg.Polish, cfg.Overshoot, cfg.Check = 2, 0.1, -1
	first := ring(t, 0.1, 0.11, identity)
	short := cfg
	short.FirstSteps, short.LastSteps = 1, []int{1}
	began, err := selftrain.Run(t.Context(), backendtest.Open(), first, short)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Start = []*diffusion.Model{began.Model}
	square := func(x float64) float64 { return x * x }
	r, err := selftrain.Run(t.Context(), backendtest.Open(), ring(t, 0.3, 0.6, square), cfg)
	if err != nil {
		t.Fatal(err)
	}
	farthest := 0.0
	for _, rung := range r.Rungs {
		farthest = max(farthest, rung.T)
		if rung.Steps >= cfg.FirstSteps {
			t.Errorf("t = %v: %d steps", rung.T, rung.Steps)
		}
		if want := exactLogZ(t, square(rung.T)); math.Abs(rung.LogZ.Value-want) > 4.5*rung.LogZ.Error {
			t.Errorf("t = %v: log Z is %v, exact %v", rung.T, rung.LogZ, want)
		}
	}
	last := r.Rungs[len(r.Rungs)-1]
	if math.Abs(farthest-0.63) > 1e-12 || last.T != 0.6 || last.Polished != 2 {
		t.Errorf("the ladder reached %v and ended at %v with %d trajectories", farthest, last.T, last.Polished)
	}
}

// A Gaussian that is not good enough where it was led to is followed by a network half as far.
func TestFailedRung(t *testing.T) {
	cfg := config()
	cfg.Keep, cfg.Least, cfg.GaussianESS, cfg.Check = 0.5, 0.88, 0.88, -1
	path := ring(t, 0.05, 0.45, identity)
	r, err := selftrain.Run(t.Context(), backendtest.Open(), path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	failed := slices.IndexFunc(r.Rungs, func(r selftrain.Rung) bool { return r.Fault != "" })
	if failed < 1 || failed+1 >= len(r.Rungs) {
		t.Fatalf("none of %d rungs failed", len(r.Rungs))
	}
	good, bad, next := r.Rungs[failed-1], r.Rungs[failed], r.Rungs[failed+1]
	if bad.Network || !next.Network || next.Fault != "" || math.Abs(next.T-(good.T+bad.T)/2) > 1e-12 {
		t.Errorf("after a rung that failed at %v on the way from %v comes one at %v, with a network: %v, %s", bad.T, good.T, next.T, next.Network, next.Fault)
	}
}

func TestRunRefuses(t *testing.T) {
	path := ring(t, 0.1, 0.2, identity)
	for name, change := range map[string]func(c *selftrain.Config, p *mcmc.ThermodynamicPath){
		"no network":         func(c *selftrain.Config, _ *mcmc.ThermodynamicPath) { c.Network = nil },
		"no actions":         func(_ *selftrain.Config, p *mcmc.ThermodynamicPath) { p.Action = nil },
		"no way":             func(_ *selftrain.Config, p *mcmc.ThermodynamicPath) { p.To = p.From },
		"negative polish":    func(c *selftrain.Config, _ *mcmc.ThermodynamicPath) { c.Polish = -1 },
		"clipped to nothing": func(c *selftrain.Config, _ *mcmc.ThermodynamicPath) { c.Clip = 0.5 },
		"no steps":           func(c *selftrain.Config, _ *mcmc.ThermodynamicPath) { c.LastSteps = []int{0} },
		"no rounds":          func(c *selftrain.Config, _ *mcmc.ThermodynamicPath) { c.LastSteps = []int{} },
		"a bad Gaussian": func(c *selftrain.Config, _ *mcmc.ThermodynamicPath) {
			c.Spectrum = []float64{9, 9, 9, 9, 9, 9}
		},
	} {
		cfg, p := config(), path
		change(&cfg, &p)
		if _, err := selftrain.Run(t.Context(), backendtest.Open(), p, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
