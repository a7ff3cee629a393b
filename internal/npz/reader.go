package npz

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// These bound what a compressed array may claim.
const (
	maxRatio = 128      // of compression
	maxSmall = 16 << 20 // bytes that need no file to back them
)

// maxSkipped bounds the bytes of a member that is read only to compare its checksum.
const maxSkipped = 1 << 20

// Element is a type of elements that archives are written with and read into as they are.
type Element interface {
	float64 | float32 | int64 | uint8
}

func descrOf[T Element]() string {
	switch any(*new(T)).(type) {
	case float64:
		return "<f8"
	case float32:
		return "<f4"
	case int64:
		return "<i8"
	}
	return "|u1"
}

// Reader reads the members of an archive. Those that nobody asks for are not looked at,
// so that they may be anything. It is not safe for concurrent use.
type Reader struct {
	members map[string]*zip.File
	twice   map[string]bool
	size    int64
	left    uint64 // bytes of the file that no member has claimed
}

// NewReader returns a reader of the archive in the size bytes of src.
func NewReader(src io.ReaderAt, size int64) (*Reader, error) {
	z, err := zip.NewReader(src, size)
	if err != nil {
		return nil, err
	}
	r := &Reader{members: make(map[string]*zip.File), twice: make(map[string]bool), size: size, left: uint64(size)}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		name := strings.TrimSuffix(f.Name, ".npy")
		r.twice[name] = r.members[name] != nil
		r.members[name] = f
	}
	return r, nil
}

// Names returns the sorted names of the members, as in NumPy without ".npy".
func (r *Reader) Names() []string { return slices.Sorted(maps.Keys(r.members)) }

// Has reports whether there is a member of that name.
func (r *Reader) Has(name string) bool { return r.members[name] != nil }

// Array is an array in an archive, after its header. [Array.Claim] comes before Read.
type Array struct {
	Header
	r      *Reader
	name   string
	member *zip.File
	body   io.ReadCloser
}

// Open reads the header of the member of that name. The error wraps [ErrFormat] if the
// member is no array. The caller must call [Array.Close].
func (r *Reader) Open(name string) (*Array, error) {
	f := r.members[name]
	if f == nil {
		return nil, fmt.Errorf("expected an array %q in the archive, got %.200q", name, r.Names())
	}
	body, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return nil, fmt.Errorf("array %q: %w (%w)", name, err, ErrFormat)
	}
	if err != nil {
		return nil, fmt.Errorf("array %q: %w", name, err)
	}
	a := &Array{r: r, name: name, member: f, body: body}
	a.Header, err = ReadHeader(body)
	if errors.Is(err, ErrFormat) {
		if err2 := a.Skip(); err2 != nil {
			err = err2
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("array %q: %w", name, err), body.Close())
	}
	return a, nil
}

// Claim returns an error unless the elements are plain numbers that fill the member and
// the member is part of the file: no two arrays that are read share bytes, and none above
// 16 MiB is compressed by more than 128 to one.
func (a *Array) Claim() error {
	packed, size := a.member.CompressedSize64, a.member.UncompressedSize64
	switch {
	case a.r.twice[a.name]:
		return fmt.Errorf("expected distinct arrays, got %q twice", a.name)
	case !a.Type.Plain():
		return fmt.Errorf("expected numbers, got %v", a.Type)
	case packed > a.r.left:
		return fmt.Errorf("expected members within a file of %d bytes, got more", a.r.size)
	case size > maxRatio*packed+maxSmall:
		return fmt.Errorf("expected compression by at most %d to 1, got %d bytes from %d", maxRatio, size, packed)
	}
	a.r.left -= packed
	return a.CheckSize(int64(size))
}

// Skip leaves the array alone. It returns an error if the member is found to be damaged,
// and perhaps only for this reason not what was looked for; those above 1 MiB are not
// read.
func (a *Array) Skip() error {
	if a.member.UncompressedSize64 > maxSkipped {
		return nil
	}
	_, err := io.Copy(io.Discard, a.body) // to the end, where the checksum is compared
	return err
}

// Stored returns the number of bytes that the array takes in the file.
func (a *Array) Stored() int64 { return int64(a.member.CompressedSize64) }

// Read reads the elements as they are stored. At the end of the array, where it returns
// [io.EOF], the checksum has been compared.
func (a *Array) Read(p []byte) (int, error) { return a.body.Read(p) }

// Close ends the reading.
func (a *Array) Close() error { return a.body.Close() }

// all claims the array and reads its elements to the end.
func (a *Array) all() ([]byte, error) {
	if err := a.Claim(); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(a.body)
	if want := a.Count() * int64(a.Type.size); err == nil && int64(len(b)) != want {
		err = fmt.Errorf("expected %d bytes, got %d", want, len(b))
	}
	return b, err
}

// Float64s claims the array and reads all elements, in the order of the file, with
// integers beyond 2⁵³ rounded.
func (a *Array) Float64s() ([]float64, error) {
	b, err := a.all()
	if err != nil {
		return nil, fmt.Errorf("array %q: %w", a.name, err)
	}
	x := make([]float64, len(b)/a.Type.size)
	a.Type.Decode(x, b)
	return x, nil
}

// Read returns the elements, in C order, and the shape of the array of that name. It
// returns an error if there is none, if its elements are of another type than T, and if
// it is truncated or corrupt.
func Read[T Element](r *Reader, name string) (x []T, shape []int, err error) {
	a, err := r.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer a.Close()
	if want := parseType(descrOf[T]()); a.Type.kind != want.kind || a.Type.size != want.size {
		return nil, nil, fmt.Errorf("array %q: expected %v, got %v", name, want, a.Type)
	}
	if a.Fortran && len(a.Shape) > 1 {
		return nil, nil, fmt.Errorf("array %q: expected C order, got Fortran order", name)
	}
	b, err := a.all()
	if err == nil {
		x = make([]T, a.Count())
		_, err = binary.Decode(b, a.Type.order, x)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("array %q: %w", name, err)
	}
	return x, a.Shape, nil
}
