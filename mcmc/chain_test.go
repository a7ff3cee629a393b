package mcmc_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// statefulKernel returns a kernel in which every kind of kernel state occurs.
func statefulKernel(t testing.TB, a *lattice.Phi4) mcmc.Kernel {
	volume := a.Layout().Volume()
	n := 400
	cfgs := lattice.NewEnsemble(a.Layout(), n)
	logq := make([]float64, n)
	rng := rand.New(rand.NewPCG(3, 4))
	phi := make([]float64, volume)
	for i := range logq {
		logq[i], _ = gaussian{0.9}.Propose(t.Context(), rng, phi)
		cfgs.Append(phi)
	}
	pool := must[*mcmc.Pool](t)(mcmc.NewPool(cfgs, logq, a))
	mixture := must[*mcmc.Mixture](t)(mcmc.NewMixture(nil,
		metropolis(t, a, mcmc.MetropolisConfig{}),
		must[*mcmc.MALA](t)(mcmc.NewMALA(a, mcmc.MALAConfig{})),
		must[*mcmc.GlobalShift](t)(mcmc.NewGlobalShift(a, mcmc.GlobalShiftConfig{})),
		independence(t, a, withDensity{pool, gaussian{0.9}}),
	))
	return cycle(t, mcmc.SignFlip{}, wolff(t, a, 1), mixture)
}

// withDensity lets the pairs of a pool mix with other kernels.
type withDensity struct {
	*mcmc.Pool
	mcmc.LogProber
}

func TestResume(t *testing.T) {
	ctx := context.Background()
	a := phi4(t, 0.2, 0.1, 4, 4)
	start := make([]float64, 16)
	build := func(seed uint64) *mcmc.Chain {
		return must[*mcmc.Chain](t)(mcmc.NewChain(statefulKernel(t, a), start, seed, 1))
	}
	run := func(c *mcmc.Chain, n int) []float64 {
		if err := c.Run(ctx, n); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(c.Field())
	}
	whole := build(1)
	whole.Kernel().(mcmc.Adaptive).SetAdaptation(true)
	run(whole, 301)
	saved := must[[]byte](t)(whole.MarshalBinary())
	want := run(whole, 200)

	resumed := build(99)
	if err := resumed.UnmarshalBinary(saved); err != nil {
		t.Fatal(err)
	}
	if resumed.Steps() != 301 {
		t.Errorf("expected 301 steps, got %d", resumed.Steps())
	}
	if got := run(resumed, 200); !slices.Equal(got, want) {
		t.Error("the resumed chain differs from the uninterrupted one")
	}
	if resumed.Stats() != whole.Stats() {
		t.Errorf("expected statistics %+v, got %+v", whole.Stats(), resumed.Stats())
	}
	if fresh := run(build(99), 501); slices.Equal(fresh, want) {
		t.Error("a chain of another seed ended in the same field")
	}

	for name, damage := range map[string]func([]byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"truncated": func(b []byte) []byte { return b[:len(b)-9] },
		"flipped":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"longer":    func(b []byte) []byte { return append(b, 0) },
	} {
		if err := build(1).UnmarshalBinary(damage(slices.Clone(saved))); err == nil {
			t.Errorf("%s state: expected an error", name)
		}
	}
	other := must[*mcmc.Chain](t)(mcmc.NewChain(metropolis(t, a, mcmc.MetropolisConfig{}), start, 1, 1))
	if err := other.UnmarshalBinary(saved); err == nil {
		t.Error("state of another kernel: expected an error")
	}
	small := must[*mcmc.Chain](t)(mcmc.NewChain(mcmc.SignFlip{}, start[:4], 1, 1))
	flip := must[*mcmc.Chain](t)(mcmc.NewChain(mcmc.SignFlip{}, start, 1, 1))
	if err := small.UnmarshalBinary(must[[]byte](t)(flip.MarshalBinary())); err == nil {
		t.Error("state of another volume: expected an error")
	}
}

// TestDamagedKernelState: state that does not belong to a kernel is an error.
func TestDamagedKernelState(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	k := statefulKernel(t, a).(*mcmc.Cycle)
	good := must[[]byte](t)(k.MarshalBinary())
	for n := range len(good) {
		if err := k.UnmarshalBinary(good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes: expected an error", n, len(good))
		}
	}
	if err := k.UnmarshalBinary(append(slices.Clone(good), 0)); err == nil {
		t.Error("a byte too many: expected an error")
	}
	m := metropolis(t, a, mcmc.MetropolisConfig{})
	if err := m.UnmarshalBinary(make([]byte, 24)); err == nil {
		t.Error("width 0: expected an error")
	}
}

// breaking makes the field non-finite at a given step, or returns an error.
type breaking struct {
	at    int
	err   error
	steps *int
}

