package program

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/fuzztest"
	"github.com/latdiff/latdiff/internal/provenance"
)

// FuzzOpenRun opens a folder whose digests and parameters are anything. It is the same folder every
// time: each that a process has opened stays locked, and open, until it ends.
func FuzzOpenRun(f *testing.F) {
	parameters := map[string]any{"n": 3}
	dir := f.TempDir()
	r, err := OpenRun(dir, parameters)
	if err != nil {
		f.Fatal(err)
	}
	if err := r.Save("a", func(path string) error { return os.WriteFile(path, []byte("a"), 0o666) }); err != nil {
		f.Fatal(err)
	}
	var seeds [2][]byte
	for i, name := range []string{parametersFile, digestsFile} {
		if seeds[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(seeds[0], seeds[1])
	f.Add(seeds[0], []byte("null"))
	f.Fuzz(func(t *testing.T, have, digests []byte) {
		for name, b := range map[string][]byte{parametersFile: have, digestsFile: digests, "a": []byte("b")} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		fuzztest.Bounded(t, len(have)+len(digests), func() {
			r, err := OpenRun(dir, parameters)
			if err != nil {
				return
			}
			if done, err := r.Has("a"); done && err == nil {
				d, err := provenance.Digest(filepath.Join(dir, "a"))
				if err != nil || r.digests["a"] != d {
					t.Error("a file was taken as finished whose digest is another")
				}
			}
		})
	})
}
