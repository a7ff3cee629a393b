package lattice

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/latdiff/latdiff/internal/npz"
)

// ReadEnsemble reads the ensemble file at path, see [OpenEnsemble] for what it can
// read, into memory.
func ReadEnsemble(path string) (*Ensemble, error) {
	r, err := OpenEnsemble(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.ReadAll()
}

// EnsembleReader reads an ensemble file one configuration at a time. It is not safe
// for concurrent use.
type EnsembleReader struct {
	name   string
	file   *os.File // nil unless opened by name
	layout Layout
	params map[string]float64
	extra  map[string][]float64

	head   npz.Header
	body   io.Reader
	closer io.Closer // of body; nil for a bare array
	buf    []byte
	mem    []float64 // all fields of an array in Fortran order
	hint   int64     // numbers that are safe to allocate at once
	n, i   int
	err    error
}

// OpenEnsemble opens the ensemble file at path, which is one of
//
//   - a NumPy archive (.npz, as of savez or savez_compressed) whose member cfgs is an
//     array of shape (N, dims...) or, where a member components holds a number C > 1,
//     (N, C, dims...). Of the other members whose names [Ensemble.Check] allows, plain
//     numbers (shape () or, unless N = 1, (1,)) become Params and arrays of shape (N,)
//     become Extra; anything else is not looked at and may be anything. Integers beyond
//     2⁵³ are rounded.
//   - a NumPy array (.npy) of shape (N, dims...). See [Ensemble.As] for components.
//
// The fields must be float32 or float64, in either byte order. An array in Fortran
// order is held in memory as a whole; everything else is read when it is needed.
//
// OpenEnsemble and the methods of the reader return an error for a file that is
// truncated, corrupt or of another kind, if there is no configuration, and if a
// number is not finite. Whatever the headers say, memory is bounded by a multiple of
// the size of the file; for this reason arrays above 16 MiB that are compressed by
// more than 128 to one are refused.
//
// The caller must call Close.
func OpenEnsemble(path string) (*EnsembleReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("lattice: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("expected a regular file, got %v", info.Mode().Type())
	}
	var r *EnsembleReader
	if err == nil {
		r, err = newEnsembleReader(f, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lattice: read %s: %w", path, err)
	}
	r.name, r.file = path, f
	return r, nil
}

// NewEnsembleReader is [OpenEnsemble] for the size bytes of src.
func NewEnsembleReader(src io.ReaderAt, size int64) (*EnsembleReader, error) {
	r, err := newEnsembleReader(src, size)
	if err != nil {
		return nil, fmt.Errorf("lattice: read ensemble: %w", err)
	}
	r.name = "ensemble"
	return r, nil
}

func newEnsembleReader(src io.ReaderAt, size int64) (*EnsembleReader, error) {
	var magic [6]byte
	n, err := src.ReadAt(magic[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	r := &EnsembleReader{params: make(map[string]float64), extra: make(map[string][]float64)}
	switch {
	case npz.IsArray(magic[:n]):
		body := bufio.NewReaderSize(io.NewSectionReader(src, 0, size), 1<<16)
		if r.head, err = npz.ReadHeader(body); err == nil {
			err = r.openArray(body, size, 1, func() error { return r.head.CheckSize(size) })
		}
	case strings.HasPrefix(string(magic[:n]), "PK"):
		err = r.openArchive(src, size)
	default:
		err = fmt.Errorf("expected a NumPy .npz or .npy file, got the first bytes %q", magic[:n])
	}
	if err != nil {
		return nil, errors.Join(err, r.closeBody())
	}
	return r, nil
}

// maxSites bounds the sites that need no file to back them, so that the neighbour tables
// take a bounded multiple of the file's size; beyond, a site takes a byte of file.
const maxSites = 1 << 18

// openArray prepares to read the configurations of the given number of components from
// body, an array with the header in head that takes stored bytes of the file. claim
// returns an error unless the array has the size that the header says.
func (r *EnsembleReader) openArray(body io.Reader, stored int64, components int, claim func() error) error {
	h := &r.head
	switch {
	case !h.Type.Float():
		return fmt.Errorf("expected an array of float32 or float64, got %v", h.Type)
	case len(h.Shape) < 2:
		return fmt.Errorf("expected an array of shape (N, dims...), got shape %v", h.Shape)
	case slices.Contains(h.Shape, 0):
		return fmt.Errorf("expected an ensemble with at least one configuration, got shape %v", h.Shape)
	}
	if err := claim(); err != nil {
		return err
	}
	dims := h.Shape[1:]
	if v := (&npz.Header{Shape: dims}).Count(); v > stored+maxSites {
		return fmt.Errorf("expected at least a byte per site, got shape %v in %d bytes", h.Shape, stored)
	}
	var err error
	if r.layout, err = layoutOf(dims, components); err != nil {
		return fmt.Errorf("shape %v: %w", h.Shape, err)
	}
	r.body, r.n = body, h.Shape[0]
	r.hint = 8 * stored / int64(h.Type.Size())
	r.buf = make([]byte, r.layout.Size()*h.Type.Size())
	if h.Fortran {
		return r.readFortran()
	}
	return nil
}

// layoutOf returns the layout of fields stored in arrays of the given shape.
func layoutOf(shape []int, components int) (Layout, error) {
	if components > 1 {
		if len(shape) < 2 || shape[0] != components {
			return Layout{}, fmt.Errorf("expected fields of %d components and at least one dimension", components)
		}
		shape = shape[1:]
	}
	lat, err := newLattice(shape)
	if err != nil {
		return Layout{}, err
	}
	layout := Vector(lat, components)
	return layout, layout.check()
}

// readFortran reads an array whose first index runs fastest and reorders it.
func (r *EnsembleReader) readFortran() error {
	v := r.layout.Size()
	if err := r.checkMemory(); err != nil {
		return err
	}
	raw, err := r.readNumbers(r.n * v)
	if err != nil {
		return err
	}
	r.mem = make([]float64, len(raw))
	shape := r.layout.Shape()
	for x := range v {
		// The place of element x in row-major order, where the first index is slowest.
		at, size, rest := 0, v, x
		stride := 1
		for _, n := range shape {
			size /= n
			at += rest / size * stride
			rest %= size
			stride *= n
		}
		for i, value := range raw[at*r.n : (at+1)*r.n] {
			r.mem[i*v+x] = value
		}
	}
	return r.end()
}

// checkMemory returns an error if an int cannot count the bytes of all numbers, which
// can only be where it has 32 bits.
func (r *EnsembleReader) checkMemory() error {
	if n := int64(r.n) * int64(r.layout.Size()); n > math.MaxInt/8 {
		return fmt.Errorf("expected at most %d numbers to hold in memory, got %d", math.MaxInt/8, n)
	}
	return nil
}

// readNumbers reads n numbers; memory grows with what has really been read.
func (r *EnsembleReader) readNumbers(n int) ([]float64, error) {
	x := make([]float64, 0, min(int64(n), r.hint))
	size := r.head.Type.Size()
	per := len(r.buf) / size
	for len(x) < n {
		m := min(per, n-len(x))
		b := r.buf[:m*size]
		if _, err := io.ReadFull(r.body, b); err != nil {
			return nil, noEOF(err)
		}
		x = slices.Grow(x, m)[:len(x)+m]
		r.head.Type.Decode(x[len(x)-m:], b)
	}
	return x, nil
}

// end checks that the array ends here, and with it the checksum of a member of an
// archive.
func (r *EnsembleReader) end() error {
	var b [1]byte
	switch n, err := io.ReadFull(r.body, b[:]); {
	case n > 0:
		return fmt.Errorf("expected the end of the array, got more data")
	case err != io.EOF:
		return err
	}
	return nil
}

func (r *EnsembleReader) openArchive(src io.ReaderAt, size int64) error {
	z, err := npz.NewReader(src, size)
	if err != nil {
		return err
	}
	cfgs, err := z.Open(cfgsKey)
	if err != nil {
		return err
	}
	r.closer, r.head = cfgs, cfgs.Header
	components, err := readComponents(z)
	if err != nil {
		return err
	}
	if err := r.openArray(bufio.NewReaderSize(cfgs, 1<<16), cfgs.Stored(), components, cfgs.Claim); err != nil {
		return fmt.Errorf("array %q: %w", cfgsKey, err)
	}
	for _, key := range z.Names() {
		if validName(key) {
			if err := r.readBeside(z, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// readComponents reads the number of components, 1 where the archive does not say.
func readComponents(z *npz.Reader) (int, error) {
	if !z.Has(componentsKey) {
		return 1, nil
	}
	a, err := z.Open(componentsKey)
	if errors.Is(err, npz.ErrFormat) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	defer a.Close()
	if !a.Type.Plain() || a.Count() != 1 {
		if err := a.Skip(); err != nil {
			return 0, fmt.Errorf("array %q: %w", componentsKey, err)
		}
		return 1, nil
	}
	x, err := a.Float64s()
	if err != nil {
		return 0, err
	}
	if !(x[0] >= 1 && x[0] <= MaxComponents) || x[0] != math.Trunc(x[0]) {
		return 0, fmt.Errorf("array %q: expected a number between 1 and %d, got %v", componentsKey, MaxComponents, x[0])
	}
	return int(x[0]), nil
}

// readBeside reads a member into Params or Extra if it is of such a type and shape.
func (r *EnsembleReader) readBeside(z *npz.Reader, key string) error {
	a, err := z.Open(key)
	if errors.Is(err, npz.ErrFormat) {
		return nil
	}
	if err != nil {
		return err
	}
	defer a.Close()
	param := len(a.Shape) == 0 || len(a.Shape) == 1 && a.Shape[0] == 1 && r.n > 1
	if !a.Type.Plain() || !param && (len(a.Shape) != 1 || a.Shape[0] != r.n) {
		if err := a.Skip(); err != nil {
			return fmt.Errorf("array %q: %w", key, err)
		}
		return nil
	}
	x, err := a.Float64s()
	if err != nil {
		return err
	}
	if i, ok := firstNonFinite(x); ok {
		return fmt.Errorf("array %q: expected finite numbers, got %v", key, x[i])
	}
	if param {
		r.params[key] = x[0]
	} else {
		r.extra[key] = x
	}
	return nil
}

// Layout returns the layout of the configurations.
func (r *EnsembleReader) Layout() Layout { return r.layout }

// Len returns the number N of configurations in the file.
func (r *EnsembleReader) Len() int { return r.n }

// Params returns the numbers that describe the ensemble, see [Ensemble]. The caller
// must not modify the map.
func (r *EnsembleReader) Params() map[string]float64 { return r.params }

// Extra returns the further numbers per configuration, see [Ensemble]. The caller
// must not modify the map.
func (r *EnsembleReader) Extra() map[string][]float64 { return r.extra }

// Next writes the next configuration into dst and returns it. A nil dst is
// allocated; otherwise its length must be the size of the layout. The error is [io.EOF] after the last
// configuration. The last one is returned only if the array ends there and, in an
// archive, its checksum is right.
func (r *EnsembleReader) Next(dst []float64) ([]float64, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.i == r.n {
		return nil, io.EOF
	}
	dst = grow(dst, r.layout.Size())
	if err := r.read(dst); err != nil {
		r.err = fmt.Errorf("lattice: read %s: configuration %d of %d: %w", r.name, r.i, r.n, err)
		return nil, r.err
	}
	r.i++
	return dst, nil
}

func (r *EnsembleReader) read(dst []float64) error {
	if r.mem != nil {
		copy(dst, r.mem[r.i*len(dst):])
	} else {
		if _, err := io.ReadFull(r.body, r.buf); err != nil {
			return noEOF(err)
		}
		r.head.Type.Decode(dst, r.buf)
		if r.i+1 == r.n {
			if err := r.end(); err != nil {
				return err
			}
		}
	}
	if x, ok := firstNonFinite(dst); ok {
		return fmt.Errorf("expected a finite field, got %v at %s", dst[x], r.layout.place(x))
	}
	return nil
}

// All iterates over the remaining configurations. The field is valid until the next
// one is read. An error comes with a nil field and ends the iteration.
func (r *EnsembleReader) All() iter.Seq2[[]float64, error] {
	return func(yield func([]float64, error) bool) {
		phi := make([]float64, r.layout.Size())
		for {
			_, err := r.Next(phi)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(phi, nil) {
				return
			}
		}
	}
}

// ReadAll reads the remaining configurations into memory. Params and Extra are those
// of the whole file, so that it returns an error if some have been read before and
// Extra is not empty.
func (r *EnsembleReader) ReadAll() (*Ensemble, error) {
	if r.err == nil && r.i > 0 && len(r.extra) > 0 {
		return nil, fmt.Errorf("lattice: read %s: expected to read all of %d configurations, got %d read before", r.name, r.n, r.i)
	}
	if err := r.checkMemory(); err != nil {
		return nil, fmt.Errorf("lattice: read %s: %w", r.name, err)
	}
	v := r.layout.Size()
	e := &Ensemble{Layout: r.layout, Params: maps.Clone(r.params), Extra: maps.Clone(r.extra)}
	if r.file != nil {
		e.file = r.name
	}
	e.Data = make([]float64, 0, min(int64(r.n-r.i)*int64(v), r.hint))
	for {
		at := len(e.Data)
		if r.i < r.n {
			e.Data = slices.Grow(e.Data, v)
		}
		_, err := r.Next(e.Data[at:min(at+v, cap(e.Data))])
		if err == io.EOF {
			return e, nil
		}
		if err != nil {
			return nil, err
		}
		e.Data = e.Data[:at+v]
	}
}

// Close closes the file. Further calls do nothing.
func (r *EnsembleReader) Close() error {
	err := r.closeBody()
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
		r.file = nil
	}
	if r.err == nil {
		r.err = fmt.Errorf("lattice: read %s: already closed", r.name)
	}
	return err
}

func (r *EnsembleReader) closeBody() error {
	if r.closer == nil {
		return nil
	}
	err := r.closer.Close()
	r.closer = nil
	return err
}

// noEOF turns the end of a file into an unexpected one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
