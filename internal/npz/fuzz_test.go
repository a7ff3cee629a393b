package npz

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/internal/fuzztest"
)

// FuzzHeader: a header is refused, or one whose spelling by this package says the same.
func FuzzHeader(f *testing.F) {
	f.Add(appendHeader(nil, "<f8", 0, 3, 4))
	f.Add(appendHeader(nil, "|u1", 128))
	f.Add([]byte("\x93NUMPY\x02\x00\x40\x00\x00\x00{'shape': (5L, 2), 'descr': [('a', '<f8')], 'fortran_order': True}  \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzztest.Bounded(t, len(b), func() {
			h, err := ReadHeader(bytes.NewReader(b))
			if err != nil || !h.Type.Plain() {
				return
			}
			again, err := ReadHeader(bytes.NewReader(appendHeader(nil, h.Type.Descr, 0, h.Shape...)))
			if len(h.Shape) < 30 && (err != nil || !slices.Equal(again.Shape, h.Shape) || again.Type != h.Type) {
				t.Errorf("header %+v came back as %+v, %v", h, again, err)
			}
		})
	})
}

// FuzzArchive reads all members of an archive in every way that there is.
func FuzzArchive(f *testing.F) {
	fuzztest.Files(f, "../../lattice/testdata/*.npz")
	fuzztest.Files(f, "../../hollow/testdata/*.npz")
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzztest.Bounded(t, len(b), func() {
			r, err := NewReader(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				return
			}
			for _, name := range r.Names() {
				x, shape, err := Read[float64](r, name)
				read(t, x, shape, err)
				y, shape, err := Read[float32](r, name)
				read(t, y, shape, err)
				if a, err := r.Open(name); err == nil {
					if x, err := a.Float64s(); err == nil && int64(len(x)) != a.Count() {
						t.Errorf("%d numbers of the shape %v", len(x), a.Shape)
					}
					if err := errors.Join(a.Skip(), a.Close()); err != nil {
						continue
					}
				}
			}
		})
	})
}

// read checks that there are as many elements as the shape says.
func read[T Element](t *testing.T, x []T, shape []int, err error) {
	t.Helper()
	n := 1
	for _, k := range shape {
		n *= k
	}
	if err == nil && len(x) != n {
		t.Errorf("%d elements of the shape %v", len(x), shape)
	}
}
