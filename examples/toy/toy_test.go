package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
)

// tiny is a whole run of a second.
func tiny(out string, more ...string) []string {
	return append([]string{
		"-out", out, "-n", "256", "-steps", "30", "-batch", "16", "-samples", "64", "-reverse-steps", "20", "-flow-steps", "6",
	}, more...)
}

// A whole run leaves every number and every plot, and a share of it the same model.
func TestRun(t *testing.T) {
	out, parts := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	args := func(out, task string) []string {
		return tiny(out, "-mu2", "-1", "-n", "2000", "-steps", "200", "-batch", "64", "-task", task)
	}
	for _, a := range [][]string{args(out, ""), args(parts, "1/3")} {
		if err := run(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	const share = "wrapped_mu2_-1_g_0.4.npz"
	programtest.Files(t, filepath.Join(parts, "task-1-of-3"), share, program.ResultsFile)
	if !bytes.Equal(programtest.Read(t, out, share), programtest.Read(t, parts, "task-1-of-3", share)) {
		t.Error("the model of a share is another than that of one process")
	}
	f := programtest.Results(t, programtest.Read(t, out, program.ResultsFile))
	const p = "mu2_-1_g_0.4"
	check := func(ensemble string, observables ...string) {
		for _, o := range observables {
			if e, ok := f.Get(ensemble+"_"+p, o); !ok || math.IsNaN(e.Value) {
				t.Errorf("results.json lacks %s of %s_%s", o, ensemble, p)
			}
		}
	}
	check("exact", "phi2", "phi4", "log_z", "drift_rms_tau_0", "drift_rms_tau_0.99")
	check("data", "ks_d", "ks_p", "phi2")
	for _, m := range []string{gaussian, plain, wrapped, target} {
		check(m, "drift_rms_tau_0", "drift_rms_tau_0.5", "drift_rms_tau_0.99", "drift_rms", "kl_bound")
		check(m+"_euler", "ks_d", "ks_p", "phi2")
		check(m+"_ancestral", "ks_d", "ks_p", "phi2")
		check(m+"_flow", "ks_d", "ks_p", "phi2", "logq_rms", "logq_median", "logq_step_error", "sd_log_w", "ess", "acceptance_predicted", "r2")
		if m == gaussian {
			continue
		}
		for _, plot := range []string{"drift", "action", "flow", "samples"} {
			name := fmt.Sprintf("%s_%s_%s.png", plot, m, p)
			if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if data, _ := f.Get("data_"+p, "ks_p"); data.Value < 1e-6 {
		t.Errorf("the training data have p = %v", data.Value)
	}
	// A few steps bring a network with a Gaussian part closer to the drift than that is alone.
	errorOf := func(m string) float64 {
		e, _ := f.Get(m+"_"+p, "drift_rms")
		return e.Value
	}
	if !(errorOf(plain) < 0.25 && errorOf(wrapped) < 0.85*errorOf(gaussian) && errorOf(target) < 0.5*errorOf(gaussian)) {
		t.Errorf("errors of the drift: %v plain, %v Gaussian, %v wrapped, %v target", errorOf(plain), errorOf(gaussian), errorOf(wrapped), errorOf(target))
	}
}

// The same seed gives the same numbers from a share on one core, and after an interruption.
func TestReproducible(t *testing.T) {
	dir := t.TempDir()
	args := func(name string) []string {
		return tiny(filepath.Join(dir, name), "-mu2", "1", "-model", "target")
	}
	result := func(name string) []byte { return programtest.Read(t, dir, name, program.ResultsFile) }
	if err := run(t.Context(), args("all")); err != nil {
		t.Fatal(err)
	}
	cores := runtime.GOMAXPROCS(1)
	var err error
	for _, task := range []string{"0/1", "merge/1"} {
		err = errors.Join(err, run(t.Context(), append(args("one"), "-task", task)))
	}
	runtime.GOMAXPROCS(cores)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(result("one"), result("all")) {
		t.Error("a share on one core gave other results")
	}

	ctx, cancel := context.WithCancel(t.Context())
	o, err := parse(args("stopped"))
	if err != nil {
		t.Fatal(err)
	}
	stopped, err := newToy(o)
	if err != nil {
		t.Fatal(err)
	}
	stopped.trained = func(p diffusion.TrainProgress) {
		if p.Step == 17 {
			cancel()
		}
	}
	if err := stopped.run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted run: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "stopped", program.ResultsFile)); !errors.Is(err, os.ErrNotExist) {
		t.Error("an interrupted run left results behind")
	}
	if _, err := os.Stat(filepath.Join(dir, "stopped", "train_target_mu2_1_g_0.4.npz")); err != nil {
		t.Error("an interrupted training left no state")
	}
	if err := run(t.Context(), args("stopped")); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(result("stopped"), result("all")) {
		t.Error("an interrupted run gave other results")
	}

	// Files of another run, or damaged ones, are refused and left as they are.
	if err := run(t.Context(), append(args("all"), "-seed", "2")); err == nil {
		t.Error("the folder of another run was accepted")
	}
	path := filepath.Join(dir, "all", "target_mu2_1_g_0.4.npz")
	damaged := programtest.Read(t, path)[:100]
	if err := os.WriteFile(path, damaged, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), args("all")); err == nil {
		t.Error("a damaged model was accepted")
	}
	if !bytes.Equal(programtest.Read(t, path), damaged) {
		t.Error("a damaged model was overwritten")
	}
}

// A harmonic potential is its own Gaussian part, whose width the drift tells exactly, however
// few the samples: its drift and log q are right to rounding.
func TestHarmonic(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out, "-mu2", "2", "-g", "0", "-model", "wrapped", "-steps", "1")); err != nil {
		t.Fatal(err)
	}
	f := programtest.Results(t, programtest.Read(t, out, program.ResultsFile))
	get := func(ensemble, observable string) float64 {
		e, ok := f.Get(ensemble+"_mu2_2_g_0", observable)
		if !ok {
			t.Fatalf("results.json lacks %s of %s", observable, ensemble)
		}
		return e.Value
	}
	const exact = 0.5
	if data := get("data", "phi2"); math.Abs(data-exact) < 1e-6 {
		t.Errorf("⟨φ²⟩ of the samples is %v: too good to test anything", data)
	}
	for _, tau := range shown {
		if got := get(gaussian, fmt.Sprintf("drift_rms_tau_%v", tau)); !(got < 1e-9) {
			t.Errorf("τ = %v: the drift has an error of %v", tau, got)
		}
	}
	if got := get(gaussian, "kl_bound"); !(math.Abs(got) < 1e-12) {
		t.Errorf("expected no divergence from the exact density, got %v", got)
	}
}

