package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Records, numbers in text and failures all arrive in the one file and in the table.
func TestCollect(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"parts.tsv":  "xla\t0\t1.5\t./speed -json xla.json\ntorch\t0\t2\tpython3 scorenet_torch.py\nslow\ttimeout\t3\t./slow\nnone\tskipped\t0\tno plugin\n",
		"xla.json":   `{"rows": [{"network": "hollow", "batch": 64, "training_step_ms": {"median": 12.5}}]}`,
		"torch.txt":  "params 1115425\n\x1b[1mtorch\x1b[0m 2\ntrain_step_ms 343.25\nscore_ms 1.3e+02\nscore_div_ms 289\n",
		"slow.txt":   "bar 1\rbar 2\node 12: std(logw) 0.25 ESS 0.94 time 3.5s\node 24: ESS 0.95\n",
		"slow.json":  "{",
		"other.json": "{}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := collect(&out, dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "yardstick.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Parts) != 4 || r.Parts[0].Record == nil || r.Parts[2].Record != nil || r.Parts[2].Status != "timeout" || r.Parts[3].Command != "no plugin" {
		t.Fatalf("%s", text)
	}
	if n := r.Parts[1].Numbers; n["train_step_ms"][0] != 343.25 || n["score_ms"][0] != 130 || n["params"][0] != 1115425 {
		t.Errorf("numbers of the part in Python: %v", n)
	}
	if n := r.Parts[2].Numbers; len(n["ESS"]) != 2 || n["ESS"][1] != 0.95 || n["time"][0] != 3.5 || n["std(logw)"][0] != 0.25 || n["bar"][0] != 2 {
		t.Errorf("numbers in lines of text: %v", n)
	}
	for _, want := range []string{"hollow", "12.5", "343.25", "timeout", "skipped"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := printSteps(&out, filepath.Join(dir, "xla.json"), "hollow", 10); err != nil || out.String() != "800\n" {
		t.Errorf("%q steps, %v", out.String(), err)
	}
	if err := printSteps(&out, filepath.Join(dir, "xla.json"), "unet", 10); err == nil {
		t.Error("a network that was not timed has steps")
	}
}
