package npz

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// Writer writes the archive format of NumPy's savez: a zip file whose members are
// uncompressed .npy arrays. After an error, which [Writer.Close] returns, it does nothing.
//
// It exists beside archive/zip because the first extent of an array, which stands in
// front of the data, may be known only after it, see [Stream]. The header is written
// last, its checksum is combined with that of the data, and the sizes go into the header
// of the member, where readers that walk through the file expect them.
type Writer struct {
	w       io.Writer
	pos     int64
	members []*member
	err     error
}

// NewWriter returns a writer of an archive to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

type member struct {
	name   string
	offset int64 // of the local header
	size   int64 // of the .npy array
	crc    uint32
}

const (
	zipLocalLen   = 30
	zipUTF8       = 1 << 11
	zipDate       = 1<<5 | 1 // 1 January 1980, as NumPy: equal data gives equal files
	zipMax32      = math.MaxUint32
	zip64ID       = 1
	zipPadID      = 0xd935
	zip64LocalLen = 20
)

func (z *Writer) write(p []byte) {
	if z.err == nil {
		_, z.err = z.w.Write(p)
		z.pos += int64(len(p))
	}
}

// local returns the local header of a member, with an extra field that has room for
// 64-bit sizes and makes the data start at a multiple of 64 bytes.
func (m *member) local() []byte {
	le := binary.LittleEndian
	pad := zip64LocalLen + 4
	pad += (64 - int((m.offset+int64(zipLocalLen+len(m.name)+pad))%64)) % 64
	size, version := uint32(m.size), uint16(20)
	var extra []byte
	if m.size >= zipMax32 {
		size, version = zipMax32, 45
		extra = le.AppendUint16(extra, zip64ID)
		extra = le.AppendUint16(extra, zip64LocalLen-4)
		extra = le.AppendUint64(extra, uint64(m.size))
		extra = le.AppendUint64(extra, uint64(m.size))
	}
	rest := pad - len(extra) - 4
	extra = le.AppendUint16(extra, zipPadID)
	extra = le.AppendUint16(extra, uint16(rest))
	extra = append(extra, make([]byte, rest)...)
	b := le.AppendUint32(nil, 0x04034b50)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, zipUTF8)
	b = le.AppendUint16(b, 0) // stored
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, zipDate)
	b = le.AppendUint32(b, m.crc)
	b = le.AppendUint32(b, size)
	b = le.AppendUint32(b, size)
	b = le.AppendUint16(b, uint16(len(m.name)))
	b = le.AppendUint16(b, uint16(len(extra)))
	b = append(b, m.name...)
	return append(b, extra...)
}

// central returns the entry of a member in the central directory.
func (m *member) central() []byte {
	le := binary.LittleEndian
	size, offset, version := uint32(m.size), uint32(m.offset), uint16(20)
	var extra []byte
	if m.size >= zipMax32 || m.offset >= zipMax32 {
		size, offset, version = zipMax32, zipMax32, 45
		extra = le.AppendUint16(extra, zip64ID)
		extra = le.AppendUint16(extra, 24)
		extra = le.AppendUint64(extra, uint64(m.size))
		extra = le.AppendUint64(extra, uint64(m.size))
		extra = le.AppendUint64(extra, uint64(m.offset))
	}
	b := le.AppendUint32(nil, 0x02014b50)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, zipUTF8)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, zipDate)
	b = le.AppendUint32(b, m.crc)
	b = le.AppendUint32(b, size)
	b = le.AppendUint32(b, size)
	b = le.AppendUint16(b, uint16(len(m.name)))
	b = le.AppendUint16(b, uint16(len(extra)))
	b = append(b, make([]byte, 10)...) // comment, disk, attributes: none
	b = le.AppendUint32(b, offset)
	b = append(b, m.name...)
	return append(b, extra...)
}

// Add writes x as the array of that name; no shape means a single number. It returns
// an error if the shape does not have the elements of x or if writing fails.
func Add[T Element](z *Writer, name string, x []T, shape ...int) error {
	n := 1
	for _, k := range shape {
		n *= k
	}
	if n != len(x) {
		return fmt.Errorf("array %q: expected %d elements for the shape %v, got %d", name, n, shape, len(x))
	}
	b := appendHeader(nil, descrOf[T](), 0, shape...)
	b, err := binary.Append(b, binary.LittleEndian, x)
	if err != nil {
		return err
	}
	m := &member{name: name + ".npy", offset: z.pos, size: int64(len(b)), crc: crc32.ChecksumIEEE(b)}
	z.members = append(z.members, m)
	z.write(m.local())
	z.write(b)
	return z.err
}