func (k breaking) Step(_ context.Context, _ *rand.Rand, phi []float64) (mcmc.Info, error) {
	if *k.steps++; *k.steps == k.at {
		if k.err != nil {
			return mcmc.Info{}, k.err
		}
		phi[0] = math.NaN()
	}
	return mcmc.Info{AcceptProb: 1}, nil
}

func TestChainErrors(t *testing.T) {
	ctx := context.Background()
	for _, start := range [][]float64{nil, {1, math.NaN()}, {math.Inf(1)}} {
		if _, err := mcmc.NewChain(mcmc.SignFlip{}, start, 1, 1); err == nil {
			t.Errorf("start %v: expected an error", start)
		}
	}
	if _, err := mcmc.NewChain(nil, []float64{1}, 1, 1); err == nil {
		t.Error("nil kernel: expected an error")
	}
	nan := must[*mcmc.Chain](t)(mcmc.NewChain(breaking{at: 3, steps: new(int)}, []float64{1}, 1, 1))
	if err := nan.Run(ctx, 5); err == nil {
		t.Error("a field that became NaN: expected an error")
	}
	cause := errors.New("broken")
	c := must[*mcmc.Chain](t)(mcmc.NewChain(breaking{at: 3, err: cause, steps: new(int)}, []float64{1}, 1, 1))
	if err := c.Run(ctx, 5); !errors.Is(err, cause) || c.Steps() != 2 {
		t.Errorf("expected the error of the kernel after 2 steps, got %v after %d", err, c.Steps())
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := c.Run(done, 5); !errors.Is(err, context.Canceled) || c.Steps() != 2 {
		t.Errorf("expected cancellation without a further step, got %v after %d", err, c.Steps())
	}
}

func TestThermaliseTunesThenFreezes(t *testing.T) {
	ctx := context.Background()
	a := phi4(t, 0.25, 0.022, 8, 8)
	m := metropolis(t, a, mcmc.MetropolisConfig{Width: 20, Acceptance: 0.4})
	mala := must[*mcmc.MALA](t)(mcmc.NewMALA(a, mcmc.MALAConfig{Step: 3}))
	shift := must[*mcmc.GlobalShift](t)(mcmc.NewGlobalShift(a, mcmc.GlobalShiftConfig{}))
	for _, k := range []struct {
		kernel mcmc.Kernel
		scale  func() float64
		target float64
	}{{m, m.Width, 0.4}, {mala, mala.StepSize, 0.574}, {shift, shift.Width, 0.234}} {
		c := must[*mcmc.Chain](t)(mcmc.NewChain(k.kernel, make([]float64, 64), 1, 1))
		if err := c.Thermalise(ctx, 6000); err != nil {
			t.Fatal(err)
		}
		frozen := k.scale()
		if c.Stats().Steps != 0 {
			t.Errorf("%T: expected statistics cleared, got %d steps", k.kernel, c.Stats().Steps)
		}
		if err := c.Run(ctx, 3000); err != nil {
			t.Fatal(err)
		}
		if k.scale() != frozen {
			t.Errorf("%T: expected the scale %v frozen, got %v", k.kernel, frozen, k.scale())
		}
		// With the gain γ = 0.016 of the last of 3000 tuning steps, a spread σ ≤ 0.5 of
		// one step's acceptance p and a slope |dp/dlog w| ≤ 0.5, the recursion leaves p
		// with the standard deviation σ√(γ·slope/2) ≤ 0.03.
		if got := c.Stats().Acceptance(); math.Abs(got-k.target) > 5*0.03 {
			t.Errorf("%T: expected acceptance %v, got %v", k.kernel, k.target, got)
		}
	}
}

// TestWrongVolume: a field of the wrong length is an error, not a panic.
func TestWrongVolume(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, k := range []mcmc.Kernel{
		metropolis(t, a, mcmc.MetropolisConfig{}),
		wolff(t, a, 1),
		overrelaxation(t, a),
		must[*mcmc.SwendsenWang](t)(mcmc.NewSwendsenWang(a)),
		must[*mcmc.MALA](t)(mcmc.NewMALA(a, mcmc.MALAConfig{})),
		must[*mcmc.GlobalShift](t)(mcmc.NewGlobalShift(a, mcmc.GlobalShiftConfig{})),
	} {
		if _, err := k.Step(t.Context(), rng, make([]float64, 5)); err == nil || !strings.HasPrefix(err.Error(), "mcmc: ") {
			t.Errorf("%T: expected an error of the package, got %v", k, err)
		}
	}
}

func TestConstructorErrors(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	check := func(name string, err error) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), "mcmc: ") {
			t.Errorf("%s: expected an error of the package, got %v", name, err)
		}
	}
	nan := math.NaN()
	for _, cfg := range []mcmc.MetropolisConfig{{Width: -1}, {Width: nan}, {Hits: -1}, {Acceptance: 1}, {Acceptance: nan}} {
		_, err := mcmc.NewMetropolis(a, cfg)
		check("Metropolis", err)
	}
	_, err := mcmc.NewMetropolis(nil, mcmc.MetropolisConfig{})
	check("nil action", err)
	_, err = mcmc.NewWolff(a, mcmc.WolffConfig{Clusters: -1})
	check("Wolff", err)
	_, err = mcmc.NewLangevin(a, 0)
	check("Langevin", err)
	_, err = mcmc.NewLangevin(a, nan)
	check("Langevin", err)
	_, err = mcmc.NewMALA(nil, mcmc.MALAConfig{})
	check("MALA", err)
	_, err = mcmc.NewGlobalShift(a, mcmc.GlobalShiftConfig{Width: math.Inf(1)})
	check("GlobalShift", err)
	_, err = mcmc.NewSwendsenWang(nil)
	check("SwendsenWang", err)
	_, err = mcmc.Recommended(nil)
	check("Recommended", err)
	_, err = mcmc.NewCycle()
	check("Cycle", err)
	_, err = mcmc.NewCycle(nil)
	check("Cycle", err)
	for _, w := range [][]float64{{1, 2}, {-1}, {nan}, {0}, {math.Inf(1)}} {
		_, err = mcmc.NewMixture(w, mcmc.SignFlip{})
		check("Mixture", err)
	}
	_, err = mcmc.NewIndependence(a, nil, mcmc.IndependenceConfig{})
	check("Independence", err)
	_, err = mcmc.NewIndependence(a, gaussian{1}, mcmc.IndependenceConfig{NoiseVariance: -1})
	check("Independence", err)
	_, err = mcmc.NewIndependence(a, onlyProposer{gaussian{1}}, mcmc.IndependenceConfig{NoiseVariance: 1})
	check("Independence", err)
}

