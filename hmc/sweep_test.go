package hmc_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/phi4"
	"github.com/latdiff/latdiff/stats"
)

// sweep chooses how much of the plane of couplings TestSweep visits:
//
//	go test ./hmc -run TestSweep -sweep full -timeout 2h -v
//
// ci is the part that takes two minutes, short what every run of the tests does.
var sweep = flag.String("sweep", "short", "couplings that TestSweep visits: short, ci or full")

// agreement is the deviation in standard errors that the sweep allows. Of the thousands of
// comparisons of the whole sweep some exceed it by chance, so that a deviation counts if
// it is there again with other random numbers and repeat times the configurations: a bias
// of four standard errors is one of eight then.
const agreement, repeat = 4, 4

// algorithm is one way to an ensemble of φ⁴.
type algorithm struct {
	name string
	// local says that the algorithm moves in small steps: it may report that it does not get
	// to equilibrium.
	local bool
	run   func(ctx context.Context, a *lattice.Phi4, cfg mcmc.EnsembleConfig) (*mcmc.EnsembleResult, error)
}

// hidden is φ⁴ as an action of a user that has nothing but a value and a drift.
type hidden struct{ lattice.Action }

var sweepAlgorithms = []algorithm{
	{"cluster", false, func(ctx context.Context, a *lattice.Phi4, cfg mcmc.EnsembleConfig) (*mcmc.EnsembleResult, error) {
		return mcmc.Generate(ctx, cfg, func(int) (mcmc.Kernel, error) {
			k, err := mcmc.Recommended(a)
			if err != nil {
				return nil, err
			}
			return mcmc.NewCycle(k, mcmc.SignFlip{})
		})
	}},
	{"hmc", false, func(ctx context.Context, a *lattice.Phi4, cfg mcmc.EnsembleConfig) (*mcmc.EnsembleResult, error) {
		return hybrid(ctx, a, cfg)
	}},
	{"hidden", true, func(ctx context.Context, a *lattice.Phi4, cfg mcmc.EnsembleConfig) (*mcmc.EnsembleResult, error) {
		return hybrid(ctx, hidden{a}, cfg)
	}},
	{"metropolis", true, func(ctx context.Context, a *lattice.Phi4, cfg mcmc.EnsembleConfig) (*mcmc.EnsembleResult, error) {
		return mcmc.Generate(ctx, cfg, func(int) (mcmc.Kernel, error) {
			k, err := mcmc.NewMetropolis(a, mcmc.MetropolisConfig{})
			if err != nil {
				return nil, err
			}
			return mcmc.NewCycle(k, mcmc.SignFlip{})
		})
	}},
	{"mala", true, func(ctx context.Context, a *lattice.Phi4, cfg mcmc.EnsembleConfig) (*mcmc.EnsembleResult, error) {
		return mcmc.Generate(ctx, cfg, func(int) (mcmc.Kernel, error) {
			k, err := mcmc.NewMALA(a, mcmc.MALAConfig{})
			if err != nil {
				return nil, err
			}
			return mcmc.NewCycle(k, k, k, k, mcmc.SignFlip{})
		})
	}},
}

// hybrid takes the public road.
func hybrid(ctx context.Context, a lattice.Action, cfg mcmc.EnsembleConfig) (*mcmc.EnsembleResult, error) {
	_, r, err := hmc.Ensemble(ctx, a, hmc.EnsembleConfig{N: cfg.N, Seed: cfg.Seed})
	return r, err
}

// values are what the sweep compares.
var values = []string{"φ²", "S/V", "|M|", "V M²"}

func sweepObservables(a *lattice.Phi4) []mcmc.Observable {
	v := float64(a.Layout().Volume())
	return []mcmc.Observable{
		{Name: values[0], Func: lattice.Phi2},
		{Name: values[1], Func: a.ActionDensity},
		{Name: values[2], Func: lattice.AbsMagnetization},
		{Name: values[3], Func: func(phi []float64) float64 { m := lattice.Magnetization(phi); return v * m * m }},
	}
}

