package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	npyio "codeberg.org/sbinet/npyio/npz"
)

func TestCombineCRC(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 7, 64, 1000, 65537} {
		for _, m := range []int{0, 1, 128} {
			b := make([]byte, m+n)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			got := combineCRC(crc32.ChecksumIEEE(b[:m]), crc32.ChecksumIEEE(b[m:]), int64(n))
			if want := crc32.ChecksumIEEE(b); got != want {
				t.Errorf("%d and %d bytes: checksum %08x, expected %08x", m, n, got, want)
			}
		}
	}
}

// sparse is a file in memory of which only what is written takes space.
type sparse struct {
	at     int64
	pieces map[int64][]byte
	size   int64
}

func (s *sparse) Write(p []byte) (int, error) {
	for i, c := range p {
		at := s.at + int64(i)
		if s.pieces[at>>12] == nil {
			s.pieces[at>>12] = make([]byte, 1<<12)
		}
		s.pieces[at>>12][at&(1<<12-1)] = c
	}
	s.at += int64(len(p))
	s.size = max(s.size, s.at)
	return len(p), nil
}

func (s *sparse) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		s.at = offset
	}
	return s.at, nil
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		at := off + int64(i)
		if at >= s.size {
			return i, io.EOF
		}
		p[i] = 0
		if b := s.pieces[at>>12]; b != nil {
			p[i] = b[at&(1<<12-1)]
		}
	}
	return len(p), nil
}

// An archive beyond 4 GiB, whose data are zeros that nobody writes down or reads to the end.
func TestLargeArchive(t *testing.T) {
	const n, v = 5 << 10, 1 << 17 // 5 GiB of float64
	file := &sparse{pieces: make(map[int64][]byte)}
	z := NewWriter(file)
	s, err := z.NewStream("cfgs", false, v)
	if err != nil {
		t.Fatal(err)
	}
	const data = int64(n) * v * 8
	z.pos += data
	s.bytes += data
	if err := s.Close(n); err != nil {
		t.Fatal(err)
	}
	if err := Add(z, "kappa", []float64{0.27}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}

	r, err := zip.NewReader(file, file.size)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 2 {
		t.Fatalf("%d members", len(r.File))
	}
	size := uint64(s.m.size)
	if got := r.File[0]; got.UncompressedSize64 != size || got.CompressedSize64 != size {
		t.Errorf("size %d, expected %d", got.UncompressedSize64, size)
	}
	start, err := r.File[0].DataOffset()
	if err != nil || start%64 != 0 {
		t.Errorf("data at byte %d, %v, expected a multiple of 64", start, err)
	}

	// The local header, which archive/zip does not look at.
	var local [30]byte
	file.ReadAt(local[:], 0)
	le := binary.LittleEndian
	if v, c, u := le.Uint16(local[4:]), le.Uint32(local[18:]), le.Uint32(local[22:]); v != 45 || c != zipMax32 || u != zipMax32 {
		t.Errorf("local header has version %d and sizes %d, %d", v, c, u)
	}
	var extra [20]byte
	file.ReadAt(extra[:], 30+int64(len("cfgs.npy")))
	if id, n := le.Uint16(extra[:]), le.Uint16(extra[2:]); id != 1 || n != 16 {
		t.Errorf("extra field %d of %d bytes, expected the 64-bit sizes", id, n)
	}
	if u, c := le.Uint64(extra[4:]), le.Uint64(extra[12:]); u != size || c != u {
		t.Errorf("sizes %d and %d in the local header, expected %d", u, c, size)
	}

	// The reader takes it without reading it.
	own, err := NewReader(file, file.size)
	if err != nil {
		t.Fatal(err)
	}
	a, err := own.Open("cfgs")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Claim(); err != nil || a.Count() != n*v {
		t.Errorf("%d elements, %v", a.Count(), err)
	}
	if x, shape, err := Read[float64](own, "kappa"); err != nil || len(shape) != 0 || x[0] != 0.27 {
		t.Errorf("kappa %v of shape %v, %v", x, shape, err)
	}
}