// onlyProposer hides the density of a proposer.
type onlyProposer struct{ mcmc.Proposer }

// TestCycle: the report combines those of the kernels, and an error undoes the
// kernels before it.
func TestCycle(t *testing.T) {
	cause := errors.New("broken")
	k := cycle(t,
		reporting{mcmc.Info{Accepted: true, AcceptProb: 0.5, DeltaH: 1}},
		reporting{mcmc.Info{AcceptProb: 0.25, DeltaH: -3, Divergent: true}},
		breaking{at: 2, err: cause, steps: new(int)})
	rng, phi := rand.New(rand.NewPCG(1, 1)), []float64{1}
	info, err := k.Step(t.Context(), rng, phi)
	want := mcmc.Info{Accepted: true, AcceptProb: (0.5 + 0.25 + 1) / 3, DeltaH: -2, Divergent: true}
	if err != nil || info != want || phi[0] != 3 || k.Infos()[1].DeltaH != -3 {
		t.Errorf("expected %+v and the field 3, got %+v, %v, %v", want, info, phi, err)
	}
	if _, err := k.Step(t.Context(), rng, phi); !errors.Is(err, cause) || phi[0] != 3 {
		t.Errorf("expected the error and the field restored, got %v, %v", err, phi)
	}
}

// reporting adds 1 to the field and returns a given report.
type reporting struct{ info mcmc.Info }

func (k reporting) Step(_ context.Context, _ *rand.Rand, phi []float64) (mcmc.Info, error) {
	phi[0]++
	return k.info, nil
}

func TestMixtureProbabilities(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	k := must[*mcmc.Mixture](t)(mcmc.NewMixture([]float64{0, 3, 0, 1}, mcmc.SignFlip{}, mcmc.SignFlip{}, mcmc.SignFlip{}, mcmc.SignFlip{}))
	const n = 20000
	var count [4]int
	for range n {
		if _, err := k.Step(t.Context(), rng, []float64{1}); err != nil {
			t.Fatal(err)
		}
		count[k.Last()]++
	}
	if count[0] != 0 || count[2] != 0 {
		t.Errorf("kernels of weight 0 were chosen: %v", count)
	}
	if sigma := math.Sqrt(n * 0.75 * 0.25); math.Abs(float64(count[1])-0.75*n) > 5*sigma {
		t.Errorf("expected %v ± %v choices, got %d", 0.75*n, sigma, count[1])
	}
}

func TestNoAllocation(t *testing.T) {
	a := phi4(t, 0.27, 0.022, 8, 8)
	cube := phi4(t, 0.15, 0.022, 4, 4, 4)
	rng := rand.New(rand.NewPCG(1, 2))
	phi := make([]float64, 64)
	kernels := exactKernels(t, a, 64)
	kernels["generic Metropolis"] = metropolis(t, cube, mcmc.MetropolisConfig{})
	kernels["Langevin"] = must[*mcmc.Langevin](t)(mcmc.NewLangevin(a, 0.01))
	for name, k := range kernels {
		step := func() {
			if _, err := k.Step(t.Context(), rng, phi); err != nil {
				t.Fatal(err)
			}
		}
		step()
		if n := testing.AllocsPerRun(50, step); n != 0 {
			t.Errorf("%s: expected no allocation in a step, got %v", name, n)
		}
	}
}
