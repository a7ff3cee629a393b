package mcmc_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// sweep is a local sweep followed by clusters.
func sweep(t testing.TB, a *lattice.Phi4, clusters int) func(int) (mcmc.Kernel, error) {
	return func(int) (mcmc.Kernel, error) {
		return cycle(t, metropolis(t, a, mcmc.MetropolisConfig{}), wolff(t, a, clusters)), nil
	}
}

func generate(t testing.TB, cfg mcmc.EnsembleConfig, k func(int) (mcmc.Kernel, error)) *mcmc.EnsembleResult {
	t.Helper()
	return must[*mcmc.EnsembleResult](t)(mcmc.Generate(context.Background(), cfg, k))
}

// TestReferenceValues compares with the independent simulation of
// reference-values: 16², κ = 0.27, λ = 0.022.
func TestReferenceValues(t *testing.T) {
	a := phi4(t, 0.27, 0.022, 16, 16)
	r := generate(t, mcmc.EnsembleConfig{
		Action: a, N: 12800, Seed: 7, Thermalisation: 200,
	}, nil)
	if !r.Pilot.Reliable {
		t.Errorf("expected a reliable pilot run, got %+v", r.Pilot)
	}
	e := r.Ensemble
	m := e.Measure(nil, lattice.Magnetization)
	series := func(f func(i int) float64) [][]float64 {
		var out [][]float64
		for _, c := range r.Chains {
			var x []float64
			for i := c.First; i < c.First+c.Len; i++ {
				x = append(x, f(i))
			}
			out = append(out, x)
		}
		return out
	}
	for _, o := range []struct {
		name      string
		f         func(i int) float64
		reference stats.Estimate
	}{
		{"|M|", func(i int) float64 { return math.Abs(m[i]) }, stats.Estimate{Value: 0.763, Error: 0.003}},
		{"VM²", func(i int) float64 { return 256 * m[i] * m[i] }, stats.Estimate{Value: 172.6, Error: 0.8}},
		{"φ²", func(i int) float64 { return lattice.Phi2(e.Config(i)) }, stats.Estimate{Value: 1.458, Error: 0.003}},
		{"φ⁴", func(i int) float64 { return lattice.Phi4Moment(e.Config(i)) }, stats.Estimate{Value: 4.792, Error: 0.013}},
		{"S/V", func(i int) float64 { return e.Extra["action"][i] / 256 }, stats.Estimate{Value: 0.3947, Error: 0.0003}},
	} {
		g, err := stats.GammaMethod(series(o.f), stats.GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if s := g.Mean.Sigma(o.reference); !(math.Abs(s) < 5) {
			t.Errorf("%s = %v, expected %v", o.name, g.Mean, o.reference)
		}
		// τ_int after thinning by 2τ is ½ + 1/(e² - 1) = 0.66 for a single exponential;
		// the tail of slower modes may add to it.
		if tau := g.Tau; tau.Value-5*tau.Error > 0.75 {
			t.Errorf("%s: expected decorrelated configurations, got τ_int = %v", o.name, tau.Estimate)
		}
	}
	for _, c := range must[[]mcmc.HotCold](t)(r.ThermalisationCheck()) {
		if !(math.Abs(c.Z) < 4) {
			t.Errorf("hot and cold starts disagree: %+v", c)
		}
		// R̂² - 1 is B/W/n - 1/n: with 2τ_int ≤ 1.5 and halves of n = 400, that is below
		// 1.5 (1 + 5√(2/31))/400 = 0.009 within 5 standard errors.
		if !(c.RHat < 1.01) {
			t.Errorf("expected R̂ near 1, got %+v", c)
		}
	}
}

// TestWolffAgainstMetropolis compares the two algorithms where local updates are
// still cheap.
func TestWolffAgainstMetropolis(t *testing.T) {
	a := phi4(t, 0.26, 0.022, 8, 8)
	var mean [2]map[string]stats.Estimate
	for i, clusters := range []int{0, 3} {
		kernel := func(int) (mcmc.Kernel, error) { return metropolis(t, a, mcmc.MetropolisConfig{}), nil }
		if clusters > 0 {
			kernel = sweep(t, a, clusters)
		}
		r := generate(t, mcmc.EnsembleConfig{
			Action: a, N: 8, Chains: 8, Seed: uint64(i), Thermalisation: 500, Thin: 5000,
			Observables: []mcmc.Observable{
				{Name: "|M|", Func: lattice.AbsMagnetization},
				{Name: "M²", Func: func(p []float64) float64 { m := lattice.Magnetization(p); return m * m }},
				{Name: "φ⁴", Func: lattice.Phi4Moment},
				{Name: "S", Func: a.Value},
			},
		}, kernel)
		mean[i] = make(map[string]stats.Estimate)
		for j, name := range []string{"|M|", "M²", "φ⁴", "S"} {
			g, err := stats.GammaMethod(r.Series[j], stats.GammaConfig{})
			if err != nil {
				t.Fatal(err)
			}
			mean[i][name] = g.Mean
		}
	}
	for name, local := range mean[0] {
		if s := local.Sigma(mean[1][name]); !(math.Abs(s) < 5) {
			t.Errorf("%s: Metropolis %v, with clusters %v", name, local, mean[1][name])
		}
	}
}

func TestGenerateDeterminism(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 6)
	cfg := mcmc.EnsembleConfig{
		Action: a, N: 23, Chains: 5, Seed: 3, Thermalisation: 20, PilotSteps: 300,
		Observables: []mcmc.Observable{{Name: "φ²", Func: lattice.Phi2}},
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want *mcmc.EnsembleResult
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		calls := 0
		cfg.Progress = func(done, total int) {
			if calls++; done != calls || total != cfg.N {
				t.Errorf("expected progress %d of %d, got %d of %d", calls, cfg.N, done, total)
			}
		}
		r := generate(t, cfg, sweep(t, a, 1))
		if calls != cfg.N {
			t.Errorf("expected %d calls of Progress, got %d", cfg.N, calls)
		}
		if err := r.Ensemble.Check(); err != nil {
			t.Error(err)
		}
		if want == nil {
			want = r
			continue
		}
		if !slices.Equal(r.Ensemble.Data, want.Ensemble.Data) || r.Thin != want.Thin || r.Stats != want.Stats {
			t.Errorf("the result on %d processors differs from that on 1", procs)
		}
	}
	lens := []int{5, 5, 5, 4, 4}
	first := 0
	for c, rec := range want.Chains {
		if rec.Len != lens[c] || rec.First != first || rec.Hot != (c%2 == 0) {
			t.Errorf("chain %d: got %+v", c, rec)
		}
		if got := len(want.Series[0][c]); got != rec.Len*want.Thin {
			t.Errorf("chain %d: expected %d measurements, got %d", c, rec.Len*want.Thin, got)
		}
		for i := range rec.Len {
			phi := want.Ensemble.Config(first + i)
			if want.Ensemble.Extra["chain"][first+i] != float64(c) || want.Ensemble.Extra["action"][first+i] != a.Value(phi) {
				t.Errorf("chain %d: wrong numbers beside configuration %d", c, i)
			}
			if want.Series[0][c][(i+1)*want.Thin-1] != lattice.Phi2(phi) {
				t.Errorf("chain %d: series out of step with configuration %d", c, i)
			}
		}
		first += rec.Len
	}
}

