package main

import (
	"bytes"
	"math"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
)

func tiny(out string, more ...string) []string {
	return append([]string{
		"-out", out, "-dims", "4x4", "-lambda", "0.1", "-train", "0,0.04,0.08,0.12", "-at", "0,0.05,0.1",
		"-n", "64", "-steps", "12", "-batch", "16", "-proposals", "512", "-check", "256", "-flow-steps", "6",
	}, more...)
}

// independent returns log Z of sixteen sites without neighbours, by quadrature.
func independent(lambda float64) float64 {
	const n, reach = 2000, 6.0
	z := 0.0
	for i := range n {
		x := reach * (2*(float64(i)+0.5)/n - 1)
		z += math.Exp(-(1-2*lambda)*x*x-lambda*x*x*x*x) * 2 * reach / n
	}
	return 16 * math.Log(z)
}

// log Z of independent sites is known by quadrature, and it rises by the integral of
// the correlation of neighbours; the configurations of a Markov chain give the same log Z, 1/⟨1/w⟩; a
// family that is read from its file gives the same numbers.
func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out)); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, out, "scan.png", familyFile, "ensemble-0.04.npz", "proposals-0.05.npz", "theory-0.05.npz")
	text := programtest.Read(t, out, program.ResultsFile)
	file := programtest.Results(t, text)
	want := independent(0.1)
	if e, ok := file.Get("kappa0", logZ); !ok || !(math.Abs(e.Value-want) < 5*e.Error) || !(e.Error < 0.1) {
		t.Errorf("log Z = %v, 16 sites have %v", e, want)
	}
	chain, err := lattice.ReadEnsemble(filepath.Join(out, "theory-0.npz"))
	if err != nil {
		t.Fatal(err)
	}
	inverse := make([]float64, chain.Len()) // log 1/w
	for i, w := range measure.LogWeights(chain.Extra["action"], chain.Extra["logq"]) {
		inverse[i] = -w
	}
	n := float64(len(inverse))
	sd, okSD := file.Get("kappa0", sdTheory)
	if d := math.Log(n) - floats.LogSumExp(inverse) - want; !okSD || !(math.Abs(d) < 5*sd.Value/math.Sqrt(n)) || !(sd.Value < 0.3) {
		t.Errorf("log Z of the configurations of the chain is off by %v, with sd(log w) = %v", d, sd)
	}
	if e, ok := file.Get("kappa0", essTheory); !ok || !(e.Value > 0.9 && e.Value <= 1) {
		t.Errorf("ESS_p = %v", e)
	}
	for _, name := range []string{"kappa0.05", "kappa0.1"} {
		rise, okR := file.Get(name, rise)
		sum, okI := file.Get(name, integral)
		if d := rise.Value - sum.Value; !okR || !okI || !(math.Abs(d) < 5*math.Hypot(rise.Error, sum.Error)) || !(rise.Error < 0.02) {
			t.Errorf("%s: log Z rises by %v, its derivative gives %v", name, rise, sum)
		}
	}
	if e, ok := file.Get("kappa0.1", measure.ESS); !ok || !(e.Value > 0.3) {
		t.Errorf("ESS/N = %v", e)
	}
	// Once more: everything is read from the files.
	if err := run(t.Context(), tiny(out)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, programtest.Read(t, out, program.ResultsFile)) {
		t.Error("a run that was finished gave other results")
	}
	again := filepath.Join(t.TempDir(), "again")
	if err := run(t.Context(), tiny(again, "-model", filepath.Join(out, familyFile))); err != nil {
		t.Fatal(err)
	}
	other := programtest.Results(t, programtest.Read(t, again, program.ResultsFile))
	if e, ok := other.Get("kappa0", logZ); !ok || e != must(file.Get("kappa0", logZ)) {
		t.Errorf("log Z = %v with the family from the file", e)
	}
}

func must[T any](v T, _ bool) T { return v }

// A family in κ and λ has models for λ between those of its training.
func TestTwoCouplings(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out, "-train", "0,0.05", "-lambdas", "0.08,0.13", "-at", "0", "-check", "0")); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, out, "ensemble-0-0.08.npz", "ensemble-0.05-0.13.npz")
	file := programtest.Results(t, programtest.Read(t, out, program.ResultsFile))
	want := independent(0.1)
	if e, ok := file.Get("kappa0", logZ); !ok || !(math.Abs(e.Value-want) < 5*e.Error) || !(e.Error < 0.1) {
		t.Errorf("log Z = %v, 16 sites have %v", e, want)
	}
	if e, ok := file.Get("kappa0", measure.ESS); !ok || !(e.Value > 0.3) {
		t.Errorf("ESS/N = %v", e)
	}
}

// Bad input is refused before a folder is made.
func TestBadInput(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"one coupling":     {"-train", "0.1"},
		"falling":          {"-at", "0.1,0.05"},
		"twice":            {"-at", "0.1,0.1"},
		"out of range":     {"-at", "0.1,0.3"},
		"no number":        {"-train", "0.1,b"},
		"no lattice":       {"-dims", "8y8"},
		"negative λ":       {"-lambda", "-1"},
		"no steps":         {"-steps", "0"},
		"few proposals":    {"-proposals", "4"},
		"few to compare":   {"-check", "4"},
		"one λ":            {"-lambdas", "0.1"},
		"λ out of range":   {"-lambdas", "0.15,0.2"},
		"negative average": {"-average", "-1"},
	})
}
