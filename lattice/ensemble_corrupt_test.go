package lattice_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

func readBytes(b []byte) (*lattice.Ensemble, error) {
	r, err := lattice.NewEnsembleReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.ReadAll()
}

// refused reports whether b is refused at once, without reading the fields.
func refused(b []byte) bool {
	r, err := lattice.NewEnsembleReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return true
	}
	r.Close()
	return false
}

// npy returns a .npy file with the given dictionary and data.
func npy(dict string, data []byte) []byte {
	b := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(b[8:], uint16(len(dict)))
	return append(append(b, dict...), data...)
}

// archive returns an archive of the given members in the order name, content, ...
func archive(t testing.TB, method uint16, members ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: members[i].(string), Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(members[i+1].([]byte)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func float64s(x ...float64) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

const dict12 = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }\n"

func TestTruncatedFiles(t *testing.T) {
	written := filepath.Join(t.TempDir(), "e.npz")
	e := goldenEnsemble(t, 2, 2, 2)
	e.Params["kappa"] = 0.27
	if err := lattice.WriteEnsemble(written, e); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{written, "testdata/c64.npz", "testdata/c32_deflate.npz", "testdata/fortran.npy", "testdata/version3.npy"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readBytes(b); err != nil {
			t.Fatal(err)
		}
		for n := range b {
			if _, err := readBytes(b[:n]); err == nil {
				t.Errorf("%s: no error with the first %d of %d bytes", path, n, len(b))
			} else if !strings.HasPrefix(err.Error(), "lattice: ") {
				t.Errorf("%s: error %q", path, err)
			}
		}
		// An archive may be followed by a comment or other bytes, an array may not.
		if strings.HasSuffix(path, ".npy") && !refused(append(b, 0)) {
			t.Errorf("%s: opened with a byte too many", path)
		}
	}
}

// A changed byte of an archive is noticed, or it is one that does not matter, such
// as a date. The fields can never change unnoticed.
func TestFlippedBytes(t *testing.T) {
	for _, name := range []string{"c32_deflate.npz", "fortran32.npz"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := readBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		noticed := 0
		for i := range b {
			for bit := range 8 {
				b[i] ^= 1 << bit
				got, err := readBytes(b)
				b[i] ^= 1 << bit
				if err != nil {
					noticed++
					continue
				}
				for k, v := range want.Data {
					if len(got.Data) != len(want.Data) || got.Data[k] != v {
						t.Fatalf("%s: bit %d of byte %d changes the fields unnoticed", name, bit, i)
					}
				}
			}
		}
		if noticed < 4*len(b) {
			t.Errorf("%s: %d of %d changes noticed", name, noticed, 8*len(b))
		}
	}
}

func TestBadHeaders(t *testing.T) {
	two := float64s(1, 2)
	if _, err := readBytes(npy(dict12, two)); err != nil {
		t.Fatal(err)
	}
	// Other spellings of the same header.
	for _, dict := range []string{
		`{"shape": (1,2), "descr": "<f8", "fortran_order": False}`,
		"{ 'fortran_order' :True , 'shape':( 1 , 2 , ), 'descr':'<f8' }   \n",
		"{'descr': '=f8', 'fortran_order': False, 'shape': (1, 2)}",
	} {
		if e, err := readBytes(npy(dict, two)); err != nil || e.Data[1] != 2 {
			t.Errorf("%s: %v", dict, err)
		}
	}
	for _, dict := range []string{
		"", "{", "{}", "}", "()", "None", "{'descr'", "{'descr': '<f8'",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), } x",
		"{'descr': '<f8', 'fortran_order': False}",
		"{'descr': '<f8', 'descr': '<f8', 'shape': (1, 2)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), 'more': 1}",
		"{'descr': '<f8' 'fortran_order': False 'shape': (1, 2)}",
		"{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1, 2)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': [1, 2]}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, -2)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1 2)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (,)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (2)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': ()}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 2)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 32768, 32768)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 0)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 0, 4)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1000000000000)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 99999999999999999999)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2)}",
		// 2⁶⁴ + 2 numbers.
		"{'descr': '<f8', 'fortran_order': False, 'shape': (6148914691236517206, 3)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (" + strings.Repeat("1, ", 40) + "2)}",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (" + strings.Repeat("1, ", 500) + "2)}",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': '<c16', 'fortran_order': False, 'shape': (1, 1)}",
		"{'descr': '|O', 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': '', 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': '<f', 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': [[[, 'fortran_order': False, 'shape': (1, 2)}",
		"{'descr': '<f8\\', 'fortran_order': False, 'shape': (1, 2)}",
	} {
		if !refused(npy(dict, two)) {
			t.Errorf("no error for the header %q", dict)
		}
	}
	for name, b := range map[string][]byte{
		"empty":          {},
		"text":           []byte("kappa 0.27\n"),
		"format 9":       append([]byte("\x93NUMPY\x09\x00"), npy(dict12, two)[8:]...),
		"4 GB header":    []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'"),
		"N = 0":          npy(strings.Replace(dict12, "1, 2", "0, 2", 1), nil),
		"NaN":            npy(dict12, float64s(1, math.NaN())),
		"infinity":       npy(dict12, float64s(math.Inf(1), 1)),
		"empty archive":  archive(t, zip.Store),
		"no cfgs":        archive(t, zip.Store, "a.npy", npy(dict12, two)),
		"not an array":   archive(t, zip.Store, "cfgs.npy", []byte("text")),
		"cfgs twice":     archive(t, zip.Store, "cfgs.npy", npy(dict12, two), "cfgs.npy", npy(dict12, two)),
		"NaN parameter":  archive(t, zip.Store, "cfgs.npy", npy(dict12, two), "kappa.npy", npy(strings.Replace(dict12, "1, 2", "", 1), float64s(math.NaN()))),
		"short member":   archive(t, zip.Store, "cfgs.npy", npy(dict12, two), "kappa.npy", npy(strings.Replace(dict12, "1, 2", "", 1), nil)),
		"broken member":  archive(t, zip.Store, "cfgs.npy", npy(dict12, two), "kappa.npy", []byte("\x93NUMPY")),
		"too large":      archive(t, zip.Deflate, "cfgs.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (65536, 64), }", make([]byte, 1<<25))),
		"too many sites": archive(t, zip.Deflate, "cfgs.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1024, 1024), }", make([]byte, 1<<23))),
	} {
		if _, err := readBytes(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// Members that are no numbers or of another shape are left alone.
	e, err := readBytes(archive(t, zip.Deflate, "cfgs.npy", npy(dict12, two), "readme.txt", []byte("x"),
		"note.npy", npy("{'descr': '<U4', 'fortran_order': False, 'shape': ()}", make([]byte, 16)),
		"mask.npy", npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2)}", make([]byte, 4))))
	if err != nil || len(e.Params)+len(e.Extra) != 0 {
		t.Errorf("%v, %v", e, err)
	}
}

// A header that claims more than there is must not make the reader allocate it.
func TestAllocationIsBoundedByFile(t *testing.T) {
	claims := map[string][]byte{
		"array":       npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1024)}", make([]byte, 64)),
		"one site":    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1024, 1024, 1024)}", make([]byte, 64)),
		"no config":   npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 32768, 32768)}", nil),
		"header text": []byte("\x93NUMPY\x02\x00\xff\xff\xff\x7f"),
		"compressed":  archive(t, zip.Deflate, "cfgs.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1024)}", make([]byte, 1<<24))),
		"fortran":     archive(t, zip.Deflate, "cfgs.npy", npy("{'descr': '<f8', 'fortran_order': True, 'shape': (1000000, 1024)}", make([]byte, 1<<24))),
	}
	// Members whose directory entry lies about their size, uncompressed and compressed.
	lie := archive(t, zip.Store, "cfgs.npy", npy(dict12, float64s(1, 2)))
	at := bytes.Index(lie, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lie[at+20:], 1<<31)
	binary.LittleEndian.PutUint32(lie[at+24:], 1<<31)
	claims["directory"] = lie
	dict := "{'descr': '<f8', 'fortran_order': False, 'shape': (2048, 1024)}"
	lie = archive(t, zip.Deflate, "cfgs.npy", npy(dict, make([]byte, 1<<16)))
	at = bytes.Index(lie, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lie[at+24:], uint32(10+len(dict)+2048*1024*8))
	claims["compressed directory"] = lie
	for name, b := range claims {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readBytes(b)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		// zip decompressors, buffers and error text: far below what is claimed.
		if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
			t.Errorf("%s: %d bytes allocated for a file of %d", name, got, len(b))
		}
	}
}

