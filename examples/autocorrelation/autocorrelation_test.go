package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/stats"
)

// tiny is a whole run of a few seconds on a 4×4 lattice.
func tiny(out string, more ...string) []string {
	return append([]string{
		"-out", out, "-dims", "4x4", "-kappa", "0.27", "-n", "256", "-samples", "64", "-proposals", "1024", "-steps", "30", "-batch", "16",
		"-reverse-steps", "20", "-flow-steps", "4", "-model", "gaussian", "-chain", "4096", "-short", "64", "-tmax", "16",
	}, more...)
}

// A whole run: the algorithms agree with each other, the order of their autocorrelation
// times is right, a second run on one core gives the same numbers, and so does one that
// was interrupted between its stages.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	first, second, third := filepath.Join(dir, "1"), filepath.Join(dir, "2"), filepath.Join(dir, "3")
	if err := run(t.Context(), tiny(first)); err != nil {
		t.Fatal(err)
	}
	want := programtest.Read(t, first, program.ResultsFile)
	programtest.Files(t, first, "parameters.json", "autocorrelation.png", program.ReverseFile, program.ProposalsFile, "stages/hmc", "stages/dmmc")
	cores := runtime.GOMAXPROCS(1)
	err := run(t.Context(), tiny(second))
	runtime.GOMAXPROCS(cores)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(programtest.Read(t, second, program.ResultsFile), want) {
		t.Error("the same seed gave other results on one core")
	}

	ctx, cancel := context.WithCancel(t.Context())
	o, err := parse(tiny(third))
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAutocorrelation(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.open(); err != nil {
		t.Fatal(err)
	}
	if err := a.classical(ctx, &classicals[0], firstSeed); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := a.run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("expected an interruption, got %v", err)
	}
	if _, err := os.Stat(filepath.Join(third, "stages", frozen)); err != nil {
		t.Errorf("the finished stage is lost: %v", err)
	}
	if err := run(t.Context(), tiny(third)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(programtest.Read(t, third, program.ResultsFile), want) {
		t.Error("an interrupted run gave other results")
	}
	checkNumbers(t, want)
}

