// Package fuzztest holds what the fuzz targets of readers share. Without -fuzz such a target
// is a test of its seeds.
package fuzztest

import (
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"
)

// These bound the memory that a reader may allocate, all together, also what it frees again:
// so many bytes, and so many more for every byte of its input.
const (
	Least   = 64 << 20
	PerByte = 1 << 12
)

// Bounded runs f, which reads size bytes, and reports it where it allocates more than Least
// and PerByte for every byte. Nothing else may run meanwhile.
func Bounded(t testing.TB, size int, f func()) {
	t.Helper()
	before := allocated()
	f()
	if got, most := allocated()-before, uint64(Least+PerByte*size); got > most {
		t.Errorf("%d bytes of input made the reader allocate %d bytes, expected at most %d", size, got, most)
	}
}

// allocated returns the bytes that the process has allocated on the heap so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// Files adds the content of the files that the pattern matches as seeds; there has to be one.
func Files(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatalf("expected files %s, got %v", pattern, err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}
