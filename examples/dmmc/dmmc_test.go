package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/internal/export"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// tiny are the settings of a run of seconds on a 4×4 lattice. The Gaussian with the
// measured spectrum is a good model there.
func tiny(out string, more ...string) []string {
	return append([]string{"-out", out, "-dims", "4x4", "-kappa", "0.15", "-lambda", "0.1", "-model", "gaussian", "-n", "512",
		"-samples", "256", "-reverse-steps", "30", "-flow-steps", "4", "-chain", "4096", "-mixture", "128", "-equilibrium", "256", "-clock", "20ms"}, more...)
}

// All algorithms sample one theory, and log Z is the same in every way.
func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out, "-export")); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, out, program.EnsembleFile, program.HMCFile, program.ReverseFile, program.ProposalsFile, equilibriumFile, mixtureFile,
		timesFile, export.File, filepath.Join(export.Folder(exact), "posterior", measure.AbsM, "0.0"), "autocorrelation.png", "action.png", "magnetization.png", "abs_magnetization.png", "denoising.png")
	ens, err := lattice.ReadEnsemble(filepath.Join(out, program.ProposalsFile))
	if err != nil {
		t.Fatal(err)
	}
	if ens.Len() != 256 || len(ens.Extra["logq"]) != 256 || len(ens.Extra["action"]) != 256 {
		t.Errorf("proposals.npz has %d configurations, %d log q and %d actions", ens.Len(), len(ens.Extra["logq"]), len(ens.Extra["action"]))
	}
	text := programtest.Read(t, out, program.ResultsFile)
	file := programtest.Results(t, text)
	for _, name := range []string{unitHMC, tunedHMC, metropolis, gaussianMC, exact, mixed, reweighted} {
		for _, o := range []string{measure.AbsM, measure.VM2, measure.Phi2, measure.ActionDensity} {
			e, ok := file.Get(name, o)
			r, _ := file.Get(cluster, o)
			if s := e.Sigma(r); !ok || !(math.Abs(s) < 5) {
				t.Errorf("%s of %s: %v, cluster updates %v", o, name, e, r)
			}
		}
		if e, ok := file.Get(name, measure.PositiveFraction); name != reweighted && (!ok || !(math.Abs(e.Pull(0.5)) < 5)) {
			t.Errorf("%s: fraction of positive magnetisation %v", name, e)
		}
	}
	for _, name := range []string{gaussianMC, exact, published} {
		for _, o := range []string{measure.Acceptance, measure.AcceptancePredicted, measure.ESS, essBootstrap, largestShare, paretoK,
			measure.LongestRejection, measure.SDLogW, measure.R2, measure.PearsonR2, stepError} {
			if e, ok := file.Get(name, o); !ok || math.IsNaN(e.Value) {
				t.Errorf("results.json lacks %s of %s", o, name)
			}
		}
		// Two estimates of one standard deviation.
		ess, _ := file.Get(name, measure.ESS)
		if b, _ := file.Get(name, essBootstrap); !(b.Value > ess.Error/2 && b.Value < ess.Error*2) {
			t.Errorf("%s: ESS/N = %v, bootstrap error %v", name, ess, b.Value)
		}
	}
	observed, _ := file.Get(exact, measure.Acceptance)
	predicted, _ := file.Get(exact, measure.AcceptancePredicted)
	if s := observed.Sigma(predicted); !(math.Abs(s) < 5) || predicted.Value > 0.99 {
		t.Errorf("acceptance %v, predicted %v", observed, predicted)
	}
	if e, _ := file.Get(exact, measure.TauAbsM); !(e.Value < 1.5) {
		t.Errorf("τ_int of DM-MC is %v", e)
	}
	thermo, _ := file.Get(freeEnergy, logZThermo)
	for _, name := range []string{logZProposals, logZEquilib, logZBridge} {
		e, ok := file.Get(freeEnergy, name)
		if s := e.Sigma(thermo); !ok || !(math.Abs(s) < 5) || !(e.Error < 0.2) {
			t.Errorf("%s = %v, thermodynamic integration %v", name, e, thermo)
		}
	}
	var clock times
	if err := json.Unmarshal(programtest.Read(t, out, timesFile), &clock); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{unitHMC, paperHMC, tunedHMC, metropolis, cluster, gaussianMC, exact, published, mixed} {
		if !(clock.Seconds[name] > 0) {
			t.Errorf("times.json lacks %s", name)
		}
	}

	// The same seed again: the same results, whatever the times.
	again := filepath.Join(t.TempDir(), "again")
	if err := run(t.Context(), tiny(again)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, programtest.Read(t, again, program.ResultsFile)) {
		t.Error("the same seed gave other results")
	}
}

// Chains in latent space and composite ones sample the same theory.
func TestMoves(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	args := tiny(out, "-mixture", "0", "-thermodynamic=false", "-moves", "latent,hybrid", "-moving", "4096", "-update", "hmc", "-updates", "2")
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, out, "latent.npz", "hybrid.npz")
	text := programtest.Read(t, out, program.ResultsFile)
	file := programtest.Results(t, text)
	var clock times
	if err := json.Unmarshal(programtest.Read(t, out, timesFile), &clock); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{latentSpace, composite} {
		for _, o := range []string{measure.AbsM, measure.VM2, measure.Phi2, measure.ActionDensity} {
			e, ok := file.Get(name, o)
			r, _ := file.Get(cluster, o)
			if s := e.Sigma(r); !ok || !(math.Abs(s) < 5) {
				t.Errorf("%s of %s: %v, cluster updates %v", o, name, e, r)
			}
		}
		if e, ok := file.Get(name, measure.Acceptance); !ok || !(e.Value > 0.3) {
			t.Errorf("%s: acceptance %v", name, e)
		}
		if !(clock.Seconds[name] > 0 && clock.Independent[name] > 0) {
			t.Errorf("times.json lacks %s", name)
		}
	}
	if e, ok := file.Get(latentSpace, stepSize); !ok || !(e.Value > 0 && e.Value <= 1) {
		t.Errorf("β = %v", e)
	}
	if _, ok := file.Get(composite, stepSize); ok {
		t.Error("hybrid chains have a β")
	}
	// Once more: everything is read from the files.
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, programtest.Read(t, out, program.ResultsFile)) {
		t.Error("a run that was finished gave other results")
	}
}

