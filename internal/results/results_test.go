package results_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/stats"
)

func TestWrite(t *testing.T) {
	f := results.New(map[string]any{"kappa": 0.25})
	f.Add("hmc", "chi2", stats.Estimate{Value: 2.5, Error: 0.1})
	f.Add("dm", "r2", stats.Estimate{Value: 0.9, Error: math.NaN()})
	f.Add("dm", "ess", stats.Estimate{Value: math.Inf(1), Error: 0})
	path := filepath.Join(t.TempDir(), "results.json")
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Parameters map[string]float64
		Results    []struct {
			Ensemble, Observable string
			Value, Error         *float64
		}
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.Parameters["kappa"] != 0.25 || len(back.Results) != 3 {
		t.Fatalf("got %s", text)
	}
	r := back.Results
	if r[0].Ensemble != "hmc" || r[0].Observable != "chi2" || *r[0].Value != 2.5 || *r[0].Error != 0.1 {
		t.Errorf("got %+v", r[0])
	}
	if *r[1].Value != 0.9 || r[1].Error != nil || r[2].Value != nil || *r[2].Error != 0 {
		t.Errorf("numbers that are not finite must become null: %s", text)
	}
	if e, ok := f.Get("dm", "r2"); !ok || e.Value != 0.9 || !math.IsNaN(e.Error) {
		t.Errorf("Get = %v, %v", e, ok)
	}
	if _, ok := f.Get("dm", "chi2"); ok {
		t.Error("Get found a number that was never added")
	}
}

// The provenance is in the file but not among the numbers, and the file of a run with the same
// numbers stays.
func TestProvenance(t *testing.T) {
	dir := t.TempDir()
	input, path := filepath.Join(dir, "input"), filepath.Join(dir, "results.json")
	if err := os.WriteFile(input, []byte("abc"), 0o666); err != nil {
		t.Fatal(err)
	}
	write := func(value float64) []byte {
		t.Helper()
		f := results.New(map[string]any{"seed": uint64(7), "backend": "go"})
		f.Add("hmc", "chi2", stats.Estimate{Value: value, Error: 0.1})
		if err := f.Inputs(input); err != nil {
			t.Fatal(err)
		}
		if err := f.Write(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text := write(2.5)
	var back results.File
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	p := back.Provenance
	// The digest is the example of FIPS 180-2.
	if p == nil || p.Seed != 7. || p.Backend != "go" || len(p.Command) == 0 || p.Machine.Cores < 1 || p.Machine.Kernels == "" || p.Build["go"] == "" || len(p.Executable) != 64 ||
		p.Inputs[input] != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" || !(p.Seconds > 0) || p.Started.IsZero() {
		t.Errorf("provenance %s", text)
	}
	if again := write(2.5); !bytes.Equal(text, again) {
		t.Errorf("the file of the same numbers changed:\n%s\n%s", text, again)
	}
	other := write(2.6)
	a, err := results.Numbers(text)
	if err != nil {
		t.Fatal(err)
	}
	b, err := results.Numbers(other)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a, b) || bytes.Contains(a, []byte("provenance")) || !bytes.Contains(a, []byte("2.5")) {
		t.Errorf("numbers %s and %s", a, b)
	}
	if err := results.New(nil).Inputs(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing file has a digest")
	}
	if _, err := results.Numbers([]byte("{")); err == nil {
		t.Error("damaged results were accepted")
	}
}
