package lattice_test

import (
	"archive/zip"
	"encoding/binary"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	npyio "codeberg.org/sbinet/npyio/npz"
	"github.com/latdiff/latdiff/lattice"
)

func number(x float64) []byte {
	return npy("{'descr': '<f8', 'fortran_order': False, 'shape': ()}", float64s(x))
}

// Members that are not needed may be anything: what other programs leave in archives.
func TestMembersThatAreNotNeeded(t *testing.T) {
	want := map[string]float64{"kappa": 0.27}
	wide := "{'descr': [" + strings.Repeat("('field', '<f8'), ", 4000) + "], 'fortran_order': False, 'shape': (0,)}"
	version2 := append([]byte("\x93NUMPY\x02\x00"), binary.LittleEndian.AppendUint32(nil, uint32(len(wide)))...)
	for name, member := range map[string]struct {
		file    string
		content []byte
	}{
		"resource fork of macOS":   {"__MACOSX/._cfgs.npy", []byte("\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")},
		"empty file":               {"empty.npy", nil},
		"text":                     {"README", []byte("x")},
		"folder":                   {"folder/", nil},
		"header above 64 KiB":      {"wide.npy", append(version2, wide...)},
		"later version":            {"later.npy", []byte("\x93NUMPY\x04\x00\x00\x00\x00\x00")},
		"escapes in a name":        {"escape.npy", npy(`{'descr': [('a\'"', '<f8')], 'fortran_order': False, 'shape': (0,)}`, nil)},
		"objects":                  {"object.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': ()}", []byte("pickle"))},
		"complex number":           {"z.npy", npy("{'descr': '<c16', 'fortran_order': False, 'shape': ()}", make([]byte, 16))},
		"another shape, too short": {"short.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3)}", nil)},
		"NaN in another shape":     {"nan.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 1)}", float64s(math.NaN(), 0, 0))},
		"compressed too well":      {"zeros.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2097152)}", make([]byte, 1<<25))},
		"name that is no path":     {"../up.npy", number(1)},
		"backslash":                {"a\\b.npy", number(1)},
	} {
		e, err := readBytes(archive(t, zip.Deflate, member.file, member.content, "cfgs.npy", npy(dict12, float64s(1, 2)), "kappa.npy", number(0.27)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !maps.Equal(e.Params, want) || len(e.Extra) > 0 || !slices.Equal(e.Data, []float64{1, 2}) {
			t.Errorf("%s: %v, %v, %v", name, e.Data, e.Params, e.Extra)
		}
	}
	// Two files of one name and another method of compression, which NumPy does not open
	// either until it is asked for them.
	twin := archive(t, zip.Deflate, "note", []byte("a"), "note", []byte("b"), "cfgs.npy", npy(dict12, float64s(1, 2)))
	if _, err := readBytes(twin); err != nil {
		t.Error(err)
	}
	foreign := archive(t, zip.Store, "cfgs.npy", npy(dict12, float64s(1, 2)), "z.npy", []byte("zz"))
	at := strings.LastIndex(string(foreign), "PK\x01\x02")
	binary.LittleEndian.PutUint16(foreign[at+10:], 93)
	if _, err := readBytes(foreign); err != nil {
		t.Error(err)
	}
	// What is needed is still looked at.
	if !refused(archive(t, zip.Store, "cfgs.npy", npy(dict12, float64s(1, 2)), "kappa.npy", number(1), "kappa", number(2))) {
		t.Error("a parameter twice gave no error")
	}
	if !refused(archive(t, zip.Store, "cfgs.npy", npy(dict12, float64s(1, 2)), "cfgs", npy(dict12, float64s(1, 2)))) {
		t.Error("two arrays of fields gave no error")
	}
}

// NumPy wrote the same, see golden.py.
func TestReadCrowdedFile(t *testing.T) {
	want := goldenEnsemble(t, 3, 2, 3)
	want.Params["run 1/kappa"] = 0.21
	got, err := lattice.ReadEnsemble("testdata/crowd.npz")
	if err != nil {
		t.Fatal(err)
	}
	wantEnsemble(t, "crowd.npz", got, want)
	rewrite(t, got)
}

// A member whose header is damaged is not taken for one that is not needed.
func TestDamagedMember(t *testing.T) {
	b := archive(t, zip.Store, "cfgs.npy", npy(dict12, float64s(1, 2)), "kappa.npy", number(0.27))
	at := strings.LastIndex(string(b), "\x93NUMPY")
	for i := range 60 {
		b[at+i] ^= 4
		if !refused(b) {
			t.Fatalf("a change of byte %d of the header of kappa went unnoticed", i)
		}
		b[at+i] ^= 4
	}
}

// Python 2, and types as people spell them.
func TestSpellings(t *testing.T) {
	for _, dict := range []string{
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 2L), }",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 2L)}",
		"{'descr': 'f8', 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': '<d', 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': 'd', 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': 'float64', 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': 'double', 'fortran_order': False, 'shape': (1, 2)}",
	} {
		if e, err := readBytes(npy(dict, float64s(1, -2.5))); err != nil || !slices.Equal(e.Data, []float64{1, -2.5}) {
			t.Errorf("%s: %v, %v", dict, e, err)
		}
	}
	single := []byte{0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0} // 1, -2.5
	for _, descr := range []string{"f4", "<f", "float32", "single"} {
		e, err := readBytes(npy("{'descr': '"+descr+"', 'fortran_order': False, 'shape': (1, 2)}", single))
		if err != nil || !slices.Equal(e.Data, []float64{1, -2.5}) {
			t.Errorf("%s: %v, %v", descr, e, err)
		}
	}
	// Nonsense near it.
	for _, dict := range []string{
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1LL, 2)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (L, 2)}",
		"{'descr': '<<f8', 'fortran_order': False, 'shape': (1, 2)}", "{'descr': 'float', 'fortran_order': 0L, 'shape': (1, 2)}",
	} {
		if !refused(npy(dict, float64s(1, 2))) {
			t.Errorf("no error for %s", dict)
		}
	}
}

