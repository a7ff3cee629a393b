package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// tiny are the settings of a run of a few seconds on the smallest lattices.
func tiny(out string, more ...string) []string {
	return append([]string{"-out", out, "-dims", "4x4", "-kappa", "0.2", "-lambda", "0.1", "-kappas", "0.1,0.2", "-extents", "2,4",
		"-n", "256", "-steps", "40", "-long-steps", "256", "-batch", "16", "-samples", "128", "-flow-steps", "4"}, more...)
}

// The whole program: every file and every number is there, the observed acceptance is the
// predicted one, and a second run, interrupted in the training of figure 15, gives the same.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	if err := run(t.Context(), tiny(one)); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, one, "figure13.png", "figure14.png", "figure15.png", "cost.png", timesFile,
		"kappa_0.1_4x4/"+program.ModelFile, "kappa_0.2_2x2/"+program.ProposalsFile, "training/"+keptFile(128))
	want := programtest.Read(t, one, program.ResultsFile)
	file := programtest.Results(t, want)
	names := []string{"gaussian_steps", "dm_steps_2", "dm_steps_4", "dm_steps_64", "dm_steps_128", "dm_steps_256"}
	for _, p := range []string{"kappa_0.1_4x4", "kappa_0.2_4x4", "kappa_0.2_2x2"} {
		names = append(names, "dm_"+p, "gaussian_"+p)
	}
	for _, ensemble := range names {
		for _, o := range []string{measure.AcceptancePredicted, measure.ESS, measure.SDLogW, measure.R2, measure.LongestRejection, stepError} {
			if e, ok := file.Get(ensemble, o); !ok || math.IsNaN(e.Value) {
				t.Errorf("results.json lacks %s of %s", o, ensemble)
			}
		}
		a, _ := file.Get(ensemble, measure.Acceptance)
		p, _ := file.Get(ensemble, measure.AcceptancePredicted)
		if !(a.Value > 0 && a.Value <= 1) || !(math.Abs(a.Value-p.Value) <= 5*math.Hypot(a.Error, p.Error)) {
			t.Errorf("%s: observed acceptance %v, predicted %v", ensemble, a, p)
		}
	}
	if n := bytes.Count(want, []byte("second")); n > 0 {
		t.Errorf("results.json has times")
	}
	var costs []cost
	if err := json.Unmarshal(programtest.Read(t, one, timesFile), &costs); err != nil || len(costs) != 3 {
		t.Errorf("expected the times of three points, got %v: %v", costs, err)
	}
	for _, c := range costs {
		if !(c.SecondsPerStep > 0) || c.Steps != 39 || math.Abs(c.SecondsPerEpoch/c.SecondsPerStep-16) > 1e-9 {
			t.Errorf("got the times %+v, expected those of 39 steps and of an epoch of 16", c)
		}
	}
	o, err := parse(tiny(two))
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAcceptance(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a.long.Trained = func(p diffusion.TrainProgress) {
		if p.Step == 17 {
			cancel()
		}
	}
	if err := a.walk(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted run: %v", err)
	}
	if _, err := os.Stat(filepath.Join(two, "training", program.TrainFile)); err != nil {
		t.Fatal("an interrupted training left no state")
	}
	times := programtest.Read(t, two, "kappa_0.1_4x4/"+timesFile)
	if err := run(t.Context(), tiny(two)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(programtest.Read(t, two, program.ResultsFile), want) {
		t.Error("the same seed gave other results after an interruption")
	}
	if !bytes.Equal(programtest.Read(t, two, "kappa_0.1_4x4/"+timesFile), times) {
		t.Error("the times of a finished training changed")
	}
}

// The points of two shares give the results of one process.
func TestShares(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	args := func(out, task string) []string { return tiny(out, "-model", "gaussian", "-task", task) }
	for _, a := range [][]string{args(whole, ""), args(parts, "1/2"), args(parts, "0/2"), args(parts, "merge/2")} {
		if err := run(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	programtest.Files(t, parts, "task-1-of-2/kappa_0.2_4x4/"+program.ProposalsFile, "task-0-of-2/kappa_0.2_2x2/"+program.ProposalsFile)
	for _, name := range []string{program.ResultsFile, "figure13.png", "figure14.png"} {
		if !bytes.Equal(programtest.Read(t, whole, name), programtest.Read(t, parts, name)) {
			t.Errorf("%s of the shares is another than that of one process", name)
		}
	}
}

// Without a network there are figures 13 and 14 and no times.
func TestGaussian(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out, "-model", "gaussian")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"figure13.png": true, "figure14.png": true, "figure15.png": false, "cost.png": false, "training": false} {
		if _, err := os.Stat(filepath.Join(out, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSlope(t *testing.T) {
	if s := slope([]float64{1, 2, 4}, []float64{3, 1, -3}); math.Abs(s+2) > 1e-12 {
		t.Errorf("got the slope %v of a line of slope -2", s)
	}
}

// Bad input gives one line of error and no output folder.
func TestBadInput(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"κ out of order":         {"-kappas", "0.2,0.1"},
		"κ of NaN":               {"-kappas", "NaN"},
		"no κ":                   {"-kappas", ""},
		"too many shares":        {"-model", "gaussian", "-task", "0/4"},
		"half a site":            {"-extents", "2.5"},
		"no sites":               {"-extents", "0"},
		"a pretrained model":     {"-model", "pretrained"},
		"a model that is a file": {"-model", "model.npz"},
		"an ensemble":            {"-ensemble", "ensemble.npz"},
		"no long training":       {"-long-steps", "0"},
		"negative λ":             {"-lambda", "-0.1"},
		"unknown preset":         {"-preset", "slow"},
		"malformed extents":      {"-dims", "4by4"},
		"unknown flag":           {"-gamma", "1"},
	})
}
