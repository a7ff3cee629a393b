package npz

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
	magic = "\x93NUMPY"
	// maxHeader bounds the text of a header. NumPy itself refuses more than 10 000
	// bytes unless told otherwise.
	maxHeader = 1 << 16
	// maxRank is the largest number of dimensions that NumPy has.
	maxRank = 64
)

// ErrFormat marks what is no array, or one in a format that this package does not know:
// in an archive, a member to be left alone.
var ErrFormat = errors.New("not an array in a known .npy format")

// Header is the header of an array in the .npy format.
type Header struct {
	Type Type
	// Fortran says that the first index runs fastest.
	Fortran bool
	Shape   []int
	// Length is the number of bytes of the header, with the magic string.
	Length int64
}

// IsArray reports whether a file that starts with these bytes is an array.
func IsArray(first []byte) bool { return strings.HasPrefix(string(first), magic) }

// ReadHeader reads a header of version 1, 2 or 3. The error wraps [ErrFormat] if r has
// something else, and is that of r if it ends within a header. The elements need not be
// numbers, see [Type.Plain].
func ReadHeader(r io.Reader) (Header, error) {
	var h Header
	bad := func(format string, args ...any) (Header, error) {
		return h, fmt.Errorf("%s (%w)", fmt.Sprintf(format, args...), ErrFormat)
	}
	var pre [12]byte
	if n, err := io.ReadFull(r, pre[:8]); !IsArray(pre[:n]) && (err == nil || err == io.EOF || err == io.ErrUnexpectedEOF) {
		return bad("expected a .npy array, got the first bytes %q", pre[:min(n, len(magic))])
	} else if err != nil {
		return h, fmt.Errorf("expected a .npy header: %w", noEOF(err))
	}
	at := 10
	switch pre[6] {
	case 1:
	case 2, 3:
		at = 12
	default:
		return bad("expected .npy format version 1, 2 or 3, got %d", pre[6])
	}
	if _, err := io.ReadFull(r, pre[8:at]); err != nil {
		return h, fmt.Errorf("expected a .npy header: %w", noEOF(err))
	}
	n := int64(binary.LittleEndian.Uint32(pre[8:])) // 0 in the upper half for version 1
	if n > maxHeader {
		return bad("expected at most %d bytes of .npy header, got %d", maxHeader, n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, fmt.Errorf("expected a .npy header of %d bytes: %w", n, noEOF(err))
	}
	h.Length = int64(at) + n
	if why := h.parse(string(text)); why != "" {
		return bad("expected a .npy header, got %s in %.80q", why, text)
	}
	return h, nil
}

// noEOF turns the end of a file into an unexpected one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parse reads the Python dictionary of the header, whose three keys may come in any
// order. It returns what is wrong, or "".
func (h *Header) parse(text string) string {
	p := pyScanner{rest: strings.TrimSpace(text)}
	if !p.take("{") {
		return "no dictionary"
	}
	var seen []string
	for !p.take("}") {
		key, ok := p.quoted()
		if !ok || !p.take(":") {
			return "no key"
		}
		if slices.Contains(seen, key) {
			return "a key twice"
		}
		seen = append(seen, key)
		switch key {
		case "descr":
			h.Type, ok = p.descr()
		case "fortran_order":
			h.Fortran, ok = p.boolean()
		case "shape":
			h.Shape, ok = p.tuple()
		default:
			return "an unknown key"
		}
		if !ok {
			return "a bad " + key
		}
		if !p.take(",") && !strings.HasPrefix(p.rest, "}") {
			return "no comma"
		}
	}
	if p.rest != "" || len(seen) != 3 {
		return "a bad dictionary"
	}
	if _, ok := h.count(); !ok {
		return "an absurd shape"
	}
	return ""
}

// count returns the number of elements, or false if it does not fit.
func (h *Header) count() (int64, bool) {
	n := int64(1)
	for _, k := range h.Shape {
		if k > 0 && n > math.MaxInt64/16/int64(k) {
			return 0, false
		}
		n *= max(int64(k), 1)
	}
	if slices.Contains(h.Shape, 0) {
		return 0, true
	}
	return n, true
}

// Count returns the number of elements, below 2⁶³/16.
func (h *Header) Count() int64 {
	n, _ := h.count()
	return n
}

// CheckSize returns an error unless the array fills exactly size bytes, header included.
// It is what bounds allocations by the size of the file.
func (h *Header) CheckSize(size int64) error {
	if want := h.Length + h.Count()*int64(h.Type.Size()); size != want {
		return fmt.Errorf("expected %d bytes for an array of shape %v, got %d (truncated or corrupt)", want, h.Shape, size)
	}
	return nil
}

// appendHeader appends the header of an array in C order. With a width of 0 it has the
// length that NumPy gives it; otherwise that many bytes.
func appendHeader(b []byte, descr string, width int, shape ...int) []byte {
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (", descr)
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
		width = (len(magic) + 4 + len(dict) + 1 + 63) / 64 * 64
	}
	text := width - len(magic) - 4
	b = append(b, magic...)
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
		if err != nil || len(dims) == maxRank {
			return nil, false
		}
		dims = append(dims, k)
		p.advance(n)
		p.take("L") // Python 2 marks its long integers
		if !p.take(",") && (len(dims) < 2 || !strings.HasPrefix(p.rest, ")")) {
			return nil, false
		}
	}
	return dims, true
}

// descr reads an element type: a string or, for structured types, a list or tuple.
func (p *pyScanner) descr() (Type, bool) {
	if s, ok := p.quoted(); ok {
		return parseType(s), true
	}
	start := p.rest
	ok := p.skipBrackets()
	return Type{Descr: strings.TrimSpace(start[:len(start)-len(p.rest)])}, ok
}

// skipBrackets skips a list or tuple.
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