func TestRoundTrip(t *testing.T) {
	var b bytes.Buffer
	z := NewWriter(&b) // cannot seek
	f64, f32, i64, u8 := []float64{1, -2.5, math.MaxFloat64}, []float32{1, 2, 3, 4, 5, 6}, []int64{math.MinInt64, 1 << 60}, []byte("{}")
	for _, err := range []error{
		Add(z, "f64", f64, 3), Add(z, "net/block 1/f32", f32, 2, 3), Add(z, "i64", i64, 2), Add(z, "u8", u8, 2),
		Add(z, "number", []int64{-7}), Add(z, "empty", []float32{}, 2, 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if Add(z, "short", f64, 4) == nil || Add(z, "number", f64) == nil {
		t.Error("no error for a shape that does not fit")
	}
	if _, err := z.NewStream("rows", false, 2); err == nil {
		t.Error("a stream into what cannot seek gave no error")
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"empty", "f64", "i64", "net/block 1/f32", "number", "u8"}; !slices.Equal(r.Names(), want) {
		t.Errorf("members %q, expected %q", r.Names(), want)
	}
	back(t, r, "f64", f64, 3)
	back(t, r, "net/block 1/f32", f32, 2, 3)
	back(t, r, "i64", i64, 2)
	back(t, r, "u8", u8, 2)
	back(t, r, "number", []int64{-7})
	back(t, r, "empty", []float32{}, 2, 0)

	for what, err := range map[string]error{
		"another type":   second(Read[float32](r, "f64")),
		"another size":   second(Read[float64](r, "net/block 1/f32")),
		"signed":         second(Read[int64](r, "u8")),
		"no such member": second(Read[float64](r, "none")),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if r.Has("none") || !r.Has("u8") {
		t.Error("Has is wrong")
	}
	_, _, err = Read[float32](r, "i64")
	if err == nil || !strings.Contains(err.Error(), "float32") || !strings.Contains(err.Error(), "int64") {
		t.Errorf("error %v names no types", err)
	}
	// npyio, which shares nothing with this package, reads the same.
	f, err := npyio.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var x []float32
	if err := f.Read("net/block 1/f32.npy", &x); err != nil || !slices.Equal(x, f32) {
		t.Errorf("npyio read %v, %v", x, err)
	}
	// A changed byte of an element is noticed.
	at := bytes.Index(b.Bytes(), binary.LittleEndian.AppendUint64(nil, 1<<60))
	b.Bytes()[at] ^= 1
	if r, err = NewReader(bytes.NewReader(b.Bytes()), int64(b.Len())); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read[int64](r, "i64"); !errors.Is(err, zip.ErrChecksum) {
		t.Errorf("error %v for a changed element, expected that of the checksum", err)
	}
}

func second[T any](_ []T, _ []int, err error) error { return err }

func back[T Element](t *testing.T, r *Reader, name string, want []T, shape ...int) {
	t.Helper()
	x, got, err := Read[T](r, name)
	if err != nil || !slices.Equal(x, want) || !slices.Equal(got, shape) {
		t.Errorf("%s: read %v of shape %v, %v; expected %v of shape %v", name, x, got, err, want, shape)
	}
}

// What npyio writes, compressed and in members without ".npy", can be read.
func TestReadNPYIO(t *testing.T) {
	var b bytes.Buffer
	z := npyio.NewWriter(&b)
	if err := errors.Join(z.Write("meta", []byte("{}")), z.Write("net/w", []float32{1, 2}), z.Write("step", []int64{3})); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	back(t, r, "meta", []byte("{}"), 2)
	back(t, r, "net/w", []float32{1, 2}, 2)
	back(t, r, "step", []int64{3}, 1)
}

func TestTypes(t *testing.T) {
	for descr, want := range map[string]string{
		"<f8": "float64", "f8": "float64", "<d": "float64", ">f4": "float32", "float64": "float64", "single": "float32",
		"|b1": "bool", "?": "bool", "<i8": "int64", "|u1": "uint8", ">H": "uint16",
		"<f2": "float16", "e": "float16", "<f16": "longdouble", "g": "longdouble", "<c8": "complex64", "D": "complex128",
		"|O": "Python objects", "<U4": "text", "|S3": "bytes", "<M8[ns]": "times", "|V8": "raw bytes",
		"": "an unknown type", "<": "an unknown type", "int": "an unknown type", "f8x": "an unknown type", "<<f8": "an unknown type",
	} {
		h, err := ReadHeader(bytes.NewReader(header("'" + descr + "'")))
		if err != nil {
			t.Errorf("%q: %v", descr, err)
			continue
		}
		if got, _, _ := strings.Cut(h.Type.String(), " ("); got != want {
			t.Errorf("%q is %v, expected %s", descr, h.Type, want)
		}
		plain := strings.Contains("float64 float32 bool int64 uint8 uint16", want)
		if h.Type.Plain() != plain || h.Type.Float() != (want == "float64" || want == "float32") {
			t.Errorf("%q is taken for numbers or not wrongly: %v", descr, h.Type)
		}
	}
	h, err := ReadHeader(bytes.NewReader(header("[('a', '<f8'), ('b', '<i4', (2, ))]")))
	if want := "a structured type [('a', '<f8'), ('b', '<i4', (2, ))]"; err != nil || h.Type.String() != want || h.Type.Plain() {
		t.Errorf("%v, %v, expected %s", h.Type, err, want)
	}
	// Big-endian numbers of all kinds.
	for descr, b := range map[string][]byte{
		">f8": {0xc0, 8, 0, 0, 0, 0, 0, 0}, ">f4": {0xc0, 0x40, 0, 0}, ">i2": {0xff, 0xfd}, ">i": {0xff, 0xff, 0xff, 0xfd},
		"<i2": {0xfd, 0xff}, "b": {0xfd},
	} {
		var x [1]float64
		if parseType(descr).Decode(x[:], b); x[0] != -3 {
			t.Errorf("%q: %v, expected -3", descr, x[0])
		}
	}
}

// header returns the header of an array of shape (3,) and the given element type.
func header(descr string) []byte {
	dict := "{'descr': " + descr + ", 'fortran_order': False, 'shape': (3L,), }"
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(dict)))
	return append(b, dict...)
}

// What is no array is told from an array that breaks off.
func TestErrFormat(t *testing.T) {
	whole := header("'<f8'")
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("text"), "longer text": []byte("kappa = 0.27\n"), "start of the magic": []byte(magic[:4]),
		"version 4": append([]byte(magic), 4, 0, 0, 0, 0, 0), "4 GB header": append([]byte(magic), 2, 0, 255, 255, 255, 255),
		"escapes": header(`[('\\', '<f8')]`), "no dictionary": append([]byte(magic), 1, 0, 1, 0, ' '),
	} {
		if _, err := ReadHeader(bytes.NewReader(b)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for n := len(magic); n < len(whole); n++ {
		if _, err := ReadHeader(bytes.NewReader(whole[:n])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: error %v", n, err)
		}
	}
	if h, err := ReadHeader(bytes.NewReader(whole)); err != nil || h.Length != int64(len(whole)) || !slices.Equal(h.Shape, []int{3}) {
		t.Errorf("%+v, %v", h, err)
	}
}
