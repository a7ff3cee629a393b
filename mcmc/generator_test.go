package mcmc_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// noticing tells of each of its steps.
type noticing struct {
	*mcmc.Cycle
	step func()
}

func (k noticing) Step(ctx context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	k.step()
	return k.Cycle.Step(ctx, rng, phi)
}

// adaptive has tuned parts, whose state a resumed run needs.
func adaptive(t testing.TB, a *lattice.Phi4) *mcmc.Cycle {
	return cycle(t, metropolis(t, a, mcmc.MetropolisConfig{Width: 0.3}),
		must[*mcmc.MALA](t)(mcmc.NewMALA(a, mcmc.MALAConfig{})), mcmc.SignFlip{})
}

func generatorConfig(t testing.TB) (*lattice.Phi4, mcmc.EnsembleConfig) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	return a, mcmc.EnsembleConfig{
		Action: a, N: 83, Chains: 3, Seed: 3, Thermalisation: 101, Decorrelation: 1.5,
		Observables: []mcmc.Observable{{Name: "φ²", Func: lattice.Phi2}, {Name: "|M|", Func: lattice.AbsMagnetization}},
	}
}

// TestGeneratorResume interrupts a run again and again, in each of its phases, and
// continues in new generators or in the same one.
func TestGeneratorResume(t *testing.T) {
	a, cfg := generatorConfig(t)
	want := generate(t, cfg, func(int) (mcmc.Kernel, error) { return adaptive(t, a), nil })
	if want.Pilot.Steps < 500 || want.Thin < 2 {
		t.Fatalf("expected a pilot run that is prolonged, and thinning, got %+v and %d", want.Pilot, want.Thin)
	}
	for _, c := range []struct {
		every   int64
		workers int
		fresh   bool
	}{{37, 1, true}, {41, 2, true}, {101, 3, false}} {
		cfg := cfg
		cfg.Workers = c.workers
		last := 0
		cfg.Progress = func(done, total int) {
			if last++; done != last || total != cfg.N {
				t.Errorf("expected progress %d of %d, got %d of %d", last, cfg.N, done, total)
			}
		}
		var cancel context.CancelFunc
		var steps atomic.Int64
		build := func() *mcmc.Generator {
			return must[*mcmc.Generator](t)(mcmc.NewGenerator(cfg, func(int) (mcmc.Kernel, error) {
				return noticing{adaptive(t, a), func() {
					if steps.Add(1)%c.every == 0 {
						cancel()
					}
				}}, nil
			}))
		}
		g := build()
		pauses := make(map[mcmc.Phase]int)
		for err := context.Canceled; err != nil; {
			if c.fresh {
				var state bytes.Buffer
				if err := g.Save(&state); err != nil {
					t.Fatal(err)
				}
				g = build()
				if err := g.Restore(&state); err != nil {
					t.Fatal(err)
				}
			}
			var ctx context.Context
			ctx, cancel = context.WithCancel(context.Background())
			err = g.Run(ctx)
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if err := g.Result().Ensemble.Check(); g.Result().Ensemble.Len() > 0 && err != nil {
				t.Error(err)
			}
			if thin := g.Thin(); (g.Phase() <= mcmc.PhasePilot) != (thin == 0) || thin != 0 && thin != want.Thin {
				t.Errorf("thinned to %d in phase %d, expected %d", thin, g.Phase(), want.Thin)
			}
			pauses[g.Phase()]++
			cancel()
		}
		if pauses[mcmc.PhaseThermalisation] < 2 || pauses[mcmc.PhasePilot] < 2 || pauses[mcmc.PhaseProduction] < 2 || g.Phase() != mcmc.PhaseFinished {
			t.Errorf("expected pauses in all phases and the last one at the end, got %v and phase %d", pauses, g.Phase())
		}
		if !reflect.DeepEqual(g.Result(), want) {
			t.Errorf("%+v: the resumed run differs from the uninterrupted one", c)
		}
	}
}

// TestGeneratorRestoreErrors: damaged states and states of another run are refused.
func TestGeneratorRestoreErrors(t *testing.T) {
	a, cfg := generatorConfig(t)
	kernels := func(int) (mcmc.Kernel, error) { return adaptive(t, a), nil }
	build := func(cfg mcmc.EnsembleConfig, k func(int) (mcmc.Kernel, error)) *mcmc.Generator {
		return must[*mcmc.Generator](t)(mcmc.NewGenerator(cfg, k))
	}
	g := build(cfg, kernels)
	if err := g.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := g.Save(&buf); err != nil {
		t.Fatal(err)
	}
	state := buf.Bytes()
	check := func(name string, g *mcmc.Generator, b []byte) {
		if err := g.Restore(bytes.NewReader(b)); err == nil || !strings.HasPrefix(err.Error(), "mcmc: ") {
			t.Errorf("%s: expected an error of the package, got %v", name, err)
		}
	}
	for n := 0; n < len(state); n += 97 {
		check("truncated", build(cfg, kernels), state[:n])
		flipped := slices.Clone(state)
		flipped[n] ^= 1
		check("flipped", build(cfg, kernels), flipped)
	}
	check("longer", build(cfg, kernels), append(slices.Clone(state), 0))
	check("other kernel", build(cfg, func(int) (mcmc.Kernel, error) { return mcmc.SignFlip{}, nil }), state)
	for name, change := range map[string]func(*mcmc.EnsembleConfig){
		"N":              func(c *mcmc.EnsembleConfig) { c.N++ },
		"chains":         func(c *mcmc.EnsembleConfig) { c.Chains++ },
		"seed":           func(c *mcmc.EnsembleConfig) { c.Seed++ },
		"start":          func(c *mcmc.EnsembleConfig) { c.Start = mcmc.StartCold },
		"cold value":     func(c *mcmc.EnsembleConfig) { c.ColdValue = 2 },
		"thermalisation": func(c *mcmc.EnsembleConfig) { c.Thermalisation++ },
		"thin":           func(c *mcmc.EnsembleConfig) { c.Thin = 9 },
		"decorrelation":  func(c *mcmc.EnsembleConfig) { c.Decorrelation = 3 },
		"pilot":          func(c *mcmc.EnsembleConfig) { c.PilotSteps = 9 },
		"coupling":       func(c *mcmc.EnsembleConfig) { c.Action = phi4(t, 0.21, 0.1, 4, 4) },
		"lattice":        func(c *mcmc.EnsembleConfig) { c.Action = phi4(t, 0.2, 0.1, 16) },
		"observables":    func(c *mcmc.EnsembleConfig) { c.Observables = c.Observables[:1] },
	} {
		cfg := cfg
		change(&cfg)
		check("other "+name, build(cfg, kernels), state)
	}
	// A state of another run leaves the generator as it is.
	other := cfg
	other.Seed = 4
	g = build(other, kernels)
	check("other seed", g, state)
	if err := g.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g.Result(), generate(t, other, kernels)) {
		t.Error("a refused state changed the generator")
	}
	cfg.N = math.MaxInt / 16 // of 16 sites
	if _, err := mcmc.NewGenerator(cfg, kernels); err == nil {
		t.Error("more numbers than memory has bytes: expected an error")
	}
	failing := errors.New("full")
	if err := g.Save(failingWriter{failing}); !errors.Is(err, failing) {
		t.Errorf("expected the error of the writer, got %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
