// Package programtest holds what the tests of the example programs share.
package programtest

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
)

// Read returns the content of the file whose path has the given elements, that of a
// results.json without its provenance, which differs between runs.
func Read(t testing.TB, elements ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	if elements[len(elements)-1] != program.ResultsFile {
		return b
	}
	n, err := results.Numbers(b)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Results parses the content of a results.json.
func Results(t testing.TB, text []byte) *results.File {
	t.Helper()
	var f results.File
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return &f
}

// Files reports every name in the folder dir that is no file, or an empty one.
func Files(t testing.TB, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("expected a file %s: %v", name, err)
		}
	}
}

// Refuses runs a program with each of the bad arguments behind those of a good run, and
// reports it unless it ends with one line of error and leaves no output folder behind.
func Refuses(t testing.TB, run func(ctx context.Context, args []string) error, good func(out string, more ...string) []string, bad map[string][]string) {
	t.Helper()
	for name, args := range bad {
		out := filepath.Join(t.TempDir(), "out")
		err := run(t.Context(), good(out, args...))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has more than one line: %q", name, err)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: the output folder was created", name)
		}
	}
}