func TestGenerateCancel(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const stop = 10
	r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
		Action: a, N: 1000, Chains: 4, Workers: 2, Thin: 3, Thermalisation: 5,
		Progress: func(done, _ int) {
			if done == stop {
				cancel()
			}
		},
	}, sweep(t, a, 1))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("expected cancellation, got %v", err)
	}
	if n := r.Ensemble.Len(); n < stop || n > stop+1 || len(r.Ensemble.Extra["action"]) != n {
		t.Errorf("expected %d finished configurations, got %d with %d actions", stop, n, len(r.Ensemble.Extra["action"]))
	}
	if err := r.Ensemble.Check(); err != nil {
		t.Error(err)
	}
}

func TestGenerateErrors(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	good := mcmc.EnsembleConfig{Action: a, N: 4, Thin: 1, Thermalisation: 5}
	for name, change := range map[string]func(*mcmc.EnsembleConfig){
		"action":        func(c *mcmc.EnsembleConfig) { c.Action = nil },
		"N":             func(c *mcmc.EnsembleConfig) { c.N = 0 },
		"chains":        func(c *mcmc.EnsembleConfig) { c.Chains = 5 },
		"workers":       func(c *mcmc.EnsembleConfig) { c.Workers = -1 },
		"decorrelation": func(c *mcmc.EnsembleConfig) { c.Decorrelation = math.NaN() },
		"cold value":    func(c *mcmc.EnsembleConfig) { c.ColdValue = math.Inf(1) },
		"start":         func(c *mcmc.EnsembleConfig) { c.Start = 9 },
		"starter":       func(c *mcmc.EnsembleConfig) { c.Start = mcmc.StartKernel },
		"observable":    func(c *mcmc.EnsembleConfig) { c.Observables = []mcmc.Observable{{Name: "x"}} },
	} {
		cfg := good
		change(&cfg)
		if _, err := mcmc.Generate(context.Background(), cfg, sweep(t, a, 1)); err == nil || !strings.HasPrefix(err.Error(), "mcmc: ") {
			t.Errorf("%s: expected an error of the package, got %v", name, err)
		}
	}
	global := good
	global.Action = struct{ lattice.Action }{a}
	if _, err := mcmc.Generate(context.Background(), global, nil); err == nil {
		t.Error("neither kernels nor a local action: expected an error")
	}
	cause := errors.New("broken")
	if r, err := mcmc.Generate(context.Background(), good, func(int) (mcmc.Kernel, error) { return nil, cause }); !errors.Is(err, cause) || r != nil {
		t.Errorf("expected the error of newKernel and no result, got %v", err)
	}
	var live atomic.Int64
	r, err := mcmc.Generate(context.Background(), good, func(c int) (mcmc.Kernel, error) {
		live.Add(1)
		if c == 2 {
			return breaking{at: 6, err: cause, steps: new(int)}, nil
		}
		return mcmc.SignFlip{}, nil
	})
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "chain 2") || r == nil || r.Chains[2].Len != 0 {
		t.Errorf("expected the error of chain 2 with the finished part, got %v", err)
	}
	if live.Load() != 4 {
		t.Errorf("expected 4 kernels, got %d", live.Load())
	}
}

