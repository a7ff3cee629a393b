package lattice_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npz"
	"github.com/latdiff/latdiff/lattice"
)

// goldenValue is number k of the files in testdata, see golden.py.
func goldenValue(k int) float64 { return math.RoundToEven(2048*math.Cos(0.7*float64(k)+0.3)) / 1024 }

func goldenEnsemble(t testing.TB, n int, dims ...int) *lattice.Ensemble {
	e := lattice.NewEnsemble(lattice.Scalar(newLattice(t, dims...)), n)
	for range n {
		phi := make([]float64, e.Lattice.Volume())
		for x := range phi {
			phi[x] = goldenValue(len(e.Data) + x)
		}
		e.Append(phi)
	}
	return e
}

func wantEnsemble(t *testing.T, name string, got, want *lattice.Ensemble) {
	t.Helper()
	if !got.Layout.Equal(want.Layout) {
		t.Errorf("%s: layout %v, expected %v", name, got.Layout, want.Layout)
	}
	if !slices.Equal(got.Data, want.Data) {
		t.Errorf("%s: fields %v, expected %v", name, got.Data, want.Data)
	}
	if !maps.Equal(got.Params, want.Params) {
		t.Errorf("%s: parameters %v, expected %v", name, got.Params, want.Params)
	}
	if !maps.EqualFunc(got.Extra, want.Extra, slices.Equal) {
		t.Errorf("%s: arrays %v, expected %v", name, got.Extra, want.Extra)
	}
}

// The files of testdata are what NumPy wrote.
func TestReadNumPyFiles(t *testing.T) {
	full := goldenEnsemble(t, 3, 2, 3)
	full.Params = map[string]float64{"kappa": 0.21, "lam": 0.5, "N": 3, "accepted": 1, "seed": -7, "acc_rate": 0.75}
	full.Extra = map[string][]float64{"logq": {1, 2, 4}, "step": {0, 1, 2}}
	plain := goldenEnsemble(t, 3, 2, 3)
	kappa := goldenEnsemble(t, 3, 2, 3)
	kappa.Params["kappa"] = 0.21
	for name, want := range map[string]*lattice.Ensemble{
		"c64.npz":         full,
		"c32_deflate.npz": kappa,
		"big_endian.npy":  plain,
		"fortran.npy":     goldenEnsemble(t, 3, 2, 3, 4),
		"fortran32.npz":   plain,
		"d1.npy":          goldenEnsemble(t, 2, 5),
		"version2.npy":    plain,
		"version3.npy":    plain,
	} {
		got, err := lattice.ReadEnsemble(filepath.Join("testdata", name))
		if err != nil {
			t.Error(err)
			continue
		}
		wantEnsemble(t, name, got, want)
	}
}

func TestEnsembleRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.npz")
	for _, dims := range [][]int{{1}, {7}, {4, 4}, {2, 1, 3}, {2, 3, 2, 5}} {
		for _, format := range []lattice.EnsembleFormat{{}, {Float32: true}} {
			want := goldenEnsemble(t, 5, dims...)
			want.Params["kappa"] = 0.27
			want.Params["λ"] = 0.022
			want.Extra["logq"] = []float64{1e-300, -2, math.Pi, math.MaxFloat64, 5}
			if err := format.Write(path, want); err != nil {
				t.Fatal(err)
			}
			got, err := lattice.ReadEnsemble(path)
			if err != nil {
				t.Fatal(err)
			}
			wantEnsemble(t, want.Lattice.String(), got, want)
		}
	}
}

