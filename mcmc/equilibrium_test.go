package mcmc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// sticky does nothing but count its steps until there are enough of them.
type sticky struct {
	mcmc.Kernel
	until, steps int
}

func (k *sticky) Step(ctx context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	if k.steps++; k.steps <= k.until {
		return mcmc.Info{}, nil
	}
	return k.Kernel.Step(ctx, rng, phi)
}

func notEquilibrated(t *testing.T, cfg mcmc.EnsembleConfig, kernel func(int) (mcmc.Kernel, error)) *mcmc.NotEquilibratedError {
	t.Helper()
	r, err := mcmc.Generate(context.Background(), cfg, kernel)
	var e *mcmc.NotEquilibratedError
	if !errors.As(err, &e) {
		t.Fatalf("expected chains that are not in equilibrium, got %v", err)
	}
	// All chains alike hide the disagreement.
	if strings.Contains(e.Advice, "alike") {
		t.Errorf("expected advice that ends it, got %q", e.Advice)
	}
	if r == nil || e.Advice == "" || !strings.HasPrefix(err.Error(), "mcmc: expected ") || strings.Count(err.Error(), "mcmc: ") != 1 {
		t.Errorf("expected a result and an error with advice, got %v", err)
	}
	return e
}

// TestStuckChain: a chain that accepts nothing is named, after extensions that end; one
// that moves in an extension is as good as the others.
func TestStuckChain(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	cfg := mcmc.EnsembleConfig{Action: a, N: 80, Chains: 8, Thermalisation: 200, Seed: 4}
	kernel := func(until int) func(int) (mcmc.Kernel, error) {
		return func(c int) (mcmc.Kernel, error) {
			k := &sticky{Kernel: metropolis(t, a, mcmc.MetropolisConfig{})}
			if c == 5 {
				k.until = until
			}
			return k, nil
		}
	}
	e := notEquilibrated(t, cfg, kernel(math.MaxInt))
	if e.Chain != 5 || e.Observable != "acceptance" || e.Steps != 200*(1+2+4+8) {
		t.Errorf("expected chain 5 to accept nothing in 3000 steps, got %v", e)
	}
	generate(t, cfg, kernel(1200))
	// The chain stops moving after its thermalisation.
	cfg.Thin = 50
	steps := 0
	e = notEquilibrated(t, cfg, func(c int) (mcmc.Kernel, error) {
		k := metropolis(t, a, mcmc.MetropolisConfig{})
		return kernelFunc(func(rng *rand.Rand, phi []float64) (mcmc.Info, error) {
			if c == 3 {
				if steps++; steps > 210 {
					return mcmc.Info{}, nil
				}
			}
			return k.Step(t.Context(), rng, phi)
		}), nil
	})
	if e.Chain != 3 {
		t.Errorf("expected chain 3 to have stopped, got %v", e)
	}
}

// kernelFunc is a function as a kernel.
type kernelFunc func(rng *rand.Rand, phi []float64) (mcmc.Info, error)

func (f kernelFunc) Step(_ context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	return f(rng, phi)
}

// TestSeparatedWells: small steps do not cross between the wells of a site at strong
// coupling, which chains show by their differences; sign flips of single sites do.
func TestSeparatedWells(t *testing.T) {
	a := phi4(t, 0, 50, 4)
	exact := quadrature(func(x float64) float64 { return -99*x*x + 50*x*x*x*x - 50 })
	cfg := mcmc.EnsembleConfig{Action: a, N: 1000, Seed: 7}
	small := func() mcmc.Kernel { return metropolis(t, a, mcmc.MetropolisConfig{Width: 0.1, Acceptance: 0.6}) }
	e := notEquilibrated(t, cfg, func(int) (mcmc.Kernel, error) { return cycle(t, small(), mcmc.SignFlip{}), nil })
	if e.Observable != "|M|" || !(e.RHat > e.Limit) || e.Chain < 0 {
		t.Errorf("expected |M| to differ between the chains, got %+v", e)
	}
	r := generate(t, cfg, func(int) (mcmc.Kernel, error) {
		return cycle(t, small(), must[*mcmc.LocalFlip](t)(mcmc.NewLocalFlip(a))), nil
	})
	// The sites are independent of each other: 4⟨M²⟩ = ⟨φ²⟩.
	checkPull(t, "⟨φ²⟩", gamma(t, r.Ensemble.Measure(nil, lattice.Phi2)), exact.m2)
	checkPull(t, "4⟨M²⟩", gamma(t, r.Ensemble.Measure(nil, func(phi []float64) float64 {
		m := lattice.Magnetization(phi)
		return 4 * m * m
	})), exact.m2)
}

