package lattice_test

import (
	"archive/zip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npz"
	"github.com/latdiff/latdiff/lattice"
)

// vectorEnsemble is goldenEnsemble for several components.
func vectorEnsemble(t testing.TB, n, components int, dims ...int) *lattice.Ensemble {
	e := lattice.NewEnsemble(vectors(t, components, dims...), n)
	for range n {
		phi := make([]float64, e.Size())
		for i := range phi {
			phi[i] = goldenValue(len(e.Data) + i)
		}
		e.Append(phi)
	}
	return e
}

func TestVectorRoundTrip(t *testing.T) {
	dir := t.TempDir()
	for _, components := range []int{1, 2, 3, lattice.MaxComponents} {
		for _, dims := range [][]int{{1}, {4}, {3, 2}, {2, 1, 3}} {
			for _, format := range []lattice.EnsembleFormat{{}, {Float32: true}} {
				want := vectorEnsemble(t, 3, components, dims...)
				want.Params["kappa"] = 0.27
				want.Extra["action"] = []float64{1, 2, 3}
				path, streamed := filepath.Join(dir, "e.npz"), filepath.Join(dir, "s.npz")
				if err := format.Write(path, want); err != nil {
					t.Fatal(err)
				}
				got, err := lattice.ReadEnsemble(path)
				if err != nil {
					t.Fatal(err)
				}
				wantEnsemble(t, want.Layout.String(), got, want)

				// One configuration at a time, written and read.
				w, err := format.Create(streamed, want.Layout)
				if err != nil {
					t.Fatal(err)
				}
				for _, phi := range want.All() {
					if err := w.Append(phi); err != nil {
						t.Fatal(err)
					}
				}
				w.Params, w.Extra = want.Params, want.Extra
				if err := w.Commit(); err != nil {
					t.Fatal(err)
				}
				a, _ := os.ReadFile(path)
				b, _ := os.ReadFile(streamed)
				if !slices.Equal(a, b) {
					t.Errorf("%v: streamed file differs", want.Layout)
				}
				r, err := lattice.OpenEnsemble(streamed)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if !r.Layout().Equal(want.Layout) || r.Len() != 3 {
					t.Errorf("%d configurations on %v, expected %v", r.Len(), r.Layout(), want.Layout)
				}
				for i, phi := range want.All() {
					got, err := r.Next(nil)
					if err != nil || !slices.Equal(got, phi) {
						t.Fatalf("%v: configuration %d is %v, %v", want.Layout, i, got, err)
					}
				}
				if _, err := r.Next(nil); err != io.EOF {
					t.Errorf("error %v at the end", err)
				}
			}
		}
	}
}

// The shape in the file, as another reader sees it.
func TestVectorShape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.npz")
	for _, c := range []struct {
		components int
		want       []int
	}{{2, []int{5, 2, 3, 4}}, {1, []int{5, 3, 4}}} {
		want := vectorEnsemble(t, 5, c.components, 3, 4)
		if err := lattice.WriteEnsemble(path, want); err != nil {
			t.Fatal(err)
		}
		f, err := npz.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := f.Header("cfgs.npy").Descr.Shape; !slices.Equal(got, c.want) {
			t.Errorf("shape %v, expected %v", got, c.want)
		}
		var components float64
		err = f.Read("components.npy", &components)
		if (err == nil) != (c.components > 1) || err == nil && components != 2 {
			t.Errorf("%d components: %v, %v in the file", c.components, components, err)
		}
	}
}

// NumPy wrote these, see golden.py.
func TestReadVectorsOfNumPy(t *testing.T) {
	want := vectorEnsemble(t, 3, 2, 2, 3)
	for _, name := range []string{"vector.npz", "vector_fortran.npz"} {
		got, err := lattice.ReadEnsemble(filepath.Join("testdata", name))
		if err != nil {
			t.Error(err)
			continue
		}
		wantEnsemble(t, name, got, want)
	}
}