// Members that share their bytes would make a small file large in memory.
func TestOverlappingMembers(t *testing.T) {
	fields := npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000, 1)}", make([]byte, 8000))
	array := npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000,)}", make([]byte, 8000))
	b := archive(t, zip.Store, "cfgs.npy", fields, "a.npy", array)
	if e, err := readBytes(b); err != nil || len(e.Extra) != 1 {
		t.Fatal(err)
	}
	entry, end := bytes.LastIndex(b, []byte("PK\x01\x02")), bytes.LastIndex(b, []byte("PK\x05\x06"))
	tail := bytes.Clone(b[end:])
	twin := bytes.Replace(b[entry:end], []byte("a.npy"), []byte("b.npy"), 1)
	binary.LittleEndian.PutUint16(tail[8:], 3)
	binary.LittleEndian.PutUint16(tail[10:], 3)
	binary.LittleEndian.PutUint32(tail[12:], binary.LittleEndian.Uint32(tail[12:])+uint32(len(twin)))
	if !refused(slices.Concat(b[:end], twin, tail)) {
		t.Error("no error for two members with the same bytes")
	}
}

func TestOpenEnsembleErrors(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing.npz"), os.DevNull} {
		if r, err := lattice.OpenEnsemble(path); err == nil {
			r.Close()
			t.Errorf("no error for %s", path)
		}
	}
	r, err := lattice.OpenEnsemble("testdata/c64.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadAll(); err == nil {
		t.Error("ReadAll of a part gave arrays of the whole")
	}
	if n := r.Params()["N"]; n != 3 || len(r.Extra()["logq"]) != 3 {
		t.Errorf("N = %v, Extra %v", n, r.Extra())
	}
}