// The file must also satisfy a reader that shares nothing with this package.
func TestEnsembleReadByNPYIO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.npz")
	want := goldenEnsemble(t, 4, 3, 2)
	want.Params["kappa"] = 0.27
	want.Extra["action"] = []float64{1, 2, 3, 4}
	if err := lattice.WriteEnsemble(path, want); err != nil {
		t.Fatal(err)
	}
	f, err := npz.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.Header("cfgs.npy").Descr.Shape; !slices.Equal(got, []int{4, 3, 2}) {
		t.Errorf("shape %v, expected [4 3 2]", got)
	}
	var cfgs, action []float64
	var kappa float64
	for name, ptr := range map[string]any{"cfgs.npy": &cfgs, "action.npy": &action, "kappa.npy": &kappa} {
		if err := f.Read(name, ptr); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !slices.Equal(cfgs, want.Data) || kappa != 0.27 || !slices.Equal(action, want.Extra["action"]) {
		t.Errorf("read %v, %v, %v", cfgs, kappa, action)
	}
}

// The layout of the file, so that it stays readable by whoever has written a reader:
// the array starts at a multiple of 64 bytes, its sizes stand in the local header.
func TestEnsembleBytes(t *testing.T) {
	dir := t.TempDir()
	var files [2][]byte
	for i := range files {
		path := filepath.Join(dir, "e.npz")
		e := goldenEnsemble(t, 2, 2, 2)
		e.Params["b"], e.Params["a"] = 1, 2
		if err := lattice.WriteEnsemble(path, e); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = b
	}
	b := files[0]
	if !bytes.Equal(b, files[1]) {
		t.Error("equal ensembles gave different files")
	}
	at := bytes.Index(b, []byte("\x93NUMPY\x01\x00"))
	if at%64 != 0 {
		t.Errorf("array at byte %d, expected a multiple of 64", at)
	}
	head := int(binary.LittleEndian.Uint16(b[at+8:])) + 10
	text := strings.TrimRight(string(b[at+10:at+head]), " \n")
	if want := "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2, 2), }"; text != want {
		t.Errorf("header %q, expected %q", text, want)
	}
	if head%64 != 0 || b[at+head-1] != '\n' {
		t.Errorf("header of %d bytes ends with %q", head, b[at+head-1])
	}
	if got := binary.LittleEndian.Uint32(b[18:]); int(got) != head+8*8 {
		t.Errorf("size %d in the local header, expected %d", got, head+8*8)
	}
}

// numpy is a Python that has NumPy, or "" where there is none; what it would
// check is then covered by the golden files and by npyio.
func numpy() string {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import numpy").Run() == nil {
			return python
		}
	}
	return ""
}

func TestNumPyReadsAndWrites(t *testing.T) {
	python := numpy()
	if python == "" {
		t.Log("no NumPy on this machine")
		return
	}
	dir := t.TempDir()
	in, in32, out, packed := filepath.Join(dir, "in.npz"), filepath.Join(dir, "in32.npz"),
		filepath.Join(dir, "out.npz"), filepath.Join(dir, "packed.npz")
	want := goldenEnsemble(t, 6, 4, 5)
	want.Params["kappa"] = 0.27
	want.Extra["logq"] = []float64{1, 2, 3, 4, 5, 6}
	if err := lattice.WriteEnsemble(in, want); err != nil {
		t.Fatal(err)
	}
	if err := (lattice.EnsembleFormat{Float32: true}).Write(in32, want); err != nil {
		t.Fatal(err)
	}
	script := `
import sys, zipfile
import numpy as np
a, b, out, packed = sys.argv[1:]
for path, dtype in ((a, "float64"), (b, "float32")):
    assert zipfile.ZipFile(path).testzip() is None
    f = np.load(path)
    assert sorted(f.files) == ["cfgs", "kappa", "logq"], f.files
    c = f["cfgs"]
    assert c.dtype == dtype and c.shape == (6, 4, 5), (c.dtype, c.shape)
    k = np.arange(120)
    assert np.array_equal(c.ravel(), np.round(2048 * np.cos(0.7 * k + 0.3)) / 1024)
    assert f["kappa"].shape == () and f["kappa"] == 0.27
    assert np.array_equal(f["logq"], [1, 2, 3, 4, 5, 6])
np.savez(out, **np.load(a))
np.savez_compressed(packed, **np.load(b))
`
	if msg, err := exec.Command(python, "-c", script, in, in32, out, packed).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	for _, path := range []string{out, packed} {
		got, err := lattice.ReadEnsemble(path)
		if err != nil {
			t.Fatal(err)
		}
		wantEnsemble(t, filepath.Base(path), got, want)
	}
}