// The algorithms of two shares give the results of one process.
func TestShares(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	args := func(out, task string) []string { return tiny(out, "-chain", "256", "-proposals", "256", "-task", task) }
	for _, a := range [][]string{args(whole, ""), args(parts, "1/2"), args(parts, "0/2"), args(parts, "merge/2")} {
		if err := run(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	programtest.Files(t, parts, "task-1-of-2/stages/hmc", "stages/hmc")
	if !bytes.Equal(programtest.Read(t, parts, "stages/cluster"), programtest.Read(t, parts, "task-1-of-2/stages/cluster")) {
		t.Error("merging has repeated an algorithm of a share")
	}
	if !bytes.Equal(programtest.Read(t, whole, program.ResultsFile), programtest.Read(t, parts, program.ResultsFile)) {
		t.Error("the results of the shares are other ones than those of one process")
	}
}

func checkNumbers(t *testing.T, text []byte) {
	file := programtest.Results(t, text)
	get := func(ensemble, observable string) stats.Estimate {
		e, ok := file.Get(ensemble, observable)
		if !ok {
			t.Fatalf("results.json lacks %s of %s", observable, ensemble)
		}
		return e
	}
	reference := get(cluster, "abs_m")
	for _, name := range []string{local, hybrid, long, diffusive, gaussian} {
		if e := get(name, "abs_m"); !(math.Abs(e.Sigma(reference)) < 5) {
			t.Errorf("%s: expected ⟨|M|⟩ = %v, got %v", name, reference, e)
		}
		if get(name, "reliable").Value != 1 {
			t.Errorf("%s: expected long chains", name)
		}
	}
	if slow, fast := get(hybrid, "tau_int_abs_m"), get(long, "tau_int_abs_m"); !(slow.Sigma(fast) > 5) {
		t.Errorf("expected that long trajectories help, got %v and %v", slow, fast)
	}
	for _, name := range order {
		get(name, "tau_int_mean_abs_phi")
		get(name, "tau_exp_abs_m")
		get(name, "acceptance")
		get(name, "short_tau_int_abs_m")
		if v := get(name, "short_mean").Value; v > 16.5 {
			t.Errorf("%s: the sum up to 16 cannot exceed 16.5, got %v", name, v)
		}
	}
	get(diffusive, "ess")
	get(published, "sd_log_w")
	if w := get(published, "max_weight").Value; !(w > 1) {
		t.Errorf("expected a largest weight above the mean, got %v", w)
	}
	if _, ok := file.Get(hybrid, "published"); ok {
		t.Error("the paper has no number for this lattice")
	}
}

// The estimates from an autoregressive series have their closed forms: τ_int =
// ½(1+a)/(1-a) from the long chains, and from pieces of n entries at most ½ + Σ a^t up
// to t_max, less by the subtraction of the mean of each piece.
func TestAnalyse(t *testing.T) {
	const a, n, short, tmax = 0.98, 64 * 1024, 1024, 100
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([][]float64, 8)
	for r := range x {
		v := rng.NormFloat64()
		for range n {
			x[r] = append(x[r], v)
			v = a*v + math.Sqrt(1-a*a)*rng.NormFloat64()
		}
	}
	c, err := analyse(x, short, tmax)
	if err != nil {
		t.Fatal(err)
	}
	exact := 0.5 * (1 + a) / (1 - a)
	if !(math.Abs(c.Tau.Pull(exact)) < 5) || !c.Reliable || c.Frozen != 0 {
		t.Errorf("expected τ_int = %v, got %+v", exact, c.Tau)
	}
	if !(math.Abs(c.TauExp.Pull(-1/math.Log(a))) < 5) {
		t.Errorf("expected τ_exp = %v, got %v", -1/math.Log(a), c.TauExp)
	}
	// The mean of the estimated covariances of a piece, with the mean x̄ of the piece
	// taken off, over all pieces: C(t) - Var x̄ up to terms that are smaller by tmax/n.
	sum, variance := 0.5, (1+a)/(1-a)/short
	for t := 1; t <= tmax; t++ {
		sum += (math.Pow(a, float64(t)) - variance) / (1 - variance)
	}
	if bound := 0.5 + a*(1-math.Pow(a, tmax))/(1-a); !(c.ShortMean.Value < bound) {
		t.Errorf("expected short chains to stay below %v, got %v", bound, c.ShortMean)
	}
	// The ratio of estimates is biased by one part in n/(2τ_int) = 10.
	if math.Abs(c.ShortMean.Value-sum) > 5*c.ShortMean.Error+sum/10 {
		t.Errorf("expected %v from short chains, got %v", sum, c.ShortMean)
	}
}

// A chain that stands still has no τ_int.
func TestFrozen(t *testing.T) {
	c, err := analyse([][]float64{make([]float64, 64), {63: 0}}, 16, 4)
	if err != nil {
		t.Fatal(err)
	}
	if c.Frozen != 1 || c.Reliable || !math.IsNaN(c.Tau.Value) || !math.IsNaN(c.Short.Value) {
		t.Errorf("got %+v", c)
	}
	if proper(c) != "stands still" || one(c) != "stands still" || many(c) != "-" {
		t.Errorf("got %s, %s, %s", proper(c), one(c), many(c))
	}
	if s := curve(c); len(s.X) != 0 {
		t.Error("a chain that stands still has no curve")
	}
	if got := proper(correlation{Tau: stats.Estimate{Value: 4321, Error: 1}}); got != "> 4000" {
		t.Errorf("got %s", got)
	}
}

func TestBadInput(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"negative λ":       {"-lambda", "-1"},
		"NaN κ":            {"-kappa", "NaN"},
		"extents":          {"-dims", "4y4"},
		"no t_max":         {"-tmax", "0"},
		"too many shares":  {"-task", "0/7"},
		"short chains":     {"-short", "20"},
		"chains":           {"-chain", "10"},
		"few samples":      {"-samples", "32"},
		"few proposals":    {"-proposals", "32"},
		"an unknown model": {"-model", "nothing.npz"},
		"preset":           {"-preset", "slow"},
		"backend":          {"-backend", "abacus"},
		"a word":           {"word"},
	})
}

// The presets are those of the paper and a scaled-down one; a flag goes before both.
func TestPresets(t *testing.T) {
	quick, err := parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	paper, err := parse([]string{"-preset", "paper", "-kappa", "0.25"})
	if err != nil {
		t.Fatal(err)
	}
	if quick.Model != settings.Pretrained || paper.Model != settings.UNet || paper.ReverseSteps != 500 || paper.Chain <= quick.Chain || paper.Kappa != 0.25 {
		t.Errorf("got %+v and %+v", quick, paper)
	}
	for _, o := range []options{quick, paper} {
		if o.Short != 1024 || o.TMax != 100 || o.Dims != "32x32" {
			t.Errorf("expected the chains of the paper, got %+v", o)
		}
	}
}
