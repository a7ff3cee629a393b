package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
)

// The draws of two shares make the files of one process.
func TestShares(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	args := func(out, task string) []string {
		return []string{"-out", out, "-dims", "4x4", "-model", "gaussian", "-n", "128", "-samples", "140", "-reverse-steps", "10", "-flow-steps", "4", "-task", task}
	}
	for _, a := range [][]string{args(whole, ""), args(parts, "train"), args(parts, "1/2"), args(parts, "0/2"), args(parts, "merge/2")} {
		if err := run(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{program.ResultsFile, program.ProposalsFile, program.ReverseFile} {
		if !bytes.Equal(programtest.Read(t, whole, name), programtest.Read(t, parts, name)) {
			t.Errorf("%s of the shares is another than that of one process", name)
		}
	}
}