// What can be read can be written and read again, and comes back the same.
func rewrite(t *testing.T, e *lattice.Ensemble) {
	t.Helper()
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "e.npz")
	if err := lattice.WriteEnsemble(path, e); err != nil {
		t.Fatal(err)
	}
	got, err := lattice.ReadEnsemble(path)
	if err != nil {
		t.Fatal(err)
	}
	wantEnsemble(t, "rewritten", got, e)
}

func FuzzReadNPZ(f *testing.F) {
	files, err := filepath.Glob("testdata/*.np[yz]")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := readBytes(b); err == nil {
			rewrite(t, e)
		}
	})
}

// FuzzReadNPY puts the array into an archive too, with the checksums that a fuzzer
// does not guess.
func FuzzReadNPY(f *testing.F) {
	f.Add(npy(dict12, float64s(1, 2)), npy("{'descr': '<i2', 'fortran_order': False, 'shape': (), }", []byte{1, 2}), false)
	f.Add(npy("{'descr': '>f4', 'fortran_order': True, 'shape': (2, 1, 2), }", make([]byte, 16)),
		npy("{'descr': '<u4', 'fortran_order': False, 'shape': (2,), }", make([]byte, 8)), true)
	f.Add(npy(dict12, float64s(1, 2)), npy("{'descr': [('a', '<f8', (2,)), (\"b\", '|b1')], 'fortran_order': False, 'shape': (2,), }", nil), true)
	f.Fuzz(func(t *testing.T, cfgs, beside []byte, deflate bool) {
		bare, err := readBytes(cfgs)
		if err == nil {
			rewrite(t, bare)
		}
		method := zip.Store
		if deflate {
			method = zip.Deflate
		}
		packed, err2 := readBytes(archive(t, method, "cfgs.npy", cfgs, "beside.npy", beside))
		if err2 == nil {
			rewrite(t, packed)
			if err != nil {
				t.Errorf("read from an archive but not as a file: %v", err)
			}
		}
	})
}
