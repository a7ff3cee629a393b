package main

import (
	"bytes"
	"math"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/mcmc/measure"
)

func tiny(out string, more ...string) []string {
	return append([]string{"-out", out, "-dims", "4x4,8x8", "-kappa", "0.27", "-lambda", "0.022", "-steps", "8192", "-window", "0.1"}, more...)
}

// The Binder cumulants of small lattices cross near the critical point of two dimensions, whose
// value at λ = 0.022 is known from larger ones.
func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	args := tiny(out, "-universal", "0.61")
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, out, "binder.png", "stages/4x4", "stages/8x8")
	text := programtest.Read(t, out, program.ResultsFile)
	file := programtest.Results(t, text)
	for _, name := range []string{"4x4", "8x8"} {
		if u, ok := file.Get(name, measure.Binder); !ok || !(u.Value > 0.3 && u.Value < 2./3 && u.Error < 0.02) {
			t.Errorf("U_L of %s is %v", name, u)
		}
	}
	// The crossing of such lattices is a few per cent away from that of large ones.
	const known = 0.271
	e, ok := file.Get("4x4-8x8", crossingKappa)
	if !ok || !(math.Abs(e.Value-known) < 0.02+5*e.Error) || !(e.Error < 0.01) {
		t.Errorf("crossing at κ = %v, known %v", e, known)
	}
	// The critical cumulant of a square is 0.6107.
	if e, ok := file.Get("8x8", criticalKappa); !ok || !(math.Abs(e.Value-known) < 0.02+5*e.Error) || !(e.Error < 0.01) {
		t.Errorf("κ = %v by the cumulant, known %v", e, known)
	}
	if ess, _ := file.Get("4x4-8x8", crossingESS); !(ess.Value > 0.3 && ess.Value <= 1) {
		t.Errorf("ESS/N of the reweighting is %v", ess)
	}
	// Once more: everything is read from the files.
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, programtest.Read(t, out, program.ResultsFile)) {
		t.Error("a run that was finished gave other results")
	}
}

// Lattices that do not cross are no error of the program.
func TestNoCrossing(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out, "-kappa", "0.2", "-window", "0.01")); err != nil {
		t.Fatal(err)
	}
	file := programtest.Results(t, programtest.Read(t, out, program.ResultsFile))
	if e, ok := file.Get("4x4-8x8", crossingKappa); !ok || !math.IsNaN(e.Value) {
		t.Errorf("crossing at κ = %v in the symmetric phase", e)
	}
}

// Bad input is refused before a folder is made.
func TestBadInput(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"one lattice":      {"-dims", "8x8"},
		"descending sizes": {"-dims", "8x8,4x4"},
		"no lattice":       {"-dims", "8y8,9x9"},
		"few steps":        {"-steps", "100"},
		"no cumulant":      {"-universal", "0.7"},
		"no window":        {"-window", "0"},
		"no hopping":       {"-kappa", "0"},
		"negative λ":       {"-lambda", "-1"},
		"a backend":        {"-backend", "go"},
		"too many shares":  {"-task", "0/3"},
	})
}

// The lattices of two shares give the results of one process.
func TestShares(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	args := func(out, task string) []string {
		return tiny(out, "-dims", "4x4,4x6,6x6", "-steps", "1024", "-task", task)
	}
	for _, a := range [][]string{args(whole, ""), args(parts, "1/2"), args(parts, "0/2"), args(parts, "merge/2")} {
		if err := run(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	programtest.Files(t, parts, "task-0-of-2/stages/6x6", "task-1-of-2/stages/4x6")
	for _, name := range []string{program.ResultsFile, "binder.png", "stages/4x4", "stages/4x6", "stages/6x6"} {
		if !bytes.Equal(programtest.Read(t, whole, name), programtest.Read(t, parts, name)) {
			t.Errorf("%s of the shares is another than that of one process", name)
		}
	}
}