// TestStartsApart: chains that remember their start are told by the configurations where no
// pilot run was made.
func TestStartsApart(t *testing.T) {
	a := phi4(t, 0.27, 0.022, 16, 16)
	e := notEquilibrated(t, mcmc.EnsembleConfig{Action: a, N: 128, Chains: 64, Seed: 1, Thermalisation: 10, Thin: 1},
		func(int) (mcmc.Kernel, error) { return metropolis(t, a, mcmc.MetropolisConfig{}), nil })
	if e.Observable != "|M|" || !(math.Abs(e.Z) > 4) {
		t.Errorf("expected the starts apart in |M|, got %v", e)
	}
}

// TestTooLong: a thinning that makes the run too long is refused, and so is a kernel so slow
// that its autocorrelation time cannot be measured.
func TestTooLong(t *testing.T) {
	a := phi4(t, 0.26, 0.022, 8, 8)
	local := func(int) (mcmc.Kernel, error) { return metropolis(t, a, mcmc.MetropolisConfig{}), nil }
	cfg := mcmc.EnsembleConfig{Action: a, N: 1600, Seed: 2, MaxSteps: 500}
	if e := notEquilibrated(t, cfg, local); !strings.Contains(e.Reason, "MaxSteps = 500") || e.Chain != -1 {
		t.Errorf("expected the run to be too long, got %v", e)
	}
	// The same steps, one in five hundred.
	slow := func(int) (mcmc.Kernel, error) {
		k := metropolis(t, a, mcmc.MetropolisConfig{})
		return must[*mcmc.Mixture](t)(mcmc.NewMixture([]float64{1, 500}, k, mcmc.SignFlip{})), nil
	}
	notEquilibrated(t, mcmc.EnsembleConfig{Action: a, N: 16, Chains: 2, Seed: 2}, slow)
}

// TestUnchecked returns what the chains give.
func TestUnchecked(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	still := func(int) (mcmc.Kernel, error) {
		return kernelFunc(func(*rand.Rand, []float64) (mcmc.Info, error) { return mcmc.Info{}, nil }), nil
	}
	r := generate(t, mcmc.EnsembleConfig{Action: a, N: 32, PilotSteps: 100, Unchecked: true}, still)
	if r.Ensemble.Len() != 32 || r.Pilot.Reliable {
		t.Errorf("expected 32 configurations by a pilot run that knows nothing, got %d and %+v", r.Ensemble.Len(), r.Pilot)
	}
}

