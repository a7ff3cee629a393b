package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/export"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
	"github.com/latdiff/latdiff/stats/interchange"
)

// The exported series give the means and errors of results.json, and only a run that has them
// exports them.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	start(t, command(dir, "cluster", "-export"))
	f, err := os.Open(filepath.Join(dir, export.File))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, ensembles, err := interchange.ReadPyerrors(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(ensembles) != 1 || ensembles[0].Name != "cluster" || len(ensembles[0].Observables) != 7 {
		t.Fatalf("exported %d ensembles", len(ensembles))
	}
	var file results.File
	if err := json.Unmarshal(read(t, dir, resultsFile), &file); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, o := range ensembles[0].Observables {
		want, ok := file.Get("cluster", o.Name)
		if !ok {
			continue
		}
		compared++
		g, err := stats.GammaMethodSteps(o.Series(), stats.GammaConfig{})
		if err := measure.Usable(err); err != nil {
			t.Fatal(err)
		}
		// Errors in results.json come from finite differences.
		if math.Abs(g.Mean.Value-want.Value) > 1e-9 || math.Abs(g.Mean.Error/want.Error-1) > 1e-6 {
			t.Errorf("%s: exported %v, results.json has %v", o.Name, g.Mean, want)
		}
	}
	if compared != 5 {
		t.Errorf("compared %d observables, want ⟨M⟩, ⟨|M|⟩, ⟨S⟩/V, ⟨φ²⟩ and ⟨φ⁴⟩", compared)
	}
	if _, err := os.Stat(filepath.Join(dir, export.Folder("cluster"), "posterior", measure.AbsM, "0.0")); err != nil {
		t.Error(err)
	}
	start(t, command(dir, "cluster", "-export"))

	finished := t.TempDir()
	start(t, command(finished, "cluster"))
	if err := run(t.Context(), os.Stderr, command(finished, "cluster", "-export")); err == nil {
		t.Error("exported series that are not there")
	}
}