// exactValues returns what is known without a simulation, NaN where nothing is.
func exactValues(t *testing.T, a *lattice.Phi4) []float64 {
	t.Helper()
	e, err := phi4.Solve(a.Layout(), a.Kappa(), a.Lambda())
	if err != nil {
		return []float64{math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	}
	return []float64{e.Phi2, e.ActionDensity, e.AbsM, e.Chi}
}

// configurations is the number of those of an ensemble in the sweep.
const configurations = 512

// estimate returns a mean over the configurations. They are two autocorrelation times
// apart, so that their errors need no long window: in the series of all steps a slow mode
// of small weight in an observable, such as the sign domains in φ², hides behind the fast
// ones.
func estimate(t *testing.T, r *mcmc.EnsembleResult, f func([]float64) float64) stats.Estimate {
	t.Helper()
	x := r.Ensemble.Measure(nil, f)
	chains := make([][]float64, len(r.Chains))
	for c, rec := range r.Chains {
		chains[c] = x[rec.First : rec.First+rec.Len]
	}
	g, err := stats.GammaMethod(chains, stats.GammaConfig{})
	var short *stats.TooShortError
	switch {
	case errors.Is(err, stats.ErrNegativeVariance):
		g.Mean, err = stats.Mean(x)
	case errors.As(err, &short):
		err = nil
	}
	if err != nil {
		t.Error(err)
	}
	return g.Mean
}

// critical is about the critical κ of the infinite lattice in one to four dimensions, where
// in one dimension it stands for a correlation length of a few sites.
var critical = map[float64][4]float64{
	0: {0.5, 0.25, 1. / 6, 0.125}, 0.022: {0.55, 0.27, 0.174, 0.129}, 0.1: {0.6, 0.30, 0.187, 0.134}, 0.5: {0.65, 0.34, 0.207, 0.140},
	1: {0.6, 0.34, 0.19, 0.125}, 5: {0.5, 0.26, 0.13, 0.088}, 50: {0.5, 0.225, 0.113, 0.077},
}

// point is a lattice with its couplings.
type point struct {
	dims          []int
	kappa, lambda float64
}

func (p point) String() string {
	lat, _ := lattice.New(p.dims...)
	return fmt.Sprintf("%v κ=%.4g λ=%g", lat, p.kappa, p.lambda)
}

// points returns the part of the plane that a size of the sweep visits.
func points(size string) (list []point) {
	lambdas := []float64{0, 0.022, 0.1, 0.5, 1, 5, 50}
	lattices := [][]int{{16}, {8, 8}, {4, 4, 4}, {4, 4, 4, 4}}
	factors := []float64{-1.2, -0.5, 0, 0.5, 0.9, 1, 1.2}
	switch size {
	case "full":
		lattices = append(lattices, []int{64}, []int{2, 2}, []int{7, 9}, []int{16, 16}, []int{8, 8, 8})
	case "ci":
		factors = []float64{-1.2, 0, 0.9, 1.2}
	case "short":
		lambdas, lattices, factors = []float64{0, 0.5, 50}, [][]int{{16}, {2, 2}}, []float64{-0.5, 1.2}
	default:
		return nil
	}
	for _, lambda := range lambdas {
		for _, dims := range lattices {
			for _, f := range factors {
				kappa := f * critical[lambda][len(dims)-1]
				if lambda == 0 && math.Abs(f) > 0.9 {
					if math.Abs(f) == 1 {
						continue
					}
					kappa *= 0.95 / math.Abs(f) // the free field ends at 1
				}
				list = append(list, point{dims, kappa, lambda})
			}
		}
	}
	return list
}

// TestSweep runs every algorithm at weak and strong coupling on both sides of zero and of
// the transition in one to four dimensions. Each run ends, and its observables agree with
// the exact values where there are some, with those of the cluster algorithm elsewhere.
// Algorithms of small steps may say that they are not in equilibrium instead.
func TestSweep(t *testing.T) {
	list := points(*sweep)
	if list == nil {
		t.Fatalf("expected -sweep short, ci or full, got %q", *sweep)
	}
	began := time.Now()
	var worst, compared, repeated float64
	for i, p := range list {
		t.Run(p.String(), func(t *testing.T) {
			lat, err := lattice.New(p.dims...)
			if err != nil {
				t.Fatal(err)
			}
			a, err := lattice.NewPhi4(lat, p.kappa, p.lambda)
			if err != nil {
				t.Fatal(err)
			}
			exact := exactValues(t, a)
			var reference []stats.Estimate
			for j, alg := range sweepAlgorithms {
				// Where time is short, the local algorithms take turns.
				if *sweep != "full" && alg.local && j-2 != i%3 {
					continue
				}
				start := time.Now()
				r, err := alg.run(t.Context(), a, mcmc.EnsembleConfig{
					Action: a, N: configurations, Seed: uint64(100*i + j),
				})
				took := time.Since(start)
				var unfit *mcmc.NotEquilibratedError
				if errors.As(err, &unfit) && !alg.local {
					// One of ten thousand runs that are in equilibrium is taken for one that is
					// not, and there are thousands here.
					t.Logf("%s: %v; once more", alg.name, err)
					repeated++
					r, err = alg.run(t.Context(), a, mcmc.EnsembleConfig{Action: a, N: configurations, Seed: uint64(1e6 + 100*i + j)})
				}
				// A minute on two cores, and more on a busy machine.
				if took > 3*time.Minute {
					t.Errorf("%s: took %v", alg.name, took)
				}
				if errors.As(err, &unfit) && alg.local {
					t.Logf("%-10s %6.2fs  %v", alg.name, took.Seconds(), err)
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", alg.name, err)
					continue
				}
				line := ""
				estimates := measureAll(t, a, r)
				for k, o := range sweepObservables(a) {
					deviation := deviation(estimates, reference, exact, k)
					if !math.IsNaN(deviation) {
						compared++
						worst = max(worst, math.Abs(deviation))
					}
					if math.Abs(deviation) > agreement {
						t.Logf("%s: %s = %v is %.1fσ from the exact %v or %v of the cluster algorithm; once more", alg.name, o.Name, estimates[k], deviation, exact[k], reference)
						repeated++
						repeatedly(t, a, alg, exact, k, uint64(1e6+100*i+j))
					}
					line += fmt.Sprintf("  %s %v (%+.1fσ)", o.Name, estimates[k], deviation)
				}
				if reference == nil {
					reference = estimates
				}
				t.Logf("%-10s %6.2fs  thin %d%s", alg.name, took.Seconds(), r.Thin, line)
			}
		})
	}
	t.Logf("%d points, %.0f comparisons, the largest deviation %.1fσ, %.0f made once more, %v", len(list), compared, worst, repeated, time.Since(began).Round(time.Second))
}

// measureAll estimates all observables.
func measureAll(t *testing.T, a *lattice.Phi4, r *mcmc.EnsembleResult) []stats.Estimate {
	t.Helper()
	estimates := make([]stats.Estimate, len(values))
	for k, o := range sweepObservables(a) {
		estimates[k] = estimate(t, r, o.Func)
	}
	return estimates
}

// deviation returns that of observable k from the exact value, else from the reference, in
// standard errors, and NaN if there is neither.
func deviation(estimates, reference []stats.Estimate, exact []float64, k int) float64 {
	switch {
	case !math.IsNaN(exact[k]):
		return estimates[k].Pull(exact[k])
	case reference != nil:
		return estimates[k].Sigma(reference[k])
	}
	return math.NaN()
}

// repeatedly fails if observable k of an algorithm deviates again, with repeat times the
// configurations, also of the cluster algorithm where that is the reference.
func repeatedly(t *testing.T, a *lattice.Phi4, alg algorithm, exact []float64, k int, seed uint64) {
	t.Helper()
	measure := func(alg algorithm, seed uint64) []stats.Estimate {
		r, err := alg.run(t.Context(), a, mcmc.EnsembleConfig{Action: a, N: repeat * configurations, Seed: seed})
		if err != nil {
			t.Fatalf("%s: %v", alg.name, err)
		}
		return measureAll(t, a, r)
	}
	var reference []stats.Estimate
	if math.IsNaN(exact[k]) {
		reference = measure(sweepAlgorithms[0], seed+1e6)
	}
	estimates := measure(alg, seed)
	d := deviation(estimates, reference, exact, k)
	if t.Logf("%s: %s = %v, %+.1fσ", alg.name, values[k], estimates[k], d); math.Abs(d) > agreement {
		t.Errorf("%s: %s deviates again, by %.1fσ", alg.name, values[k], d)
	}
}