// TestMemory: the estimate comes before the memory, whatever needs it.
func TestMemory(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	kernels := func(int) (mcmc.Kernel, error) { return metropolis(t, a, mcmc.MetropolisConfig{}), nil }
	observables := []mcmc.Observable{{Name: "φ²", Func: lattice.Phi2}}
	for name, cfg := range map[string]mcmc.EnsembleConfig{
		"configurations": {N: math.MaxInt32},
		"chains":         {N: math.MaxInt32 / 16, Chains: math.MaxInt32 / 16},
		"series":         {N: 16, Thin: math.MaxInt32, Observables: observables},
		"given":          {N: 1000, MaxBytes: 100_000},
		"pilot":          {N: 16, PilotSteps: math.MaxInt32},
	} {
		cfg.Action = a
		if _, err := mcmc.NewGenerator(cfg, kernels); err == nil || !strings.Contains(err.Error(), "memory") {
			t.Errorf("%s: expected an error about memory, got %v", name, err)
		}
	}
	if _, err := mcmc.NewGenerator(mcmc.EnsembleConfig{Action: a, N: 16, MaxBytes: -1}, kernels); err == nil {
		t.Error("MaxBytes < 0: expected an error")
	}
	// The series of a thinning that the pilot run chooses.
	cfg := mcmc.EnsembleConfig{Action: a, N: 100_000, Chains: 4, Decorrelation: 1e4, MaxSteps: math.MaxInt, Observables: observables, Seed: 1}
	if _, err := mcmc.Generate(context.Background(), cfg, kernels); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("expected an error about memory after the pilot run, got %v", err)
	}
}

func TestSharedKernel(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	one := metropolis(t, a, mcmc.MetropolisConfig{})
	_, err := mcmc.NewGenerator(mcmc.EnsembleConfig{Action: a, N: 4}, func(int) (mcmc.Kernel, error) { return one, nil })
	if err == nil || !strings.Contains(err.Error(), "kernel of its own") {
		t.Errorf("expected one kernel of four chains to be refused, got %v", err)
	}
	// A kernel without memory may be shared.
	generate(t, mcmc.EnsembleConfig{Action: a, N: 4, Thin: 1, Unchecked: true}, func(int) (mcmc.Kernel, error) { return mcmc.SignFlip{}, nil })
}

// TestFewConfigurations: any number of configurations is possible, and hot and cold starts
// are compared from four chains on.
func TestFewConfigurations(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	for n := 1; n <= 5; n++ {
		r := generate(t, mcmc.EnsembleConfig{Action: a, N: n, Seed: 1}, nil)
		if _, err := r.ThermalisationCheck(); r.Ensemble.Len() != n || (err == nil) != (n >= 4) {
			t.Errorf("N = %d: got %d configurations, %v", n, r.Ensemble.Len(), err)
		}
	}
}

