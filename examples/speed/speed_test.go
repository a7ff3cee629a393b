package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A run on a tiny lattice fills in every number, with the machine and the versions.
func TestRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "speed.json")
	var out bytes.Buffer
	err := run(t.Context(), []string{"-dims", "4x4", "-batch", "4", "-models", "hollow,unet", "-n", "2", "-flow-steps", "2", "-reverse-steps", "3", "-host", "-json", path}, &out)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 2 || r.Machine.Cores < 1 || r.Backend.Description == "" || r.Versions["github.com/gomlx/compute"] == "" {
		t.Errorf("record %s", text)
	}
	for _, row := range r.Rows {
		for name, n := range map[string]number{"training": row.Training, "flow": row.Flow, "reverse": row.Reverse, "score": row.Score, "divergence": row.Divergence} {
			if !(n.Least > 0 && n.Least <= n.Median && n.Median <= n.Most) || n.Times < 1 || n.Host == nil || *n.Host < 0 || *n.Host > 1 {
				t.Errorf("%s, %s: %+v", row.Network, name, n)
			}
		}
	}
	if !strings.Contains(out.String(), "hollow") {
		t.Errorf("table:\n%s", out.String())
	}
}

// A call that would take too long is cut, and its time extrapolated.
func TestLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "speed.json")
	if err := run(t.Context(), []string{"-dims", "4x4", "-batch", "4", "-models", "hollow", "-limit", "1ms", "-json", path}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"-n 0", "-batch 0", "-batch x", "-models resnet", "-limit 0s", "-flow-steps 0", "-backend cuda", "-dims 0x4"} {
		if err := run(t.Context(), strings.Fields(args), &bytes.Buffer{}); err == nil {
			t.Errorf("%s was accepted", args)
		}
	}
}
