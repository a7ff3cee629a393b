package results

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/fuzztest"
	"github.com/latdiff/latdiff/stats"
)

// FuzzFile: results that can be read are written as the same results.
func FuzzFile(f *testing.F) {
	file := New(map[string]any{"n": 3})
	file.Add("hmc", "M", stats.Estimate{Value: 1, Error: 0.1})
	b, err := json.Marshal(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzztest.Bounded(t, len(b), func() {
			var file File
			if json.Unmarshal(b, &file) != nil {
				return
			}
			file.Get("hmc", "M")
			path := filepath.Join(t.TempDir(), "results.json")
			if err := file.Write(path); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var again File
			if err := json.Unmarshal(text, &again); err != nil {
				t.Fatal(err)
			}
			one, err1 := json.Marshal(file)
			two, err2 := json.Marshal(again)
			if err1 != nil || err2 != nil || !bytes.Equal(one, two) {
				t.Errorf("results changed from %s to %s", one, two)
			}
		})
	})
}