// TestPaperProtocol shows that a short chain per configuration is recognised as
// not thermalised near the critical point, and as thermalised away from it.
func TestPaperProtocol(t *testing.T) {
	for _, c := range []struct {
		kappa      float64
		thermalise bool
	}{{0.27, false}, {0.15, true}} {
		a := phi4(t, c.kappa, 0.022, 16, 16)
		cfg := mcmc.PaperProtocol(a, 200, 5)
		cfg.Start = mcmc.StartMixed
		r := generate(t, cfg, func(int) (mcmc.Kernel, error) { return metropolis(t, a, mcmc.MetropolisConfig{Hits: 1}), nil })
		if r.Ensemble.Len() != 200 || r.Stats.Steps != 200*64 {
			t.Errorf("expected 200 configurations after 64 steps each, got %d and %d", r.Ensemble.Len(), r.Stats.Steps)
		}
		check := must[[]mcmc.HotCold](t)(r.ThermalisationCheck())
		worst := 0.0
		for _, o := range check {
			if !math.IsNaN(o.RHat) {
				t.Errorf("expected no R̂ for chains of one configuration, got %v", o.RHat)
			}
			worst = max(worst, math.Abs(o.Z))
		}
		if (worst < 4) != c.thermalise {
			t.Errorf("κ = %v: expected thermalised = %v, got %+v", c.kappa, c.thermalise, check)
		}
	}
}

