package stage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/fuzztest"
)

// FuzzRead reads the payload of a finished stage with the digest that a fuzzer does not guess, also as that
// of an outcome with a map, which is refused.
func FuzzRead(f *testing.F) {
	type part struct {
		Name string
		N    int
	}
	type outcome struct {
		Series [][]float64
		Parts  []part
		Seen   *bool
	}
	type mapped struct {
		Series [][]float64
		Names  map[string]int
		Seen   *bool
	}
	dir := f.TempDir()
	seed := filepath.Join(dir, "seed")
	if err := Save(seed, "fuzz", outcome{Series: [][]float64{{1, 2}, nil}, Parts: []part{{"a", 1}}}); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(seed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[len(header("fuzz", nil)):], true)
	f.Add(b, false)
	f.Fuzz(func(t *testing.T, b []byte, signed bool) {
		text := b
		if signed {
			text = append([]byte(header("fuzz", b)), b...)
		}
		path := filepath.Join(t.TempDir(), "stage")
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		fuzztest.Bounded(t, len(b), func() {
			if _, err := Load[outcome](path, "fuzz"); err == nil && !strings.HasPrefix(string(text), magic) {
				t.Error("a file without a header was accepted")
			}
			if _, err := Load[mapped](path, "fuzz"); err == nil {
				t.Error("a map was read")
			}
		})
	})
}
