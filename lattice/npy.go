package lattice

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	npyMagic = "\x93NUMPY"
	// maxNpyHeader bounds the text of a header. NumPy itself refuses more than
	// 10 000 bytes unless told otherwise.
	maxNpyHeader = 1 << 16
	// maxNpyRank is the largest number of dimensions that NumPy has.
	maxNpyRank = 64
)

// errNpyType marks an array of another element type than a plain number. It is no
// fault of the file.
var errNpyType = errors.New("element type is not a plain number")

// npyHeader is the header of an array in NumPy's .npy format.
type npyHeader struct {
	kind    byte // 'f', 'i', 'u' or 'b' as in NumPy
	size    int  // bytes of an element
	order   binary.ByteOrder
	fortran bool
	shape   []int
	length  int64 // bytes of the header, with the magic string
}

// readNpyHeader reads a header of version 1, 2 or 3. The error is errNpyType if the
// header is sound but the elements are no plain numbers.
func readNpyHeader(r io.Reader) (npyHeader, error) {
	var h npyHeader
	var pre [12]byte
	if _, err := io.ReadFull(r, pre[:8]); err != nil {
		return h, fmt.Errorf("expected a .npy header: %w", noEOF(err))
	}
	if string(pre[:6]) != npyMagic {
		return h, fmt.Errorf("expected a .npy array, got the first bytes %q", pre[:6])
	}
	var n, at int64
	switch pre[6] {
	case 1:
		if _, err := io.ReadFull(r, pre[8:10]); err != nil {
			return h, fmt.Errorf("expected a .npy header: %w", noEOF(err))
		}
		n, at = int64(binary.LittleEndian.Uint16(pre[8:])), 10
	case 2, 3:
		if _, err := io.ReadFull(r, pre[8:12]); err != nil {
			return h, fmt.Errorf("expected a .npy header: %w", noEOF(err))
		}
		n, at = int64(binary.LittleEndian.Uint32(pre[8:])), 12
	default:
		return h, fmt.Errorf("expected .npy format version 1, 2 or 3, got %d", pre[6])
	}
	if n > maxNpyHeader {
		return h, fmt.Errorf("expected at most %d bytes of .npy header, got %d", maxNpyHeader, n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, fmt.Errorf("expected a .npy header of %d bytes: %w", n, noEOF(err))
	}
	h.length = at + n
	return h, h.parse(string(text))
}

// noEOF turns the end of a file into an unexpected one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parse reads the Python dictionary of the header, whose three keys may come in
// any order.
func (h *npyHeader) parse(text string) error {
	bad := func(why string) error { return fmt.Errorf("expected a .npy header, got %s in %.80q", why, text) }
	p := pyScanner{rest: strings.TrimSpace(text)}
	if !p.take("{") {
		return bad("no dictionary")
	}
	var seen []string
	var descr string
	plain := true
	for !p.take("}") {
		key, ok := p.quoted()
		if !ok || !p.take(":") {
			return bad("no key")
		}
		if slices.Contains(seen, key) {
			return bad("a key twice")
		}
		seen = append(seen, key)
		switch key {
		case "descr":
			if descr, ok = p.quoted(); !ok {
				plain = false
				ok = p.skipBrackets()
			}
		case "fortran_order":
			h.fortran, ok = p.boolean()
		case "shape":
			h.shape, ok = p.tuple()
		default:
			return bad("an unknown key")
		}
		if !ok {
			return bad("a bad " + key)
		}
		if !p.take(",") && !strings.HasPrefix(p.rest, "}") {
			return bad("no comma")
		}
	}
	if p.rest != "" || len(seen) != 3 {
		return bad("a bad dictionary")
	}
	if _, ok := h.count(); !ok {
		return bad("an absurd shape")
	}
	if !plain {
		return errNpyType
	}
	return h.parseType(descr)
}

func (h *npyHeader) parseType(descr string) error {
	if len(descr) < 3 {
		return errNpyType
	}
	switch descr[0] {
	case '<', '|', '=':
		h.order = binary.LittleEndian
	case '>':
		h.order = binary.BigEndian
	default:
		return errNpyType
	}
	switch descr[1:] {
	case "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1":
		h.kind, h.size = descr[1], int(descr[2]-'0')
		return nil
	}
	return errNpyType
}

// count returns the number of elements, or false if it does not fit.
func (h *npyHeader) count() (int64, bool) {
	n := int64(1)
	zero := false
	for _, k := range h.shape {
		if k == 0 {
			zero = true
			continue
		}
		if n > math.MaxInt64/16/int64(k) {
			return 0, false
		}
		n *= int64(k)
	}
	if zero {
		return 0, true
	}
	return n, true
}

// checkSize returns an error unless the array fills exactly size bytes, header
// included. It is what bounds allocations by the size of the file.
func (h *npyHeader) checkSize(size int64) error {
	n, ok := h.count()
	if !ok {
		return fmt.Errorf("expected a shape that fits the file, got %v", h.shape)
	}
	if want := h.length + n*int64(h.size); size != want {
		return fmt.Errorf("expected %d bytes for an array of shape %v, got %d (truncated or corrupt)", want, h.shape, size)
	}
	return nil
}

// decode converts len(dst) elements of buf.
func (h *npyHeader) decode(dst []float64, buf []byte) {
	buf = buf[:len(dst)*h.size]
	o := h.order
	switch h.kind {
	case 'f':
		if h.size == 8 {
			for i := range dst {
				dst[i] = math.Float64frombits(o.Uint64(buf[8*i:]))
			}
			return
		}
		for i := range dst {
			dst[i] = float64(math.Float32frombits(o.Uint32(buf[4*i:])))
		}
	case 'i':
		for i := range dst {
			dst[i] = float64(signed(o, buf[h.size*i:], h.size))
		}
	default:
		for i := range dst {
			dst[i] = float64(unsigned(o, buf[h.size*i:], h.size))
		}
	}
}

func unsigned(o binary.ByteOrder, b []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(o.Uint16(b))
	case 4:
		return uint64(o.Uint32(b))
	default:
		return o.Uint64(b)
	}
}

