package results_test

import (
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
