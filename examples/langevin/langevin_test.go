package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/fokkerplanck"
	"github.com/latdiff/latdiff/stats"
)

// tiny is a whole run of a second or two. A barrier this low relaxes quickly.
func tiny(out string, more ...string) []string {
	return append([]string{
		"-out", out, "-dims", "4x4", "-mu2", "-0.3", "-toy-dtau", "0.05", "-prior", "1.5", "-processes", "512",
		"-dtau", "0.05,0.1,0.2,0.3", "-time", "4000",
	}, more...)
}

func read(t *testing.T, out string) *results.File {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(out, program.ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	var f results.File
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return &f
}

// TestRun: a whole run, and two shares on one core, give the same files, and the
// numbers are those of the closed forms and of the exact algorithms.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := run(context.Background(), tiny(first)); err != nil {
		t.Fatal(err)
	}
	cores := runtime.GOMAXPROCS(1)
	var err error
	for _, task := range []string{"1/2", "0/2", "merge/2"} {
		err = errors.Join(err, run(context.Background(), tiny(second, "-task", task)))
	}
	runtime.GOMAXPROCS(cores)
	if err != nil {
		t.Fatal(err)
	}
	a, b := programtest.Read(t, first, program.ResultsFile), programtest.Read(t, second, program.ResultsFile)
	if string(a) != string(b) {
		t.Error("the same seed gave different results")
	}
	for _, name := range []string{"trajectories_mu2_-0.3.png", "bias_phi2.png", stagePath("mala")} {
		if string(programtest.Read(t, first, name)) != string(programtest.Read(t, second, name)) {
			t.Errorf("%s of the shares is another than that of one process", name)
		}
	}
	t.Run("resume", func(t *testing.T) { testResume(t, a) })
	for _, name := range []string{
		"trajectories_mu2_-0.3", "density_mu2_-0.3", "spectrum_mu2_-0.3", "relaxation_m_mu2_-0.3", "relaxation_phi2_mu2_-0.3",
		"bias_phi2", "bias_action_density", "bias_chi2", "bias_free",
	} {
		if info, err := os.Stat(filepath.Join(first, name+".png")); err != nil || info.Size() == 0 {
			t.Errorf("expected a plot %s: %v", name, err)
		}
	}
	f := read(t, first)
	get := func(ensemble, observable string) stats.Estimate {
		e, ok := f.Get(ensemble, observable)
		if !ok {
			t.Fatalf("expected %s of %s", observable, ensemble)
		}
		return e
	}
	for _, o := range observables {
		for _, dtau := range []string{"_dtau_0.05", "_dtau_0.1", "_dtau_0.2", "_dtau_0.3", ""} {
			got, want := get("langevin_free"+dtau, o.name), get("exact_free"+dtau, o.name)
			if math.Abs(got.Pull(want.Value)) > 5 {
				t.Errorf("free field%s: expected %s = %v, got %v", dtau, o.name, want.Value, got)
			}
		}
		for _, exact := range []string{"reference", "mala"} {
			if got, want := get("langevin", o.name), get(exact, o.name); math.Abs(got.Sigma(want)) > 5 {
				t.Errorf("Δτ → 0: expected %s = %v of %s, got %v", o.name, want, exact, got)
			}
		}
	}
	// At a finite step the bias of ⟨S⟩/V, far beyond its error, must be seen.
	if biased, exact := get("langevin_dtau_0.3", "action_density"), get("reference", "action_density"); biased.Sigma(exact) < 10 {
		t.Errorf("expected a bias at Δτ = 0.3, got %v for %v", biased, exact)
	}
	const toy = "mu2_-0.3"
	if p := get("langevin_"+toy, "ks_p").Value; p < 1e-6 {
		t.Errorf("%s: expected e^{-S}, got p = %v", toy, p)
	}
	gap := get("fokker_planck_"+toy, "eigenvalue_1").Value
	if rate := get("langevin_"+toy, "decay_rate"); math.Abs(rate.Pull(gap)) > 5 {
		t.Errorf("%s: expected the decay rate %v, got %v", toy, gap, rate)
	}
	if tau := get("langevin_"+toy, "tau_exp"); math.Abs(tau.Pull(1/gap)) > 5 {
		t.Errorf("%s: expected τ_exp = %v, got %v", toy, 1/gap, tau)
	}
	for _, pull := range []string{"pull_m", "pull_phi2"} {
		if v := get("langevin_"+toy, pull).Value; v > 5 {
			t.Errorf("%s: %s = %v from the Fokker–Planck equation", toy, pull, v)
		}
	}
	// The sample and the grid have the same ⟨φ²⟩.
	if got, want := get("langevin_"+toy, "phi2"), get("fokker_planck_"+toy, "phi2"); math.Abs(got.Pull(want.Value)) > 5 {
		t.Errorf("%s: expected ⟨φ²⟩ = %v, got %v", toy, want.Value, got)
	}
}

