package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/checkpoint"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// watching is a kernel that calls f before every step.
type watching struct {
	mcmc.Kernel
	f func()
}

func (k watching) Step(ctx context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	k.f()
	return k.Kernel.Step(ctx, rng, phi)
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

// What a pilot tells the length of goes on, after an end in the middle, with that length, the state that it
// writes by itself, and the time up to it, without another pilot.
func TestPilot(t *testing.T) {
	dir := t.TempDir()
	path, state := filepath.Join(dir, "state"), filepath.Join(dir, "state-run")
	const size, wait = 7, 30 * time.Millisecond
	pilots := 0
	measure := func(run func(size int) (string, error)) (*job, string, int, float64, error) {
		j := &job{state: path, budget: &budget{total: time.Hour, task: new(progress.Task)}}
		r, n, seconds, err := withPilot(j, []string{state}, func() (int, error) {
			pilots++
			j.spend(time.Minute)
			return size, nil
		}, run)
		return j, r, n, seconds, err
	}
	stop := errors.New("stop")
	_, _, _, first, err := measure(func(n int) (string, error) {
		time.Sleep(wait)
		return "", errors.Join(os.WriteFile(state, []byte{byte(n)}, 0o666), stop)
	})
	if !errors.Is(err, stop) || !(first >= wait.Seconds()) {
		t.Fatalf("%v s of a run that stopped with %v", first, err)
	}
	left, err := stage.Load[timed[piloted]](path, stateName)
	if err != nil || left.State.Size != size || left.State.Elapsed < wait || left.Used != time.Minute+left.State.Elapsed {
		t.Fatalf("%v: %+v", err, left)
	}
	// A process that is killed after it has written nothing more adds nothing.
	_, _, _, _, err = measure(func(int) (string, error) { return "", stop })
	if again, e := stage.Load[timed[piloted]](path, stateName); !errors.Is(err, stop) || e != nil || again != left {
		t.Errorf("%v, %v: %+v in the place of %+v", err, e, again, left)
	}
	j, r, n, seconds, err := measure(func(n int) (string, error) {
		b, err := os.ReadFile(state)
		if err == nil && int(b[0]) != n {
			t.Errorf("a run of %d goes on as one of %d", b[0], n)
		}
		return "done", err
	})
	if err != nil || r != "done" || n != size || pilots != 1 || seconds < left.State.Elapsed.Seconds() || j.used < left.Used {
		t.Errorf("%q of %d in %v s and %v with %d pilots: %v", r, n, seconds, j.used, pilots, err)
	}
}

// until is a context that ends when it is asked after a file has appeared.
type until struct {
	context.Context
	end     context.CancelFunc
	pattern string
}

func (u until) Err() error {
	if files, _ := filepath.Glob(u.pattern); len(files) > 0 {
		u.end()
	}
	return u.Context.Err()
}

// The samplers whose length a pilot tells give, stopped once they have written what they have done, what
// they give undisturbed.
func TestPilotedSamplers(t *testing.T) {
	t.Setenv(checkpoint.Variable, "1ns")
	lat, err := lattice.New(2, 2)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{name: "2x2", ensembles: map[string]*lattice.Ensemble{}}
	for kappa, action := range map[float64]**lattice.Phi4{0.4: &s.action, 0.1: &s.lower} {
		if *action, err = lattice.NewPhi4(lat, kappa, 0.1); err != nil {
			t.Fatal(err)
		}
	}
	r, err := mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: s.lower, N: 64, Seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.ensembles["ensemble-2x2-kappa0.1.npz"] = r.Ensemble
	c := &cost{o: options{lower: 0.1}}
	if c.backend, err = backend.Open("go"); err != nil {
		t.Fatal(err)
	}
	m, err := gaussianModel(s.lower, r.Ensemble)
	if err != nil {
		t.Fatal(err)
	}
	p, err := flow.New(c.backend, m, flow.Config{})
	if err != nil {
		t.Fatal(err)
	}
	through := func(f func(context.Context, *job, *flow.ProbabilityFlow) (outcome, error)) func(context.Context, *cost, *job) (outcome, error) {
		return func(ctx context.Context, _ *cost, j *job) (outcome, error) { return f(ctx, j, p) }
	}
	// The moves of annealings last until there is something to be stopped at.
	wait := func() {}
	moves := func(a lattice.Action) (mcmc.Kernel, error) {
		k, err := trajectories(a)
		return watching{k, func() { wait() }}, err
	}
	for name, one := range map[string]struct {
		measure func(context.Context, *cost, *job) (outcome, error)
		size    int
		file    string
	}{
		smc: {anneal(moves, false), pilotN, "-rungs"}, smcModel: {anneal(moves, true), pilotN, "-rungs"}, "draws of " + smcModel: {anneal(moves, true), 2 * pilotN, "-draws"},
		latent: {through(latentChains), 2 * leastSteps, "-chains"}, hybrid: {through(hybridChains), 2 * leastSteps, "-chains"}, thermo: {thermodynamic, 4 * settleNodes, "-nodes"},
	} {
		run := func(ctx context.Context, state string) (outcome, error) {
			return one.measure(ctx, c, &job{site: s, seed: 3, state: state, budget: &budget{total: time.Hour, task: new(progress.Task)}})
		}
		told := func(name string) string {
			state := filepath.Join(t.TempDir(), name)
			if err := stage.Save(state, stateName, timed[piloted]{piloted{Size: one.size}, time.Minute}); err != nil {
				t.Fatal(err)
			}
			return state
		}
		want, err := run(t.Context(), told("whole"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		state := told("stopped")
		ctx, cancel := context.WithCancel(t.Context())
		wait = func() {
			if _, err := os.Stat(state + one.file); err != nil {
				time.Sleep(time.Millisecond)
			}
		}
		if _, err := run(until{ctx, cancel, state + one.file}, state); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: expected an interruption, got %v", name, err)
		}
		wait = func() {}
		if left, err := stage.Load[timed[piloted]](state, stateName); err != nil || !(left.State.Elapsed > 0) || left.Used < time.Minute+left.State.Elapsed {
			t.Errorf("%s: %+v, %v", name, left, err)
		}
		got, err := run(t.Context(), state)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, o := range []*outcome{&want, &got} {
			o.Seconds, o.LogZSeconds, o.Cost = 0, 0, stats.Estimate{}
		}
		if a, b := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); a != b {
			t.Errorf("%s, stopped: %s, undisturbed: %s", name, a, b)
		}
	}
}