// TestExtensionResume interrupts a run that needs extensions of both kinds, again and again.
func TestExtensionResume(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	cfg := mcmc.EnsembleConfig{Action: a, N: 40, Chains: 4, Seed: 3, Thermalisation: 120}
	var cancel context.CancelFunc
	interrupt := func() {}
	build := func() *mcmc.Generator {
		return must[*mcmc.Generator](t)(mcmc.NewGenerator(cfg, func(c int) (mcmc.Kernel, error) {
			k := metropolis(t, a, mcmc.MetropolisConfig{Width: 0.3})
			return &delayed{Metropolis: k, step: func() { interrupt() }, frozen: 200 * (c / 3), slow: 600 * (c / 2)}, nil
		}))
	}
	whole := build()
	if err := whole.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if whole.Result().Pilot.Steps < 500 {
		t.Fatalf("expected a pilot run that is prolonged, got %+v", whole.Result().Pilot)
	}
	steps := 0
	interrupt = func() {
		if steps++; steps%97 == 0 {
			cancel()
		}
	}
	cfg.Workers = 1
	g := build()
	for err := context.Canceled; err != nil; {
		var state bytes.Buffer
		if err := g.Save(&state); err != nil {
			t.Fatal(err)
		}
		g = build()
		if err := g.Restore(&state); err != nil {
			t.Fatal(err)
		}
		var ctx context.Context
		ctx, cancel = context.WithCancel(context.Background())
		if err = g.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	if !reflect.DeepEqual(g.Result(), whole.Result()) {
		t.Error("the resumed run differs from the uninterrupted one")
	}
}

// delayed accepts nothing in its first steps, and then moves little for some more. It saves
// the number of its steps.
type delayed struct {
	*mcmc.Metropolis
	step         func()
	frozen, slow int
	n            int
}

func (k *delayed) Step(ctx context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	k.step()
	k.n++
	switch {
	case k.n <= k.frozen:
		return mcmc.Info{}, nil
	case k.n <= k.frozen+k.slow && k.n%100 != 0:
		return mcmc.Info{Accepted: true, AcceptProb: 1}, nil
	}
	return k.Metropolis.Step(ctx, rng, phi)
}

func (k *delayed) MarshalBinary() ([]byte, error) {
	b, err := k.Metropolis.MarshalBinary()
	return append(b, fmt.Sprintf("%8d", k.n)...), err
}

func (k *delayed) UnmarshalBinary(b []byte) error {
	at := len(b) - 8
	if _, err := fmt.Sscan(string(b[at:]), &k.n); err != nil {
		return err
	}
	return k.Metropolis.UnmarshalBinary(b[:at])
}

// box is a free action between walls.
type box struct{ lattice.Action }

func (b box) Value(phi []float64) float64 {
	for _, v := range phi {
		if math.Abs(v) >= 0.5 {
			return math.Inf(1)
		}
	}
	return b.Action.Value(phi)
}

// TestStartInside: a start beyond a wall is brought inside, and one that cannot be is refused.
func TestStartInside(t *testing.T) {
	a := box{phi4(t, 0.1, 0, 4, 4)}
	shift := func(int) (mcmc.Kernel, error) {
		return mcmc.NewGlobalShift(a, mcmc.GlobalShiftConfig{Width: 0.02})
	}
	r := generate(t, mcmc.EnsembleConfig{Action: a, N: 4, Thin: 1, Thermalisation: 200, Unchecked: true}, shift)
	for i, phi := range r.Ensemble.All() {
		if s := a.Value(phi); math.IsInf(s, 0) || s == 0 {
			t.Errorf("configuration %d has the action %v", i, s)
		}
	}
	none := nowhere{a}
	_, err := mcmc.NewGenerator(mcmc.EnsembleConfig{Action: none, N: 4}, shift)
	if err == nil || !strings.Contains(err.Error(), "finite") {
		t.Errorf("expected no start to be found, got %v", err)
	}
	if _, err := mcmc.LeastConstant(none); err == nil {
		t.Error("no constant of finite action: expected an error")
	}
}

type nowhere struct{ lattice.Action }

func (nowhere) Value([]float64) float64 { return math.NaN() }

// TestLeastConstant against the closed form φ² = (2dκ - 1 + 2λ)/(2λ).
func TestLeastConstant(t *testing.T) {
	for _, c := range []struct {
		kappa, lambda float64
		dims          []int
	}{{0.5, 0.022, []int{4, 4}}, {0.3, 10, []int{4, 6}}, {0.1, 50, []int{2, 2, 2, 2}}, {0.27, 0.022, []int{6}}, {0.6, 0.0005, []int{3, 3}}} {
		a := phi4(t, c.kappa, c.lambda, c.dims...)
		want := math.Sqrt(max(0, (2*float64(len(c.dims))*c.kappa-1+2*c.lambda)/(2*c.lambda)))
		got := must[float64](t)(mcmc.LeastConstant(a))
		if math.Abs(got-max(want, 1e-3)) > 2e-4*want {
			t.Errorf("%+v: expected %v, got %v", c, want, got)
		}
	}
	tilted := tilt{phi4(t, 0.3, 1, 4, 4)}
	if got := must[float64](t)(mcmc.LeastConstant(tilted)); !(got < -0.5) {
		t.Errorf("expected the lower well, got %v", got)
	}
	if _, err := mcmc.LeastConstant(nil); err == nil {
		t.Error("no action: expected an error")
	}
}

// tilt adds Σ φ/2.
type tilt struct{ *lattice.Phi4 }

func (a tilt) Value(phi []float64) float64 {
	return a.Phi4.Value(phi) + lattice.Magnetization(phi)*float64(len(phi))/2
}