func TestEnsembleStreaming(t *testing.T) {
	dir := t.TempDir()
	path, whole := filepath.Join(dir, "stream.npz"), filepath.Join(dir, "whole.npz")
	want := goldenEnsemble(t, 9, 3, 4)
	want.Params["kappa"] = 0.27
	want.Extra["action"] = make([]float64, 9)

	w, err := lattice.CreateEnsemble(path, lattice.Scalar(want.Lattice))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i, phi := range want.All() {
		if w.Len() != i {
			t.Errorf("Len %d after %d configurations", w.Len(), i)
		}
		if err := w.Append(phi); err != nil {
			t.Fatal(err)
		}
		w.Extra["action"] = append(w.Extra["action"], 0)
	}
	w.Params["kappa"] = 0.27
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("file visible before Commit: %v", err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close after Commit: %v", err)
	}
	if err := lattice.WriteEnsemble(whole, want); err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(path)
	b, _ := os.ReadFile(whole)
	if !bytes.Equal(a, b) {
		t.Error("streamed file differs from the one written at once")
	}

	for _, name := range []string{path, filepath.Join("testdata", "fortran.npy"), filepath.Join("testdata", "d1.npy")} {
		r, err := lattice.OpenEnsemble(name)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		first, err := r.Next(nil)
		if err != nil {
			t.Fatal(err)
		}
		data := slices.Clone(first)
		for phi, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
			data = append(data, phi...)
		}
		if len(data) != r.Len()*r.Layout().Volume() {
			t.Errorf("%s: %d numbers", name, len(data))
		}
		for k, v := range data {
			if v != goldenValue(k) {
				t.Fatalf("%s: number %d is %v, expected %v", name, k, v, goldenValue(k))
			}
		}
		if _, err := r.Next(nil); err != io.EOF {
			t.Errorf("%s: error %v after the last configuration, expected EOF", name, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.Next(nil); err == nil || err == io.EOF {
			t.Errorf("%s: error %v after Close", name, err)
		}
	}
}

func TestDroppedWriterLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	w, err := lattice.CreateEnsemble(filepath.Join(dir, "e.npz"), lattice.Scalar(newLattice(t, 4)))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(make([]float64, 4)); err != nil {
		t.Fatal(err)
	}
	w.Extra["logq"] = []float64{1, 2}
	if w.Commit() == nil {
		t.Error("Commit with a short array gave no error")
	}
	if w, err = lattice.CreateEnsemble(filepath.Join(dir, "e.npz"), lattice.Scalar(newLattice(t, 4))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("files left: %v", left)
	}
}

func TestWriteEnsembleErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.npz")
	for name, spoil := range map[string]func(e *lattice.Ensemble){
		"no configuration":    func(e *lattice.Ensemble) { e.Data = nil },
		"half a one":          func(e *lattice.Ensemble) { e.Data = e.Data[:6] },
		"NaN":                 func(e *lattice.Ensemble) { e.Data[7] = math.NaN() },
		"infinity":            func(e *lattice.Ensemble) { e.Data[0] = math.Inf(-1) },
		"single precision":    func(e *lattice.Ensemble) { e.Data[0] = 1e39 },
		"NaN parameter":       func(e *lattice.Ensemble) { e.Params["kappa"] = math.NaN() },
		"name of the fields":  func(e *lattice.Ensemble) { e.Params["cfgs"] = 1 },
		"empty name":          func(e *lattice.Ensemble) { e.Params[""] = 1 },
		"path for a name":     func(e *lattice.Ensemble) { e.Extra["../x"] = []float64{1, 2} },
		"invalid UTF-8":       func(e *lattice.Ensemble) { e.Params["\xff"] = 1 },
		"same name twice":     func(e *lattice.Ensemble) { e.Params["a"] = 1; e.Extra["a"] = []float64{1, 2} },
		"short array":         func(e *lattice.Ensemble) { e.Extra["a"] = []float64{1} },
		"infinity in a array": func(e *lattice.Ensemble) { e.Extra["a"] = []float64{1, math.Inf(1)} },
	} {
		e := goldenEnsemble(t, 2, 2, 2)
		format := lattice.EnsembleFormat{Float32: true}
		if err := format.Write(path, e); err != nil {
			t.Fatal(err)
		}
		spoil(e)
		err := format.Write(path, e)
		if err == nil || !strings.HasPrefix(err.Error(), "lattice: ") {
			t.Errorf("%s: error %v", name, err)
		}
		if name != "single precision" && e.Check() == nil {
			t.Errorf("%s: Check gave no error", name)
		}
		if _, err := lattice.ReadEnsemble(path); err != nil {
			t.Errorf("%s: the old file is damaged: %v", name, err)
		}
	}
	if err := lattice.WriteEnsemble(filepath.Join(path, "no", "such"), goldenEnsemble(t, 1, 2)); err == nil {
		t.Error("a missing folder gave no error")
	}
	w, err := lattice.CreateEnsemble(path, lattice.Scalar(newLattice(t, 2, 2)))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if w.Append(make([]float64, 3)) == nil || w.Append([]float64{1, 2, 3, math.NaN()}) == nil {
		t.Error("Append of a bad field gave no error")
	}
	if w.Commit() == nil {
		t.Error("Commit without a configuration gave no error")
	}
}

func TestEnsemble(t *testing.T) {
	e := goldenEnsemble(t, 4, 2, 3)
	e.Extra["a"] = []float64{0, 1, 2, 3}
	if e.Len() != 4 || len(e.Config(3)) != 6 || e.Config(3)[5] != goldenValue(23) {
		t.Errorf("Len %d, Config(3) %v", e.Len(), e.Config(3))
	}
	s := e.Slice(1, 3)
	if s.Len() != 2 || &s.Config(0)[0] != &e.Config(1)[0] || !slices.Equal(s.Extra["a"], []float64{1, 2}) {
		t.Errorf("slice %v", s)
	}
	s.Append(make([]float64, 6))
	if e.Config(3)[0] == 0 {
		t.Error("Append to a slice of an ensemble wrote into the ensemble")
	}
	m := e.Measure(nil, lattice.Magnetization)
	for i, phi := range e.All() {
		if m[i] != lattice.Magnetization(phi) {
			t.Errorf("measured %v", m)
		}
	}
	if err := e.Check(); err != nil {
		t.Error(err)
	}
	if e.CheckLayout(lattice.Scalar(newLattice(t, 2, 3))) != nil || e.CheckLayout(lattice.Scalar(newLattice(t, 3, 2))) == nil {
		t.Error("CheckLattice tells lattices wrongly apart")
	}
}

func TestEnsembleAction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.npz")
	a := newPhi4(t, 0.27, 0.022, 4, 4)
	e := goldenEnsemble(t, 2, 4, 4)
	if _, err := e.Phi4(); err == nil {
		t.Error("no error without parameters")
	}
	e.Params = a.Params()
	if err := lattice.WriteEnsemble(path, e); err != nil {
		t.Fatal(err)
	}
	got, err := lattice.ReadEnsemble(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := got.Phi4()
	if err != nil {
		t.Fatal(err)
	}
	if !b.Layout().Lattice.Equal(a.Layout().Lattice) || b.Kappa() != 0.27 || b.Lambda() != 0.022 {
		t.Errorf("action with κ = %v, λ = %v on %v", b.Kappa(), b.Lambda(), b.Layout().Lattice)
	}
	got.Params["lambda"] = -1
	if _, err := got.Phi4(); err == nil {
		t.Error("no error for λ < 0")
	}
}
