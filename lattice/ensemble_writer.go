package lattice

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/npz"
)

// cfgsKey names the array of configurations in a file, componentsKey the number of
// components, by which (N, C, L) is not taken for a lattice of two dimensions.
const (
	cfgsKey       = "cfgs"
	componentsKey = "components"
)

// EnsembleFormat chooses how ensemble files are written. The zero value stores
// fields in double precision, which loses nothing.
type EnsembleFormat struct {
	// Float32 stores the fields, though not Params and Extra, in single precision.
	Float32 bool
}

func (f EnsembleFormat) elem() int {
	if f.Float32 {
		return 4
	}
	return 8
}

// WriteEnsemble writes e to the file at path in the zero [EnsembleFormat].
func WriteEnsemble(path string, e *Ensemble) error { return EnsembleFormat{}.Write(path, e) }

// Write writes e to the file at path as an uncompressed NumPy archive (.npz):
//
//	cfgs     (N, dims...)  the configurations, float64 or float32; for C > 1
//	                       components of shape (N, C, dims...)
//	components  ()         the number of components, if it is not 1
//	<name>   ()            every entry of Params, float64
//	<name>   (N,)          every entry of Extra, float64
//
// In Python, numpy.load(path)["cfgs"] is the array of the fields. The file appears
// whole or not at all, and equal ensembles give equal bytes. Write returns an error
// if [Ensemble.Check] does, if a field overflows float32, or if writing fails.
func (f EnsembleFormat) Write(path string, e *Ensemble) error {
	if err := e.check(); err != nil {
		return fmt.Errorf("lattice: write %s: %w", path, err)
	}
	w, err := f.Create(path, e.Layout)
	if err != nil {
		return err
	}
	defer w.Close()
	for i := range e.Len() {
		if err := w.Append(e.Config(i)); err != nil {
			return err
		}
	}
	w.Params, w.Extra = e.Params, e.Extra
	return w.Commit()
}

// EnsembleWriter writes an ensemble file one configuration at a time, with memory
// for one configuration and for Extra. It is not safe for concurrent use.
type EnsembleWriter struct {
	// Params and Extra are what [Ensemble] has under these names. They are read by
	// Commit, when every slice of Extra must have Len elements.
	Params map[string]float64
	Extra  map[string][]float64

	path   string
	layout Layout
	format EnsembleFormat
	file   *atomicfile.File
	zip    *npz.Writer
	cfgs   *npz.Stream
	n      int
	buf    []byte
}

// CreateEnsemble starts to write an ensemble of the layout to the file at path in the
// zero [EnsembleFormat].
func CreateEnsemble(path string, layout Layout) (*EnsembleWriter, error) {
	return EnsembleFormat{}.Create(path, layout)
}

// Create starts to write an ensemble of the layout to the file at path, in the format of
// [EnsembleFormat.Write]. The file appears at Commit; until then, and after an
// error, a file of that name is untouched. The caller must call Close, normally in a
// defer.
func (f EnsembleFormat) Create(path string, layout Layout) (*EnsembleWriter, error) {
	if err := layout.check(); err != nil {
		return nil, fmt.Errorf("lattice: write %s: %w", path, err)
	}
	file, err := atomicfile.Create(path)
	if err != nil {
		return nil, fmt.Errorf("lattice: %w", err)
	}
	w := &EnsembleWriter{
		Params: make(map[string]float64),
		Extra:  make(map[string][]float64),
		path:   path,
		layout: layout,
		format: f,
		file:   file,
		zip:    npz.NewWriter(file),
		buf:    make([]byte, layout.Size()*f.elem()),
	}
	if w.cfgs, err = w.zip.NewStream(cfgsKey, f.Float32, layout.Shape()...); err != nil {
		file.Close()
		return nil, w.fail(err)
	}
	return w, nil
}

func (w *EnsembleWriter) fail(err error) error {
	return fmt.Errorf("lattice: write %s: %w", w.path, err)
}

// Len returns the number of configurations appended so far.
func (w *EnsembleWriter) Len() int { return w.n }

// Append writes one configuration. It returns an error, and writes nothing, if phi
// does not have the size of the layout or a number is not finite in the format of the file.
func (w *EnsembleWriter) Append(phi []float64) error {
	if err := w.layout.checkField(phi); err != nil {
		return w.fail(err)
	}
	if w.format.Float32 {
		for x, v := range phi {
			s := float32(v)
			if math.IsInf(float64(s), 0) {
				return w.fail(fmt.Errorf("expected a field within single precision, got %v at %s", v, w.layout.place(x)))
			}
			binary.LittleEndian.PutUint32(w.buf[4*x:], math.Float32bits(s))
		}
	} else {
		for x, v := range phi {
			binary.LittleEndian.PutUint64(w.buf[8*x:], math.Float64bits(v))
		}
	}
	if _, err := w.cfgs.Write(w.buf); err != nil {
		return w.fail(err)
	}
	w.n++
	return nil
}

// Commit completes the file and gives it its name. It returns an error if there is
// no configuration or if Params or Extra do not pass [Ensemble.Check]; the file is
// then dropped.
func (w *EnsembleWriter) Commit() error {
	defer w.file.Close()
	if w.n == 0 {
		return w.fail(fmt.Errorf("expected an ensemble with at least one configuration, got none"))
	}
	if err := checkBeside(w.n, w.Params, w.Extra); err != nil {
		return w.fail(err)
	}
	if err := w.finish(); err != nil {
		return w.fail(err)
	}
	if err := w.file.Commit(); err != nil {
		return w.fail(err)
	}
	return nil
}

// finish completes the archive.
func (w *EnsembleWriter) finish() error {
	if err := w.cfgs.Close(w.n); err != nil {
		return err
	}
	if w.layout.Components != 1 {
		if err := npz.Add(w.zip, componentsKey, []float64{float64(w.layout.Components)}); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.Params)) {
		if err := npz.Add(w.zip, key, []float64{w.Params[key]}); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.Extra)) {
		if err := npz.Add(w.zip, key, w.Extra[key], w.n); err != nil {
			return err
		}
	}
	return w.zip.Close()
}

// Close drops the file unless it has been committed. Further calls do nothing.
func (w *EnsembleWriter) Close() error { return w.file.Close() }