func signed(o binary.ByteOrder, b []byte, size int) int64 {
	shift := 64 - 8*size
	return int64(unsigned(o, b, size)<<shift) >> shift
}

// appendNpyHeader appends the header of a little-endian float array in C order. With
// a width of 0 it has the length that NumPy gives it; otherwise that many bytes.
func appendNpyHeader(b []byte, elem, width int, shape ...int) []byte {
	dict := fmt.Sprintf("{'descr': '<f%d', 'fortran_order': False, 'shape': (", elem)
	for i, n := range shape {
		if i > 0 {
			dict += ", "
		}
		dict += strconv.Itoa(n)
	}
	if len(shape) == 1 {
		dict += ","
	}
	dict += "), }"
	if width == 0 {
		// Data starts at a multiple of 64 bytes; the text ends with a newline.
		width = (len(npyMagic) + 4 + len(dict) + 1 + 63) / 64 * 64
	}
	text := width - len(npyMagic) - 4
	b = append(b, npyMagic...)
	b = append(b, 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(text))
	b = append(b, dict...)
	b = append(b, strings.Repeat(" ", text-1-len(dict))...)
	return append(b, '\n')
}

// pyScanner reads the few Python literals of a .npy header.
type pyScanner struct{ rest string }

func (p *pyScanner) advance(n int) { p.rest = strings.TrimLeft(p.rest[n:], " \t\r\n") }

func (p *pyScanner) take(s string) bool {
	if !strings.HasPrefix(p.rest, s) {
		return false
	}
	p.advance(len(s))
	return true
}

// quoted reads a string without escapes.
func (p *pyScanner) quoted() (string, bool) {
	if p.rest == "" || (p.rest[0] != '\'' && p.rest[0] != '"') {
		return "", false
	}
	end := strings.IndexByte(p.rest[1:], p.rest[0])
	if end < 0 {
		return "", false
	}
	s := p.rest[1 : 1+end]
	p.advance(end + 2)
	return s, !strings.ContainsRune(s, '\\')
}

func (p *pyScanner) boolean() (value, ok bool) {
	if p.take("True") {
		return true, true
	}
	return false, p.take("False")
}

func (p *pyScanner) tuple() ([]int, bool) {
	if !p.take("(") {
		return nil, false
	}
	var dims []int
	for !p.take(")") {
		n := 0
		for n < len(p.rest) && '0' <= p.rest[n] && p.rest[n] <= '9' {
			n++
		}
		k, err := strconv.Atoi(p.rest[:n])
		if err != nil || len(dims) == maxNpyRank {
			return nil, false
		}
		dims = append(dims, k)
		p.advance(n)
		if !p.take(",") && (len(dims) < 2 || !strings.HasPrefix(p.rest, ")")) {
			return nil, false
		}
	}
	return dims, true
}

// skipBrackets skips a list or tuple: the element type of a structured array.
func (p *pyScanner) skipBrackets() bool {
	depth := 0
	for {
		switch {
		case p.rest == "":
			return false
		case p.rest[0] == '[' || p.rest[0] == '(':
			depth++
		case p.rest[0] == ']' || p.rest[0] == ')':
			depth--
		case p.rest[0] == '\'' || p.rest[0] == '"':
			if _, ok := p.quoted(); !ok {
				return false
			}
			continue
		case depth == 0:
			return false
		}
		p.advance(1)
		if depth == 0 {
			return true
		}
	}
}