func TestComponentsOfFiles(t *testing.T) {
	fields := npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2, 3)}", float64s(1, 2, 3, 4, 5, 6))
	number := func(x float64) []byte {
		return npy("{'descr': '<f8', 'fortran_order': False, 'shape': ()}", float64s(x))
	}
	for name, c := range map[string]struct {
		components []byte
		want       string // of the layout, or of the error
	}{
		"two":            {number(2), "3 (2 components)"},
		"an integer":     {npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", []byte{2}), "3 (2 components)"},
		"one":            {number(1), "2x3"},
		"text":           {npy("{'descr': '<U1', 'fortran_order': False, 'shape': ()}", make([]byte, 4)), "2x3"},
		"several":        {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", float64s(2, 2)), "2x3"},
		"no array":       {[]byte("two"), "2x3"},
		"another extent": {number(3), "shape [1 2 3]: expected fields of 3 components"},
		"none":           {number(0), "expected a number between 1 and 1024, got 0"},
		"negative":       {number(-2), "expected a number between 1 and 1024, got -2"},
		"half":           {number(1.5), "expected a number between 1 and 1024, got 1.5"},
		"NaN":            {number(math.NaN()), "expected a number between 1 and 1024, got NaN"},
		"too many":       {number(1e300), "expected a number between 1 and 1024, got 1e+300"},
		"breaks off":     {number(2)[:70], "truncated or corrupt"},
	} {
		e, err := readBytes(archive(t, zip.Store, "cfgs.npy", fields, "components.npy", c.components))
		got := fmt.Sprint(err)
		if err == nil {
			got = e.Layout.String()
			if len(e.Params)+len(e.Extra) > 0 {
				t.Errorf("%s: %v, %v beside the fields", name, e.Params, e.Extra)
			}
		}
		if err != nil && !strings.Contains(got, c.want) || err == nil && got != c.want {
			t.Errorf("%s: %s, expected %s", name, got, c.want)
		}
	}
	// No dimension is left.
	line := npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)}", float64s(1, 2))
	if !refused(archive(t, zip.Store, "cfgs.npy", line, "components.npy", number(2))) {
		t.Error("components without a lattice gave no error")
	}
	// A field that is not finite.
	bad := npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2, 3)}", float64s(1, 2, 3, 4, 5, math.Inf(1)))
	if _, err := readBytes(archive(t, zip.Store, "cfgs.npy", bad, "components.npy", number(2))); err == nil ||
		!strings.Contains(err.Error(), "got +Inf at component 1 of site 2") {
		t.Errorf("error %v", err)
	}
}

func TestWriteVectorErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.npz")
	for _, l := range []lattice.Layout{{}, {Lattice: newLattice(t, 4)}, vectors(t, lattice.MaxComponents+1, 4)} {
		if _, err := lattice.CreateEnsemble(path, l); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%d components: error %v", l.Components, err)
		}
	}
	w, err := (lattice.EnsembleFormat{Float32: true}).Create(path, vectors(t, 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for want, phi := range map[string][]float64{
		"got 2":                              {1, 2},
		"got NaN at component 1 of site 0":   {0, 0, math.NaN(), 0},
		"got 1e+39 at component 1 of site 1": {0, 0, 0, 1e39},
	} {
		err := w.Append(phi)
		if err == nil || !strings.HasSuffix(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, expected %s", err, want)
		}
	}
	e := vectorEnsemble(t, 2, 2, 2)
	e.Params["components"] = 2
	if e.Check() == nil {
		t.Error("no error for a parameter with the name of the number of components")
	}
	delete(e.Params, "components")
	e.Data[7] = math.NaN()
	if err := e.Check(); err == nil || !strings.HasSuffix(err.Error(), "got NaN at component 1 of site 1 of configuration 1") {
		t.Errorf("error %v", err)
	}
	e.Params["kappa"], e.Params["lambda"] = 0.2, 1
	if _, err := e.Phi4(); err == nil {
		t.Error("φ⁴ of two components gave no error")
	}
}
