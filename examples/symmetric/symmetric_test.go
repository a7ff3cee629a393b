package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// tiny are the settings of a run of a few seconds on a 4×4 lattice.
func tiny(out string, more ...string) []string {
	return append([]string{"-out", out, "-dims", "4x4", "-kappa", "0.2", "-lambda", "0.1", "-n", "512", "-steps", "40", "-batch", "16",
		"-samples", "128", "-reverse-steps", "20", "-flow-steps", "4", "-sizes", "32,128", "-size-samples", "64", "-pool", "256"}, more...)
}

// The whole program: every file and every number is there, those of table 1 and of figures
// 11 and 12 agree with the truth, and a second run, interrupted while a model of figure 11
// was trained, gives the same.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	if err := run(t.Context(), tiny(one)); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, one, "figure6.png", "figure7.png", "figure11.png", "figure12.png", "denoising.png",
		program.EnsembleFile, program.HMCFile, program.ModelFile, program.ReverseFile, program.ProposalsFile, furtherFile,
		"training-32/"+furtherFile, "training-128/"+program.ModelFile)
	want := programtest.Read(t, one, program.ResultsFile)
	file := programtest.Results(t, want)
	ensembles := []string{"training", "testing", "dm", "dm_ode"}
	for _, n := range []int{32, 128, 512} {
		ensembles = append(ensembles, fmt.Sprintf("training_n_%d", n), fmt.Sprintf("dm_n_%d", n))
	}
	for _, n := range []int{16, 32, 64, 128, 256} {
		ensembles = append(ensembles, fmt.Sprintf("dm_samples_%d", n))
	}
	for _, ensemble := range ensembles {
		for _, p := range panels {
			e, ok := file.Get(ensemble, p.name)
			truth, _ := file.Get("reference", p.name)
			if !ok || math.IsNaN(e.Value) || !(e.Error > 0) {
				t.Errorf("results.json lacks %s of %s", p.name, ensemble)
			}
			// The error of the Binder cumulant of 16 or 32 configurations is no bound.
			if p.name != measure.Binder && !(math.Abs(e.Sigma(truth)) < 5) {
				t.Errorf("%s of %s is %v, expected %v", p.name, ensemble, e, truth)
			}
		}
	}
	for _, o := range []string{measure.R2, measure.PearsonR2, measure.SDLogW, "ks_p"} {
		if e, ok := file.Get("dm", o); !ok || math.IsNaN(e.Value) {
			t.Errorf("results.json lacks %s of dm", o)
		}
	}
	o, err := parse(tiny(two))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSymmetric(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.runs[1].Trained = func(p diffusion.TrainProgress) {
		if p.Step == 17 {
			cancel()
		}
	}
	if err := s.walk(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted run: %v", err)
	}
	if _, err := os.Stat(filepath.Join(two, "training-128", program.TrainFile)); err != nil {
		t.Fatal("an interrupted training left no state")
	}
	if err := run(t.Context(), tiny(two)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(programtest.Read(t, two, program.ResultsFile), want) {
		t.Error("the same seed gave other results after an interruption")
	}
}

// With a given model, here a U-Net, figure 11 has no models of its own.
func TestModels(t *testing.T) {
	dir := t.TempDir()
	trained := filepath.Join(dir, "trained")
	if err := run(t.Context(), tiny(trained, "-model", "unet", "-sizes", "", "-steps", "4")); err != nil {
		t.Fatal(err)
	}
	given := filepath.Join(dir, "given")
	if err := run(t.Context(), tiny(given, "-model", filepath.Join(trained, program.ModelFile))); err != nil {
		t.Fatal(err)
	}
	if folders, err := filepath.Glob(filepath.Join(given, "training-*")); err != nil || len(folders) > 0 {
		t.Errorf("a given model was trained: %v %v", folders, err)
	}
}

// Two shares, one of which begins twice, make the files of one process, here without a network.
func TestShares(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	args := func(out, task string) []string {
		return tiny(out, "-model", "gaussian", "-n", "140", "-samples", "140", "-pool", "280", "-size-samples", "32", "-sizes", "16,32", "-task", task)
	}
	if err := run(t.Context(), args(parts, "0/2")); err == nil || !strings.Contains(err.Error(), "-task train") {
		t.Errorf("expected a share without anything to draw from to be refused, got %v", err)
	}
	for _, a := range [][]string{args(whole, ""), args(parts, "train"), args(parts, "1/2"), args(parts, "1/2"), args(parts, "0/2"), args(parts, "merge/2")} {
		if err := run(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	programtest.Files(t, parts, "task-0-of-2/training-16/"+furtherFile, "task-1-of-2/training-32/"+furtherFile)
	for _, name := range []string{program.ResultsFile, program.ProposalsFile, program.ReverseFile, furtherFile, "figure11.png", "figure12.png"} {
		if !bytes.Equal(programtest.Read(t, whole, name), programtest.Read(t, parts, name)) {
			t.Errorf("%s of the shares is another than that of one process", name)
		}
	}
}

// Bad input gives one line of error and no output folder.
func TestBadInput(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"sizes out of order":          {"-sizes", "128,32"},
		"a size above -n":             {"-sizes", "1024"},
		"a size too small":            {"-sizes", "4"},
		"a size that is no number":    {"-sizes", "32,x"},
		"a size with a rest":          {"-sizes", "32.5"},
		"more points than samples":    {"-size-samples", "1000"},
		"a pool below -samples":       {"-pool", "100"},
		"few configurations":          {"-n", "8", "-sizes", ""},
		"negative λ":                  {"-lambda", "-0.1"},
		"unknown preset":              {"-preset", "slow"},
		"no such model":               {"-model", "nothing.npz"},
		"unknown flag":                {"-gamma", "1"},
		"an empty list with a number": {"-sizes", ",32"},
	})
}
