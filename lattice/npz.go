package lattice

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
)

// npzWriter writes the archive format of NumPy's savez: a zip file whose members
// are uncompressed .npy arrays.
//
// It exists beside archive/zip because the number of configurations, which stands
// in front of the data, is known only after it. The header is written last, its
// checksum is combined with that of the data, and the sizes go into the header of
// the member, where readers that walk through the file expect them.
type npzWriter struct {
	w       io.WriteSeeker
	pos     int64
	members []*npzMember
	err     error
}

type npzMember struct {
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

func (z *npzWriter) write(p []byte) {
	if z.err == nil {
		_, z.err = z.w.Write(p)
		z.pos += int64(len(p))
	}
}

// local returns the local header of a member, with an extra field that has room for
// 64-bit sizes and makes the data start at a multiple of 64 bytes.
func (m *npzMember) local() []byte {
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
func (m *npzMember) central() []byte {
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

// begin starts the member name.npy at the current position and returns it; the
// sizes and the checksum in its local header are right only after patch.
func (z *npzWriter) begin(name string) *npzMember {
	m := &npzMember{name: name + ".npy", offset: z.pos}
	z.members = append(z.members, m)
	z.write(m.local())
	return m
}

// patch writes the finished local header of m, and then b.
func (z *npzWriter) patch(m *npzMember, b []byte) {
	if z.err == nil {
		_, z.err = z.w.Seek(m.offset, io.SeekStart)
	}
	if z.err == nil {
		_, z.err = z.w.Write(append(m.local(), b...))
	}
	if z.err == nil {
		_, z.err = z.w.Seek(z.pos, io.SeekStart)
	}
}

// add writes the float64 array x as the member name.npy; no shape means 0-d.
func (z *npzWriter) add(name string, x []float64, shape ...int) {
	b := appendNpyHeader(nil, 8, 0, shape...)
	b = appendFloat64s(b, x)
	m := &npzMember{name: name + ".npy", offset: z.pos, size: int64(len(b)), crc: crc32.ChecksumIEEE(b)}
	z.members = append(z.members, m)
	z.write(m.local())
	z.write(b)
}

// finish writes the central directory.
func (z *npzWriter) finish() error {
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

func appendFloat64s(b []byte, x []float64) []byte {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
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
