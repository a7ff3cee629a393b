package main

import (
	"bytes"
	"math"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

func tiny(out string, more ...string) []string {
	return append([]string{
		"-out", out, "-dims", "4x4", "-beta", "1.7", "-n", "1024", "-steps", "60", "-samples", "1024", "-exact", "128", "-trajectories", "512",
	}, more...)
}

// A small lattice at a coupling without a shipped model: the chain has the exact values, the
// weights the exact log Z, and a run that was finished gives the same again.
func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out)); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, out, "charge.png", "history.png", "dmmc.npz", "proposals.npz", modelFile)
	text := programtest.Read(t, out, program.ResultsFile)
	file := programtest.Results(t, text)
	exact, err := gauge.NewExact(gauge.Wilson{Beta: 1.7}, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ensemble, observable string
		want                 float64
	}{
		{"dmmc", "plaquette", exact.Plaquette()}, {"dmmc", "q2", exact.Q2()}, {"dmmc", "log_z", exact.LogZ()},
		{"exact", "plaquette", exact.Plaquette()}, {"exact", "q2", exact.Q2()},
		{"hmc_hop", "plaquette", exact.Plaquette()}, {"hmc_hop", "q2", exact.Q2()},
	} {
		if e, ok := file.Get(c.ensemble, c.observable); !ok || math.Abs(e.Value-c.want) > 4.5*e.Error {
			t.Errorf("%s of %s is %v, exact %v", c.observable, c.ensemble, e, c.want)
		}
	}
	for _, name := range []string{"ess", "ess_theory", "acceptance"} {
		if e, ok := file.Get("dmmc", name); !ok || !(e.Value > 0.95 && e.Value < 1.05) {
			t.Errorf("%s is %v", name, e)
		}
	}
	if p, _ := file.Get("dmmc", "charge_p"); !(p.Value > 1e-3) {
		t.Errorf("the charges have p = %v", p)
	}
	// Without a network the tail is far off.
	gaussian, _ := file.Get("gaussian", "tail_3.142")
	learned, _ := file.Get("dmmc", "tail_3.142")
	if !(math.Abs(learned.Value) < 0.3 && math.Abs(gaussian.Value) > 0.5) {
		t.Errorf("a plaquette at π changes log w by %v, and by %v for the Gaussian", learned.Value, gaussian.Value)
	}
	ens, err := lattice.ReadEnsemble(filepath.Join(out, "dmmc.npz"))
	if err != nil {
		t.Fatal(err)
	}
	if ens.Components != 2 || ens.Len() != 1024 {
		t.Errorf("%d configurations of %v", ens.Len(), ens.Layout)
	}
	// Once more: model and proposals are read from the files.
	if err := run(t.Context(), tiny(out)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, programtest.Read(t, out, program.ResultsFile)) {
		t.Error("a run that was finished gave other results")
	}
	// The model on another lattice.
	larger := filepath.Join(t.TempDir(), "larger")
	if err := run(t.Context(), tiny(larger, "-dims", "6x4", "-model", filepath.Join(out, modelFile), "-samples", "256")); err != nil {
		t.Fatal(err)
	}
	if e, ok := programtest.Results(t, programtest.Read(t, larger, program.ResultsFile)).Get("dmmc", "ess"); !ok || !(e.Value > 0.95) {
		t.Errorf("ESS/N on another lattice is %v", e)
	}
}

func TestRefuses(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"dimensions": {"-dims", "4x4x4"}, "beta": {"-beta", "0"}, "model": {"-model", "no-such-file.npz"}, "samples": {"-samples", "1"},
		"retrain": {"-retrain", "-model", "both"}, "backend": {"-backend", "abacus"},
	})
}