// TestThermalisationCheckZ: for made-up chains Z is the normal quantile of Welch's
// t-test. With two chains of a kind and equal spreads there are two degrees of
// freedom, for which the distribution function is ½ + t/(2√(2+t²)).
func TestThermalisationCheckZ(t *testing.T) {
	lat := must[*lattice.Lattice](t)(lattice.New(1))
	r := &mcmc.EnsembleResult{Ensemble: lattice.NewEnsemble(lattice.Scalar(lat), 4)}
	for c, v := range []float64{1, 4, 3, 6} {
		r.Ensemble.Append([]float64{v})
		r.Chains = append(r.Chains, mcmc.ChainRecord{Hot: c%2 == 0, First: c, Len: 1})
	}
	check := must[[]mcmc.HotCold](t)(r.ThermalisationCheck())
	// Hot 1, 3 and cold 4, 6: means 2(1) and 5(1).
	o := check[0]
	if o.Hot != (stats.Estimate{Value: 2, Error: 1}) || o.Cold != (stats.Estimate{Value: 5, Error: 1}) {
		t.Fatalf("got %+v", o)
	}
	tt := 3 / math.Sqrt2
	tail := 0.5 - tt/(2*math.Sqrt(2+tt*tt))
	if got := math.Erfc(-o.Z/math.Sqrt2) / 2; o.Z >= 0 || math.Abs(got-tail) > 1e-12 {
		t.Errorf("expected the tail probability %v, got Z = %v with %v", tail, o.Z, got)
	}
	r.Chains = r.Chains[:3]
	if _, err := r.ThermalisationCheck(); err == nil {
		t.Error("one cold chain: expected an error")
	}
}

// TestThermalisationCheckFar: Z grows with the distance of the starts also where the
// probability of it underflows, by steps that do not show where that happens.
func TestThermalisationCheckFar(t *testing.T) {
	lat := must[*lattice.Lattice](t)(lattice.New(1))
	const n = 2000
	last, step := 0.0, 0.0
	for distance := 0.5; distance < 3; distance += 0.05 {
		r := &mcmc.EnsembleResult{Ensemble: lattice.NewEnsemble(lattice.Scalar(lat), n)}
		for c := range n {
			v := 10 + 2*float64(c/2%2)
			if c%2 == 1 {
				v += distance
			}
			r.Ensemble.Append([]float64{v})
			r.Chains = append(r.Chains, mcmc.ChainRecord{Hot: c%2 == 0, First: c, Len: 1})
		}
		z := -must[[]mcmc.HotCold](t)(r.ThermalisationCheck())[0].Z
		// The steps fall from 1.12 to 0.48, by about 0.013 from one to the next; leaving
		// out prefactors moves Z by 0.01.
		if previous := step; last > 0 {
			step = z - last
			if !(step > 0) || previous > 0 && !(math.Abs(step-previous) < 0.03) {
				t.Errorf("distance %.2f: Z grows by %v to %v, before by %v", distance, step, z, previous)
			}
		}
		last = z
	}
	if !(last > 45 && last < 67) {
		t.Errorf("expected Z below 3√500 = 67, got %v", last)
	}
}

// TestPilotThinning: the local algorithm needs more thinning than the recommended
// cycle, and the choice follows the stated decorrelation.
func TestPilotThinning(t *testing.T) {
	a := phi4(t, 0.26, 0.022, 8, 8)
	run := func(d float64, k func(int) (mcmc.Kernel, error)) *mcmc.EnsembleResult {
		return generate(t, mcmc.EnsembleConfig{
			Action: a, N: 16, Seed: 1, Thermalisation: 200, Decorrelation: d,
		}, k)
	}
	local := func(int) (mcmc.Kernel, error) { return metropolis(t, a, mcmc.MetropolisConfig{}), nil }
	l, c := run(2, local), run(2, nil)
	for _, r := range []*mcmc.EnsembleResult{l, c, run(5, local)} {
		p := r.Pilot
		if !p.Reliable || p.AbsM.Error > 0.1*p.AbsM.Value {
			t.Errorf("expected a reliable pilot, got %+v", p)
		}
	}
	if want := int(math.Ceil(2 * max(l.Pilot.AbsM.Value, l.Pilot.Action.Value))); l.Thin != want {
		t.Errorf("expected thinning %d, got %d", want, l.Thin)
	}
	if !(c.Pilot.AbsM.Value < 0.5*l.Pilot.AbsM.Value) {
		t.Errorf("expected the cycle to decorrelate |M|, got τ = %v, local %v", c.Pilot.AbsM, l.Pilot.AbsM)
	}
	_, err := mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: a, N: 2, Chains: 1, PilotSteps: 100},
		func(int) (mcmc.Kernel, error) { return mcmc.SignFlip{}, nil })
	var stuck *mcmc.NotEquilibratedError
	if !errors.As(err, &stuck) {
		t.Errorf("expected the error of a chain that never moves, got %v", err)
	}
}
