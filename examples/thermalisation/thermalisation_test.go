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
	"slices"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/stats"
)

// tiny is a whole run of a few seconds, on a lattice so small and so far from the
// transition that 164 trajectories suffice.
func tiny(out string, more ...string) []string {
	return append([]string{"-out", out, "-dims", "4x4", "-kappa", "0.2", "-chains", "128", "-trajectories", "164", "-leapfrog", "5", "-equilibrium", "2048"}, more...)
}

// A whole run: where the protocol is long enough no bias is found, from either start
// and by any algorithm; two shares on one core make the same files, and a run that was
// interrupted between its stages gives the same numbers.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	first, second, third := filepath.Join(dir, "1"), filepath.Join(dir, "2"), filepath.Join(dir, "3")
	if err := run(t.Context(), tiny(first)); err != nil {
		t.Fatal(err)
	}
	want := programtest.Read(t, first, program.ResultsFile)
	programtest.Files(t, first, "parameters.json", "thermalisation.png", "stages/hmc_hot", "stages/cluster_equilibrium")
	cores := runtime.GOMAXPROCS(1)
	var err error
	for _, task := range []string{"1/2", "0/2", "merge/2"} {
		err = errors.Join(err, run(t.Context(), tiny(second, "-task", task)))
	}
	runtime.GOMAXPROCS(cores)
	if err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, second, "task-0-of-2/stages/hmc_hot", "task-1-of-2/stages/hmc_cold")
	for _, name := range []string{program.ResultsFile, "thermalisation.png", "stages/hmc_hot", "stages/cluster_equilibrium"} {
		if !bytes.Equal(programtest.Read(t, first, name), programtest.Read(t, second, name)) {
			t.Errorf("%s of the shares is another than that of one process", name)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o, err := parse(tiny(third))
	if err != nil {
		t.Fatal(err)
	}
	a, err := newThermalisation(o)
	if err != nil {
		t.Fatal(err)
	}
	if a.folder, err = program.OpenRun(third, a.parameters()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.approach(ctx, 0, 0); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := a.run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("expected an interruption, got %v", err)
	}
	if _, err := os.Stat(filepath.Join(third, "stages", "hmc_hot")); err != nil {
		t.Errorf("the finished stage is lost: %v", err)
	}
	if _, err := os.Stat(filepath.Join(third, program.ResultsFile)); !errors.Is(err, os.ErrNotExist) {
		t.Error("an interrupted run left results behind")
	}
	if err := run(t.Context(), tiny(third)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(programtest.Read(t, third, program.ResultsFile), want) {
		t.Error("an interrupted run gave other results")
	}
	checkNumbers(t, want)
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
	truth := get(reference, "v_m2")
	for _, a := range algorithms {
		if e := get(a.name, "v_m2"); !(math.Abs(e.Sigma(truth)) < 5) {
			t.Errorf("%s in equilibrium: expected V⟨M²⟩ = %v, got %v", a.name, truth, e)
		}
		for _, s := range starts {
			if b := get(a.name+"_"+s.name, "bias_v_m2_164"); !(math.Abs(b.Pull(0)) < 5) {
				t.Errorf("%s, %s start: expected no bias after 164 steps, got %v", a.name, s.name, b)
			}
			get(a.name+"_"+s.name, "abs_m_128")
			get(a.name+"_"+s.name, "m_100")
		}
		get(a.name, "tau_int_abs_m")
		get(a.name, "relaxation_time")
		get(a.name, "steps_to_1_percent")
	}
}

// At the critical point of a larger lattice the unit trajectories of the protocol leave a
// bias, of opposite signs from the two starts, and clusters leave none.
func TestBias(t *testing.T) {
	o, err := parse(tiny(filepath.Join(t.TempDir(), "out"), "-dims", "16x16", "-kappa", "0.27", "-chains", "192"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := newThermalisation(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	hot, cold := a.get("hmc_hot", "bias_v_m2_100"), a.get("hmc_cold", "bias_v_m2_100")
	if !(hot.Sigma(cold) < -5) {
		t.Errorf("expected that 100 unit trajectories remember their start, got the biases %v and %v", hot, cold)
	}
	for _, start := range []string{"_hot", "_cold"} {
		if b := a.get(cluster+start, "bias_v_m2_100"); !(math.Abs(b.Pull(0)) < 5) {
			t.Errorf("cluster%s: expected no bias, got %v", start, b)
		}
	}
	// Flips put the mean to zero and change nothing that is even.
	if m := a.get("hmc_flip_cold", "m_100"); !(math.Abs(m.Pull(0)) < 5) {
		t.Errorf("expected ⟨M⟩ = 0 with flips, got %v", m)
	}
	if m := a.get("hmc_cold", "m_100"); !(m.Pull(0) > 5) {
		t.Errorf("expected ⟨M⟩ > 0 from the cold start, got %v", m)
	}
	if with, without := a.get("hmc_flip_hot", "v_m2_100"), a.get("hmc_hot", "v_m2_100"); !(math.Abs(with.Sigma(without)) < 5) {
		t.Errorf("expected that flips leave V⟨M²⟩ alone, got %v and %v", with, without)
	}
}

// The fit finds the time of a relaxation that is known: M Gaussian with the variance
// 1 - 0.8 e^{-t/τ}.
func TestRelax(t *testing.T) {
	const tau, n = 40.0, 4096
	rng := rand.New(rand.NewPCG(1, 2))
	a := approach{Times: times(400)}
	for _, x := range a.Times {
		m := make([]float64, n)
		for c := range m {
			m[c] = math.Sqrt(1-0.8*math.Exp(-float64(x)/tau)) * rng.NormFloat64()
		}
		a.M = append(a.M, m)
	}
	r, err := relax(a, stats.Estimate{Value: 1, Error: 1e-4}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !(math.Abs(r.Tau.Pull(tau)) < 5) || !(r.Tau.Error < tau/10) {
		t.Errorf("expected τ = %v, got %v", tau, r.Tau)
	}
	if want := tau * math.Log(0.8/tolerance); !(math.Abs(r.Needed.Pull(want)) < 5) {
		t.Errorf("expected %v steps, got %v", want, r.Needed)
	}
	// With errors of 2.2 % nothing below twice that can be told.
	if early, late := tau*math.Log(0.8/0.09), 400.0; !(float64(r.Settled) > early/2 && float64(r.Settled) < late) {
		t.Errorf("expected a step behind %v, got %v", early/2, r.Settled)
	}
	// One that is over at once cannot be fitted.
	for k := range a.M {
		for c := range a.M[k] {
			a.M[k][c] = rng.NormFloat64()
		}
	}
	if r, err = relax(a, stats.Estimate{Value: 1, Error: 1e-4}, 1); err != nil || !math.IsNaN(r.Tau.Value) || r.Settled == 0 {
		t.Errorf("expected no fit, got %+v, %v", r, err)
	}
}

func TestTimes(t *testing.T) {
	x := times(2048)
	if !slices.IsSorted(x) || x[0] != 1 || x[len(x)-1] != 2048 || len(x) > 140 {
		t.Errorf("got %v", x)
	}
	for _, n := range protocol {
		if _, ok := slices.BinarySearch(x, n); !ok {
			t.Errorf("%d is missing", n)
		}
	}
	if x = times(1); !slices.Equal(x, []int{1}) {
		t.Errorf("got %v", x)
	}
}

func TestBadInput(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"negative λ":      {"-lambda", "-1"},
		"NaN κ":           {"-kappa", "NaN"},
		"extents":         {"-dims", "4y4"},
		"chains":          {"-chains", "8"},
		"trajectories":    {"-trajectories", "163"},
		"too many shares": {"-task", "0/13"},
		"leapfrog":        {"-leapfrog", "0"},
		"equilibrium":     {"-equilibrium", "10"},
		"preset":          {"-preset", "slow"},
		"no model":        {"-model", "unet"},
		"no backend":      {"-backend", "go"},
		"a word":          {"word"},
		"an empty folder": {"-out", ""},
	})
}

func TestPresets(t *testing.T) {
	for _, c := range []struct {
		args          []string
		chains, steps int
	}{{nil, 512, 10}, {[]string{"-preset", "paper"}, 5120, 100}, {[]string{"--preset=paper", "-chains", "64"}, 64, 100}} {
		o, err := parse(c.args)
		if err != nil || o.Chains != c.chains || o.Steps != c.steps || o.Dims != "32x32" || o.Kappa != 0.27 {
			t.Errorf("%v: got %+v, %v", c.args, o, err)
		}
	}
}