// What the integral of an exact drift is, and the gauge of the plots.
func TestIntegrate(t *testing.T) {
	p, err := newPotential(-1, 0.4)
	if err != nil {
		t.Fatal(err)
	}
	x := grid(5, 2001)
	score := p.exact.Action().Drift(nil, x)
	s := integrate(x, score)
	for i, v := range x {
		if want := p.exact.Action().Value([]float64{v}); math.Abs(s[i]-want) > 1e-4 {
			t.Fatalf("expected S(%v) = %v, got %v", v, want, s[i])
		}
	}
	least := math.Inf(1)
	for _, v := range p.shift(s) {
		least = min(least, v)
	}
	if math.Abs(least-(-3.75)) > 1e-12 {
		t.Errorf("expected the minimum -3.75, got %v", least)
	}
}

// The paper's preset is its training at its number of epochs.
func TestPreset(t *testing.T) {
	o, err := parse([]string{"-preset", "paper", "-n", "1000"})
	if err != nil {
		t.Fatal(err)
	}
	run, err := newToy(o)
	if err != nil {
		t.Fatal(err)
	}
	c := run.training(7)
	if c.Steps != 500*16 || c.Batch != 64 || c.LearningRate != 1e-3 || c.Process == nil || c.Seed != 7 || run.o.ReverseSteps != 500 {
		t.Errorf("got %+v with %d reverse steps", c, run.o.ReverseSteps)
	}
}

func TestBadInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-mu2", ""}, {"-mu2", "1,x"}, {"-mu2", "NaN"}, {"-mu2", "1,1"}, {"-mu2", "1,-1,2", "-g", "0.4,0.5"}, {"-mu2", "1,2,3,4,5,6,7,8,9"},
		{"-mu2", "-1", "-g", "0"}, {"-g", "-1"}, {"-g", "Inf"}, {"-mu2", "1e6"}, {"-mu2", "1e-6", "-g", "1e-9"}, {"-mu2", "-30"}, {"-mu2", "-1e4"},
		{"-n", "99"}, {"-steps", "-1"}, {"-batch", "-3"}, {"-samples", "9"}, {"-reverse-steps", "1"}, {"-flow-steps", "1"},
		{"-preset", "fast"}, {"-model", "magic"}, {"-model", "plain,plain"}, {"-model", ""}, {"-backend", "abacus"},
		{"-dims", "4x4"}, {"-gamma", "1"}, {"word"}, {"-out", ""}, {"-out", file},
	} {
		out := filepath.Join(t.TempDir(), "out")
		err := run(t.Context(), tiny(out, args...))
		if err == nil {
			t.Errorf("%v: accepted", args)
			continue
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: the error has more than one line: %q", args, err)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v: bad input left a folder behind", args)
		}
	}
}
