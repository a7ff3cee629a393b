package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/latdiff/latdiff/internal/checkpoint"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// watching is a kernel that calls f before every step.
type watching struct {
	*mcmc.Metropolis
	f func()
}

func (k watching) Step(ctx context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	k.f()
	return k.Metropolis.Step(ctx, rng, phi)
}

// A measurement that is stopped after its state has been written goes on with the chains, the variants and
// the time that it has had.
func TestResume(t *testing.T) {
	t.Setenv(checkpoint.Variable, "1ns")
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.15, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	ens := lattice.NewEnsemble(action.Layout(), walkers)
	ens.Data = ens.Data[:walkers*action.Layout().Size()]
	path := filepath.Join(t.TempDir(), "state")
	run := func(ctx context.Context, f func()) (*job, outcome, error) {
		measure := chainsOf(func(*job) ([]variant, error) {
			kernel := func() (mcmc.Kernel, error) {
				k, err := mcmc.NewMetropolis(action, mcmc.MetropolisConfig{})
				return watching{k, f}, err
			}
			return []variant{{"first", kernel}, {"second", kernel}}, nil
		})
		j := &job{site: &site{action: action}, ens: ens, seed: 3, state: path, budget: &budget{total: time.Hour, task: new(progress.Task)}}
		o, err := measure(ctx, nil, j)
		return j, o, err
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err = run(ctx, func() {
		if _, err := os.Stat(path); err == nil {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("expected an interruption, got %v", err)
	}
	left, err := stage.Load[timed[heats]](path, stateName)
	if err != nil {
		t.Fatal(err)
	}
	if s := left.State; len(s.Done) != 0 || len(s.Walkers) != walkers || !(s.Elapsed > 0 && s.Elapsed == left.Used) {
		t.Fatalf("%d variants and %d chains in %v of %v", len(s.Done), len(s.Walkers), s.Elapsed, left.Used)
	}
	made := 0
	for _, w := range left.State.Walkers {
		made += len(w.Abs)
	}
	// At the end of its time, with the second variant as the better one, a last round is made.
	better := outcome{Reliable: true, Cost: stats.Estimate{Value: 1}}
	left.State.Done = []outcome{{Reliable: true, Cost: stats.Estimate{Value: 2}}, better}
	left.State.Elapsed, left.Used = time.Hour, time.Hour
	if err := stage.Save(path, stateName, left); err != nil {
		t.Fatal(err)
	}
	if _, o, err := run(t.Context(), func() {}); err != nil || o.Steps != 2*made || o.Variant != "second" {
		t.Errorf("%d steps of %q after %d: %v", o.Steps, o.Variant, made, err)
	}
}
