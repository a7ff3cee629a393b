package lattice

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
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
	z := npzWriter{w: file}
	m := z.begin(cfgsKey)
	head := appendNpyHeader(nil, 8, 0, n, v)
	z.write(head)
	data := int64(n) * v * 8
	z.pos += data
	m.size = int64(len(head)) + data
	z.patch(m, head)
	z.add("kappa", []float64{0.27})
	if err := z.finish(); err != nil {
		t.Fatal(err)
	}

	r, err := zip.NewReader(file, file.size)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 2 {
		t.Fatalf("%d members", len(r.File))
	}
	if got := r.File[0]; got.UncompressedSize64 != uint64(m.size) || got.CompressedSize64 != uint64(m.size) {
		t.Errorf("size %d, expected %d", got.UncompressedSize64, m.size)
	}
	start, err := r.File[0].DataOffset()
	if err != nil || start%64 != 0 {
		t.Errorf("data at byte %d, %v, expected a multiple of 64", start, err)
	}
	body, err := r.File[0].OpenRaw()
	if err != nil {
		t.Fatal(err)
	}
	h, err := readNpyHeader(body)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.checkSize(m.size); err != nil {
		t.Error(err)
	}
	second, err := r.File[1].Open()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(second); err != nil || !bytes.HasPrefix(b, []byte(npyMagic)) {
		t.Errorf("read %q, %v", b, err)
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
	if u, c := le.Uint64(extra[4:]), le.Uint64(extra[12:]); u != uint64(m.size) || c != u {
		t.Errorf("sizes %d and %d in the local header, expected %d", u, c, m.size)
	}

	// The reader takes it without reading it.
	e, err := NewEnsembleReader(file, file.size)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Len() != n || e.Layout().Volume() != v || e.Params()["kappa"] != 0.27 {
		t.Errorf("%d configurations of %d sites, %v", e.Len(), e.Layout().Volume(), e.Params())
	}
	if _, err := e.Next(nil); err != nil {
		t.Error(err)
	}
}
