package npz

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Type is the type of the elements of an array.
type Type struct {
	// Descr is the type as the header spells it: "<f8", or a Python list of the fields
	// of a structured type.
	Descr string

	kind  byte // 'f', 'i', 'u' or 'b' as in NumPy; 0 for what is no plain number
	size  int  // bytes of an element
	order binary.ByteOrder
}

// spellings are other ways to write a type than that of NumPy itself, a kind and a number
// of bytes. Types whose size depends on the machine are not among them.
var spellings = map[string]string{
	"e": "f2", "f": "f4", "d": "f8", "?": "b1", "b": "i1", "B": "u1", "h": "i2", "H": "u2",
	"i": "i4", "I": "u4", "q": "i8", "Q": "u8", "F": "c8", "D": "c16",
	"half": "f2", "single": "f4", "double": "f8", "float": "f8", "bool": "b1", "complex": "c16",
	"float16": "f2", "float32": "f4", "float64": "f8", "complex64": "c8", "complex128": "c16",
	"int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8",
	"uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8",
}

// split returns the byte order, the letter of the kind and the rest of a type.
func (t Type) split() (order binary.ByteOrder, kind byte, rest string) {
	s := t.Descr
	big := strings.HasPrefix(s, ">")
	if s != "" && strings.IndexByte("<>=|", s[0]) >= 0 {
		s = s[1:]
	}
	if code, ok := spellings[s]; ok {
		s = code
	}
	if s == "" {
		return nil, 0, ""
	}
	if order = binary.LittleEndian; big {
		order = binary.BigEndian
	}
	return order, s[0], s[1:]
}

func parseType(descr string) Type {
	t := Type{Descr: descr}
	order, kind, rest := t.split()
	switch string(kind) + rest {
	case "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1":
		t.order, t.kind, t.size = order, kind, int(rest[0]-'0')
	}
	return t
}

// Plain reports whether the elements are real numbers, integers or truth values that
// [Type.Decode] converts.
func (t Type) Plain() bool { return t.kind != 0 }

// Float reports whether the elements are float32 or float64.
func (t Type) Float() bool { return t.kind == 'f' }

// Size returns the bytes of an element, 0 unless the type is plain.
func (t Type) Size() int { return t.size }

// String names the type in NumPy's words, with its spelling in the file.
func (t Type) String() string {
	if strings.HasPrefix(t.Descr, "[") || strings.HasPrefix(t.Descr, "(") {
		return fmt.Sprintf("a structured type %.80s", t.Descr)
	}
	_, kind, rest := t.split()
	bytes, err := strconv.Atoi(rest)
	name := "an unknown type"
	if strings.IndexByte("fciu", kind) >= 0 && err != nil {
		kind = 0
	}
	switch kind {
	case 'f':
		name = fmt.Sprintf("float%d", 8*bytes)
		if bytes > 8 {
			name = "longdouble"
		}
	case 'c':
		name = fmt.Sprintf("complex%d", 8*bytes)
	case 'i':
		name = fmt.Sprintf("int%d", 8*bytes)
	case 'u':
		name = fmt.Sprintf("uint%d", 8*bytes)
	case 'b':
		name = "bool"
	case 'O':
		name = "Python objects"
	case 'S', 'a':
		name = "bytes"
	case 'U':
		name = "text"
	case 'V':
		name = "raw bytes"
	case 'M', 'm':
		name = "times"
	case 'g', 'G':
		name = "longdouble"
	}
	return fmt.Sprintf("%s (%.80q)", name, t.Descr)
}

// Decode converts len(dst) elements of buf.
func (t Type) Decode(dst []float64, buf []byte) {
	buf = buf[:len(dst)*t.size]
	o := t.order
	switch t.kind {
	case 'f':
		if t.size == 8 {
			for i := range dst {
				dst[i] = math.Float64frombits(o.Uint64(buf[8*i:]))
			}
			return
		}
		for i := range dst {
			dst[i] = float64(math.Float32frombits(o.Uint32(buf[4*i:])))
		}
	case 'i':
		shift := 64 - 8*t.size
		for i := range dst {
			dst[i] = float64(int64(t.unsigned(buf[t.size*i:])<<shift) >> shift)
		}
	default:
		for i := range dst {
			dst[i] = float64(t.unsigned(buf[t.size*i:]))
		}
	}
}

func (t Type) unsigned(b []byte) uint64 {
	switch t.size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(t.order.Uint16(b))
	case 4:
		return uint64(t.order.Uint32(b))
	default:
		return t.order.Uint64(b)
	}
}