// A run that is interrupted after any stage continues to the same results.
func TestResume(t *testing.T) {
	small := func(out string) []string {
		return tiny(out, "-n", "128", "-samples", "32", "-chain", "256", "-mixture", "32", "-equilibrium", "32", "-thermodynamic=false")
	}
	whole := filepath.Join(t.TempDir(), "whole")
	if err := run(t.Context(), small(whole)); err != nil {
		t.Fatal(err)
	}
	want := programtest.Read(t, whole, program.ResultsFile)
	if _, ok := programtest.Results(t, want).Get(freeEnergy, logZThermo); ok {
		t.Error("thermodynamic integration although it was switched off")
	}
	for _, stage := range []string{program.EnsembleFile, program.ProposalsFile, program.ReverseFile, mixtureFile} {
		out := filepath.Join(t.TempDir(), "out")
		ctx, cancel := context.WithCancel(t.Context())
		o, err := parse(small(out))
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDMMC(o)
		if err != nil {
			t.Fatal(err)
		}
		d.finished = func(file string) {
			if file == stage {
				cancel()
			}
		}
		if err := d.walk(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted after %s: %v", stage, err)
		}
		if _, err := os.Stat(filepath.Join(out, stage)); err != nil {
			t.Fatal(err)
		}
		if err := run(t.Context(), small(out)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(programtest.Read(t, out, program.ResultsFile), want) {
			t.Errorf("interrupted after %s: other results", stage)
		}
		cancel()
	}
}

// With a network whose divergence is estimated, on a lattice that is not a square.
func TestNetwork(t *testing.T) {
	for _, model := range []string{settings.UNet, settings.Pretrained} {
		out := filepath.Join(t.TempDir(), "out")
		err := run(t.Context(), tiny(out, "-dims", "4x6", "-model", model, "-n", "128", "-steps", "10", "-batch", "8", "-samples", "32", "-chain", "256",
			"-mixture", "32", "-equilibrium", "32", "-thermodynamic=false", "-probes", "2"))
		if err != nil {
			t.Fatalf("%s: %v", model, err)
		}
		file := programtest.Results(t, programtest.Read(t, out, program.ResultsFile))
		if e, ok := file.Get(mixed, measure.AbsM); !ok || math.IsNaN(e.Value) {
			t.Errorf("%s: no observables of the mixture", model)
		}
	}
}

// -retrain trains where a model is shipped.
func TestRetrain(t *testing.T) {
	o, err := parse([]string{"-retrain"})
	if err != nil {
		t.Fatal(err)
	}
	if o.Model != settings.Pretrained {
		t.Fatalf("the default model is %s", o.Model)
	}
	d, err := newDMMC(o)
	if err != nil {
		t.Fatal(err)
	}
	if d.o.Model != settings.Hollow {
		t.Errorf("-retrain: the model is %s", d.o.Model)
	}
}

func TestBreaks(t *testing.T) {
	for _, c := range []struct {
		kappa, lambda float64
		want          int
	}{{0.21, 0.022, 0}, {0.27, 0.022, 0}, {0.5, 0.022, 2}, {0.3, 0.8, 0}} {
		lat, err := lattice.New(8, 8)
		if err != nil {
			t.Fatal(err)
		}
		a, err := lattice.NewPhi4(lat, c.kappa, c.lambda)
		if err != nil {
			t.Fatal(err)
		}
		b := breaks(a)
		if len(b) != c.want || !slices.IsSorted(b) || len(b) > 0 && b[len(b)-1] >= c.kappa {
			t.Errorf("κ = %v, λ = %v: breaks %v", c.kappa, c.lambda, b)
		}
	}
}

// Bad input is refused before a folder is made.
func TestBadInput(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"a short chain":             {"-chain", "100"},
		"no time for a step":        {"-clock", "0s"},
		"a short mixture":           {"-mixture", "3"},
		"too many equilibrated":     {"-equilibrium", "1000"},
		"too few equilibrated":      {"-equilibrium", "1"},
		"few samples":               {"-samples", "8"},
		"unknown moves":             {"-moves", "sideways"},
		"moves named twice":         {"-moves", "latent,latent"},
		"few moves":                 {"-moves", "latent", "-moving", "8"},
		"an unknown update":         {"-update", "nothing"},
		"no updates":                {"-updates", "0"},
		"moves with estimates":      {"-moves", "latent", "-model", "unet"},
		"retraining a Gaussian":     {"-retrain"},
		"negative λ":                {"-lambda", "-1"},
		"no model":                  {"-model", "nothing.npz"},
		"an unknown flag":           {"-gamma", "1"},
		"thermodynamic, not a bool": {"-thermodynamic=perhaps"},
	})
}