func TestBadInput(t *testing.T) {
	for _, args := range [][]string{
		{"-dims", "4y4"}, {"-kappa", "NaN"}, {"-lambda", "-1"}, {"-lambda", "0", "-kappa", "0.3"},
		{"-mu2", ""}, {"-mu2", "1,x"}, {"-mu2", "1,1"}, {"-mu2", "Inf"}, {"-mu2", "1,2,3,4,5,6,7,8,9"}, {"-mu2", "-6"},
		{"-g", "-1"}, {"-g", "0", "-mu2", "-1"}, {"-toy-dtau", "0"}, {"-toy-dtau", "2"}, {"-toy-dtau", "1e-9"},
		{"-prior", "0"}, {"-prior", "NaN"}, {"-prior", "1e6"}, {"-prior", "1e-3"}, {"-g", "0", "-mu2", "1", "-prior", "100"}, {"-processes", "15"},
		{"-dtau", "0.1,0.2"}, {"-dtau", "0,0.1,0.2"}, {"-dtau", "0.1,0.2,0.9"}, {"-dtau", "a"}, {"-time", "10"}, {"-time", "Inf"},
		{"-dtau", "1e-9,2e-9,3e-9"}, {"-processes", "2000000000"}, {"-time", "1e12"}, {"-time", "1e300"},
		{"-backend", "go"}, {"word"}, {"-no-such-flag"},
	} {
		out := filepath.Join(t.TempDir(), "out")
		if err := run(context.Background(), tiny(out, args...)); err == nil {
			t.Errorf("%v: expected an error", args)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v: bad input left a folder behind", args)
		}
	}
}

// TestFreeKappa: beyond the critical κ of the free field its check takes a smaller one.
func TestFreeKappa(t *testing.T) {
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	for kappa, want := range map[float64]float64{0.24: 0.24, 0.25: 0.2, -0.3: -0.2} {
		action, err := lattice.NewPhi4(lat, kappa, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		free, err := freeField(action)
		if err != nil || math.Abs(free.Kappa()-want) > 1e-15 || free.Lambda() != 0 {
			t.Errorf("κ = %v: expected the free field with %v, got %v, %v", kappa, want, free, err)
		}
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := t.TempDir()
	if err := run(ctx, tiny(out)); !errors.Is(err, context.Canceled) {
		t.Errorf("expected an interruption, got %v", err)
	}
	if _, err := os.Stat(filepath.Join(out, program.ResultsFile)); !errors.Is(err, os.ErrNotExist) {
		t.Error("an interrupted run left results behind")
	}
}

// TestPrint: the tables name every potential and every time step.
func TestPrint(t *testing.T) {
	action, err := lattice.NewToy(1, 0)
	if err != nil {
		t.Fatal(err)
	}
	e, err := fokkerplanck.New(action, fokkerplanck.Config{Lo: -9, Hi: 9})
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Spectrum()
	if err != nil {
		t.Fatal(err)
	}
	l := &langevin{table: results.New(nil)}
	exact, err := newDensity(action)
	if err != nil {
		t.Fatal(err)
	}
	l.toys = []*toy{{name: "mu2_1", title: "harmonic", spectrum: s, exact: exact}}
	l.table.Add("langevin_mu2_1", "decay_rate", stats.Estimate{Value: 0.99, Error: 0.02})
	l.table.Add("langevin_mu2_1", "tau_exp", stats.Estimate{Value: 1, Error: 0.1})
	var b strings.Builder
	l.printToys(&b)
	for _, word := range []string{"harmonic", "0.990(20)", "1.00(10)"} {
		if !strings.Contains(b.String(), word) {
			t.Errorf("expected %q in\n%s", word, b.String())
		}
	}
}

// TestEvolve: the processes of the harmonic potential have the mean and the variance
// that the discretised equation (2.15) gives exactly.
func TestEvolve(t *testing.T) {
	const mu2, dtau, mean, sd, n = 1.0, 0.1, 2.0, 0.5, 20000
	action, err := lattice.NewToy(mu2, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	task := progress.New(os.Stderr).Start(ctx, "evolve")
	defer task.Done(nil)
	x := &toy{action: action, seed: 7}
	rows, err := x.evolve(ctx, task, 0, dtau, func(rng *rand.Rand) float64 { return mean + sd*rng.NormFloat64() }, n, 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 5 || len(rows[0]) != n {
		t.Fatalf("expected 5 rows of %d processes, got %d of %d", n, len(rows), len(rows[0]))
	}
	m, v := mean, sd*sd
	for r, row := range rows {
		first, err := stats.Mean(row)
		if err != nil {
			t.Fatal(err)
		}
		second, err := stats.Mean(squares(row))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(first.Pull(m)) > 5 || math.Abs(second.Pull(v+m*m)) > 5 {
			t.Errorf("record %d: expected the moments %v and %v, got %v and %v", r, m, v+m*m, first, second)
		}
		for range 3 {
			a := 1 - mu2*dtau
			m, v = a*m, a*a*v+2*dtau
		}
	}
}