// Stream writes an array row by row, without its number of rows.
type Stream struct {
	z     *Writer
	seek  io.Seeker
	m     *member
	descr string
	row   []int
	width int // bytes of the header
	bytes int64
	crc   uint32
}

// NewStream starts the array of that name with rows of the given shape, of float32 if
// single is true and else of float64. Nothing else may be written before [Stream.Close].
// The writer of the archive must be an [io.WriteSeeker].
func (z *Writer) NewStream(name string, single bool, row ...int) (*Stream, error) {
	seek, ok := z.w.(io.WriteSeeker)
	if !ok {
		return nil, fmt.Errorf("array %q: expected a file that can seek, got %T", name, z.w)
	}
	s := &Stream{z: z, seek: seek, m: &member{name: name + ".npy", offset: z.pos}, descr: descrOf[float64](), row: row}
	if single {
		s.descr = descrOf[float32]()
	}
	z.members = append(z.members, s.m)
	// The sizes and the checksum are right only after Close. There is room for any
	// number of rows.
	z.write(s.m.local())
	head := s.header(math.MaxInt)
	s.width = len(head)
	z.write(head)
	return s, z.err
}

func (s *Stream) header(n int) []byte {
	return appendHeader(nil, s.descr, s.width, append([]int{n}, s.row...)...)
}

// Write appends little-endian elements.
func (s *Stream) Write(p []byte) (int, error) {
	s.z.write(p)
	if s.z.err != nil {
		return 0, s.z.err
	}
	s.bytes += int64(len(p))
	s.crc = crc32.Update(s.crc, crc32.IEEETable, p)
	return len(p), nil
}

// Close completes the array, which has n rows.
func (s *Stream) Close(n int) error {
	z := s.z
	head := s.header(n)
	s.m.size = int64(s.width) + s.bytes
	s.m.crc = combineCRC(crc32.ChecksumIEEE(head), s.crc, s.bytes)
	if z.err == nil {
		_, z.err = s.seek.Seek(s.m.offset, io.SeekStart)
	}
	if z.err == nil {
		_, z.err = z.w.Write(append(s.m.local(), head...))
	}
	if z.err == nil {
		_, z.err = s.seek.Seek(z.pos, io.SeekStart)
	}
	return z.err
}

// Close writes the directory of the archive. It does not close the file.
func (z *Writer) Close() error {
	le := binary.LittleEndian
	start := z.pos
	for _, m := range z.members {
		z.write(m.central())
	}
	size, n := z.pos-start, len(z.members)
	if start >= zipMax32 || size >= zipMax32 || n >= math.MaxUint16 {
		end := z.pos
		b := le.AppendUint32(nil, 0x06064b50)
		b = le.AppendUint64(b, 44)
		b = le.AppendUint16(b, 45)
		b = le.AppendUint16(b, 45)
		b = le.AppendUint64(b, 0)
		b = le.AppendUint64(b, uint64(n))
		b = le.AppendUint64(b, uint64(n))
		b = le.AppendUint64(b, uint64(size))
		b = le.AppendUint64(b, uint64(start))
		b = le.AppendUint32(b, 0x07064b50)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, uint64(end))
		b = le.AppendUint32(b, 1)
		z.write(b)
	}
	b := le.AppendUint32(nil, 0x06054b50)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint16(b, uint16(min(n, math.MaxUint16)))
	b = le.AppendUint16(b, uint16(min(n, math.MaxUint16)))
	b = le.AppendUint32(b, uint32(min(size, zipMax32)))
	b = le.AppendUint32(b, uint32(min(start, zipMax32)))
	b = le.AppendUint16(b, 0)
	z.write(b)
	return z.err
}

// combineCRC returns the CRC-32 of two byte strings one after the other, given the
// CRC-32 of each and the length of the second. Appending a zero byte multiplies the
// remainder by x⁸ in GF(2)[x] modulo the polynomial, and the rest is linear.
func combineCRC(a, b uint32, length int64) uint32 {
	// Bit 31 is the coefficient of x⁰.
	power, square := uint32(1)<<31, uint32(1)<<23
	for ; length > 0; length >>= 1 {
		if length&1 == 1 {
			power = mulCRC(power, square)
		}
		square = mulCRC(square, square)
	}
	return mulCRC(a, power) ^ b
}

func mulCRC(a, b uint32) uint32 {
	p := uint32(0)
	for ; a != 0; a <<= 1 {
		if a>>31 == 1 {
			p ^= b
		}
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
	return p
}
