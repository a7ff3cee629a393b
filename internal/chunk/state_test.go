package chunk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/latdiff/latdiff/internal/fuzztest"
	"github.com/latdiff/latdiff/internal/npz"
)

// columns are those of n items, two numbers of each and one of every chunk.
func columns(n, chunks int) (x, y []float64, list []Column) {
	x, y = make([]float64, 2*n), make([]float64, chunks)
	return x, y, []Column{
		{"x", func(_, lo, hi int) []float64 { return x[2*lo : 2*hi] }}, {"y", func(c, _, _ int) []float64 { return y[c : c+1] }},
	}
}

// What chunks gave comes back, of those that were finished.
func TestState(t *testing.T) {
	const n, batch = 7, 3
	path := filepath.Join(t.TempDir(), "state")
	x, y, list := columns(n, 3)
	s, err := Open(path, time.Nanosecond, "a run", n, batch, list...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x {
		x[i] = float64(i)
	}
	y[2] = 5
	if err := errors.Join(s.finish(2), s.finish(0), s.save()); err != nil {
		t.Fatal(err)
	}
	x2, y2, list2 := columns(n, 3)
	if _, err := Open(path, 0, "another run", n, batch, list2...); err == nil {
		t.Error("the state of another run was accepted")
	}
	again, err := Open(path, 0, "a run", n, batch, list2...)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(x)
	clear(want[6:12]) // the chunk in the middle is not there
	if !slices.Equal(x2, want) || !slices.Equal(y2, []float64{0, 0, 5}) || !slices.Equal(again.done, []bool{true, false, true}) {
		t.Errorf("got %v, %v and %v", x2, y2, again.done)
	}
	if s, err := Open("", 0, "a run", n, batch, list...); s != nil || err != nil {
		t.Errorf("expected no state without a path, got %v, %v", s, err)
	}
}

// FuzzState reads states whose numbers a fuzzer changes, in an archive that is whole.
func FuzzState(f *testing.F) {
	const n, batch = 7, 3
	f.Add([]byte("a run, 7 in chunks of 3"), []byte{0, 2}, make([]byte, 8*8), make([]byte, 16))
	f.Add([]byte("a run, 7 in chunks of 3"), []byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, run, done, x, y []byte) {
		var b bytes.Buffer
		z := npz.NewWriter(&b)
		numbers := make([]int64, len(done))
		for i, c := range done {
			numbers[i] = int64(int8(c))
		}
		err := errors.Join(npz.Add(z, runMember, run, len(run)), npz.Add(z, doneMember, numbers, len(numbers)))
		for name, bytes := range map[string][]byte{"x": x, "y": y} {
			values := make([]float64, len(bytes)/8)
			if _, e := binary.Decode(bytes, binary.LittleEndian, values); e != nil {
				return
			}
			err = errors.Join(err, npz.Add(z, name, values, len(values)))
		}
		path := filepath.Join(t.TempDir(), "state")
		if err := errors.Join(err, z.Close(), os.WriteFile(path, b.Bytes(), 0o666)); err != nil {
			t.Fatal(err)
		}
		fuzztest.Bounded(t, b.Len(), func() {
			_, _, list := columns(n, 3)
			s, err := Open(path, 0, "a run", n, batch, list...)
			if err == nil && len(s.done) != 3 {
				t.Errorf("%d chunks", len(s.done))
			}
		})
	})
}
