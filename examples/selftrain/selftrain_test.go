package main

import (
	"bytes"
	"math"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/mcmc/phi4"
)

func tiny(out string, more ...string) []string {
	return append([]string{
		"-out", out, "-dims", "2x2", "-kappa", "0.2", "-lambda", "0.1", "-n", "256", "-samples", "512", "-first", "10", "-steps", "5", "-midway", "5", "-final", "10",
		"-check", "32", "-integral=false",
	}, more...)
}

// The 2×2 lattice, which is solved: log Z and the observables of the chain are the exact ones, and
// a run that was finished gives the same again.
func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out)); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, out, program.ModelFile, program.ProposalsFile, chainFile, figureFile)
	text := programtest.Read(t, out, program.ResultsFile)
	file := programtest.Results(t, text)
	exact, err := phi4.Plaquette(1, 0.2, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"log_z": exact.LogZ, "phi2": exact.Phi2, "phi4": exact.Phi4, "positive_fraction": 0.5} {
		if e, ok := file.Get(chain, name); !ok || !(math.Abs(e.Value-want) < 4.5*e.Error) {
			t.Errorf("%s is %v, exact %v", name, e, want)
		}
	}
	for _, name := range []string{"ess", "acceptance", "ess_theory"} {
		if e, ok := file.Get(chain, name); !ok || !(e.Value > 0.8 && e.Value < 1.05) {
			t.Errorf("%s is %v", name, e)
		}
	}
	if err := run(t.Context(), tiny(out)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, programtest.Read(t, out, program.ResultsFile)) {
		t.Error("a run that was finished gave other results")
	}
}

func TestRefuses(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"dimensions": {"-dims", "0x4"}, "from": {"-from", "0.3"}, "draws": {"-n", "1"}, "polish": {"-polish", "-1"}, "backend": {"-backend", "abacus"}, "start": {"-start", "no-such-file.npz"},
	})
}