// Members without ".npy", as npyio writes them.
func TestMembersWithoutSuffix(t *testing.T) {
	var b strings.Builder
	z := npyio.NewWriter(&b)
	if err := z.Write("logq", []float64{3, 4}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(strings.NewReader(b.String()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if name := r.File[0].Name; name != "logq" {
		t.Fatalf("npyio names the member %q", name)
	}
	body, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	logq, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	fields := npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2)}", float64s(1, 2, 3, 4))
	e, err := readBytes(archive(t, zip.Deflate, "cfgs", fields, "logq", logq, "kappa", number(0.27)))
	if err != nil {
		t.Fatal(err)
	}
	if e.Len() != 2 || e.Params["kappa"] != 0.27 || !slices.Equal(e.Extra["logq"], []float64{3, 4}) {
		t.Errorf("%v, %v, %v", e.Data, e.Params, e.Extra)
	}
	// Without the fields, the error says what there is.
	_, err = readBytes(archive(t, zip.Deflate, "fields", fields))
	if err == nil || !strings.Contains(err.Error(), `["fields"]`) {
		t.Errorf("error %v", err)
	}
}

// What is written can be read: any lattice, any name that Check allows.
func TestWrittenIsReadable(t *testing.T) {
	ones := func(n int) []int { return slices.Repeat([]int{1}, n) }
	for _, dims := range [][]int{ones(16), ones(17), append(ones(29), 3), slices.Repeat([]int{2}, 12)} {
		for _, components := range []int{1, 2} {
			rewrite(t, vectorEnsemble(t, 2, components, dims...))
		}
	}
	if _, err := lattice.New(ones(31)...); err == nil {
		t.Error("a lattice of 31 dimensions, which NumPy cannot hold, gave no error")
	}
	if _, err := lattice.ParseDims(strings.Repeat("1x", 30) + "1"); err == nil {
		t.Error("ParseDims of 31 dimensions gave no error")
	}
	e := goldenEnsemble(t, 2, 2)
	e.Params = map[string]float64{"run 1/kappa": 1, "a.npy": 2, "λ": 3, "cfgs.npy": 4, "a/b/c": 5, "..x": 6}
	e.Extra = map[string][]float64{"run 1/logq": {1, 2}, "Cfgs": {3, 4}}
	rewrite(t, e)
	for _, key := range []string{"", ".", "..", "/a", "a/", "a//b", "a/../b", "./a", `a\b`, "C:a", "a\n", "a\x7f", "\xff", "cfgs", "components", strings.Repeat("a", 1024)} {
		e := goldenEnsemble(t, 2, 2)
		e.Params[key] = 1
		if e.Check() == nil {
			t.Errorf("no error for the name %q", key)
		}
	}
}

// The error says which element type came, and names the file.
func TestElementTypesInErrors(t *testing.T) {
	for name, want := range map[string]string{
		"float16": "float16", "int64": "int64", "bool": "bool", "complex64": "complex64", "complex128": "complex128",
		"longdouble": "longdouble", "structured": "a structured type [('re', '<f8'), ('im', '<f8')]",
	} {
		path := filepath.Join("testdata", name+".npy")
		_, err := lattice.ReadEnsemble(path)
		if err == nil || !strings.Contains(err.Error(), "expected an array of float32 or float64, got "+want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	_, err := readBytes(archive(t, zip.Store, "cfgs.npy", npy(strings.Replace(dict12, "<f8", "<i8", 1), float64s(1, 2))))
	if err == nil || !strings.Contains(err.Error(), `array "cfgs": expected an array of float32 or float64, got int64`) {
		t.Errorf("error %v", err)
	}
}

// Whatever is wrong with an ensemble from a file, the error names the file.
func TestErrorsNameTheFile(t *testing.T) {
	path := filepath.Join("testdata", "c64.npz")
	read, err := lattice.ReadEnsemble(path)
	if err != nil {
		t.Fatal(err)
	}
	e := read.Slice(1, 3)
	action := newPhi4(t, 0.3, 0.022, 2, 3)
	channel, err := e.As(vectors(t, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	_, noLambda := e.Phi4()
	_, other := e.As(vectors(t, 1, 7))
	e.Params["lambda"] = -1
	_, negative := e.Phi4()
	e.Data = e.Data[:7]
	for name, err := range map[string]error{
		"layout": e.CheckLayout(vectors(t, 1, 7)), "action": e.CheckAction(action), "no λ": noLambda, "λ < 0": negative,
		"another shape": other, "half a configuration": e.Check(), "components": channel.CheckLayout(vectors(t, 1, 7)),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "lattice: expected") || !strings.HasSuffix(err.Error(), " in "+path) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	// Without a file there is nothing to name.
	if err := goldenEnsemble(t, 2, 2).CheckLayout(vectors(t, 1, 7)); err == nil || err.Error() != "lattice: expected an ensemble on 7, got one on 2" {
		t.Errorf("error %v", err)
	}
}

// zeros is a file of zeros behind a head, of any size.
type zeros struct {
	head []byte
	size int64
}

func (z zeros) ReadAt(p []byte, off int64) (int, error) {
	n := int(min(int64(len(p)), z.size-off))
	if n <= 0 {
		return 0, io.EOF
	}
	clear(p[:n])
	if off < int64(len(z.head)) {
		copy(p[:n], z.head[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// A file beyond 4 GiB is read one configuration at a time, where an int has 32 bits too.
func TestLargeFile(t *testing.T) {
	head := npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1024)}", nil)
	file := zeros{head, int64(len(head)) + 1000000*1024*8}
	r, err := lattice.NewEnsembleReader(file, file.size)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Len() != 1000000 || r.Layout().Volume() != 1024 {
		t.Errorf("%d configurations on %v", r.Len(), r.Layout())
	}
	if phi, err := r.Next(nil); err != nil || len(phi) != 1024 {
		t.Errorf("%d numbers, %v", len(phi), err)
	}
	if math.MaxInt == math.MaxInt32 {
		if _, err := r.ReadAll(); err == nil {
			t.Error("8 GiB in memory gave no error")
		}
	}
	file.size--
	if _, err := lattice.NewEnsembleReader(file, file.size); err == nil {
		t.Error("a byte is missing without an error")
	}
}
