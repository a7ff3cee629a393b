package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
)

// A small lattice deep in the broken phase: both signs are populated, and the model
// puts the magnetisation where HMC has it.
func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	err := run(t.Context(), []string{"-out", out, "-dims", "8x8", "-n", "512", "-steps", "60", "-batch", "16",
		"-samples", "128", "-reverse-steps", "30", "-flow-steps", "8", "-probes", "2"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, program.ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	var file results.File
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, ensemble := range []string{"hmc", "dm", "dm_ode", "dmmc"} {
		e, ok := file.Get(ensemble, "positive_fraction")
		// 128 independent signs have the standard deviation 0.044; a chain has fewer.
		if !ok || e.Value < 0.5-5*0.07 || e.Value > 0.5+5*0.07 {
			t.Errorf("%s: fraction of positive magnetisation %v", ensemble, e)
		}
		m, _ := file.Get(ensemble, "abs_m")
		h, _ := file.Get("reference", "abs_m")
		if s := m.Sigma(h); s > 5 || s < -5 {
			t.Errorf("%s: ⟨|M|⟩ = %v, reference %v", ensemble, m, h)
		}
	}
	for _, name := range []string{"denoising.png", "magnetization.png", "abs_magnetization.png"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
}
