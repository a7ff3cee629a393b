package interchange

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// WriteInferenceData writes an ensemble as a folder that ArviZ and xarray read: a Zarr store
// (format 2, without compression) with a group posterior, in which every observable is a
// variable over chain and draw. In Python it is
//
//	arviz.from_zarr(folder)                                                  # ArviZ 1
//	arviz.InferenceData.from_datatree(xarray.open_datatree(folder, engine="zarr"))  # ArviZ 0
//
// The coordinate draw is the number of the step. Chains of different lengths are cut to the
// shortest. An existing Zarr store is replaced, after all has been written. It returns an error
// for chains that differ in their steps or have gaps of different lengths, which ArviZ does not
// know, and for a folder that exists and is no Zarr store.
func WriteInferenceData(folder, description string, e Ensemble) error {
	files, err := zarrStore(description, e)
	if err != nil {
		return err
	}
	if err := replaceFolder(folder, files); err != nil {
		return fmt.Errorf("interchange: %w", err)
	}
	return nil
}

// replaceFolder writes files, by their paths in it, into a folder.
func replaceFolder(folder string, files map[string][]byte) error {
	if _, err := os.Stat(folder); err == nil {
		if _, err := os.Stat(filepath.Join(folder, ".zgroup")); err != nil {
			return fmt.Errorf("expected no folder, or a Zarr store to replace, got %s", folder)
		}
	}
	temporary, err := os.MkdirTemp(filepath.Dir(folder), ".tmp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	for name, data := range files {
		path := filepath.Join(temporary, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			return err
		}
	}
	// What MkdirTemp makes is for its owner alone.
	if err := os.Chmod(temporary, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	return os.Rename(temporary, folder)
}

// zarrStore returns the files of the store.
func zarrStore(description string, e Ensemble) (map[string][]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	first := e.Observables[0].Replicas
	draws := len(first[0].Values)
	for _, o := range e.Observables {
		if len(o.Replicas) != len(first) {
			return nil, fmt.Errorf("interchange: expected %d replicas of %s, got %d", len(first), o.Name, len(o.Replicas))
		}
		for _, r := range o.Replicas {
			draws = min(draws, len(r.Values))
		}
	}
	chain, draw := make([]int64, len(first)), make([]int64, draws)
	for i := range chain {
		chain[i] = int64(i)
	}
	for i := range draw {
		draw[i] = int64(first[0].step(i))
	}
	s := store{files: map[string][]byte{}, metadata: map[string]any{}}
	s.group("", map[string]any{})
	s.group(posterior, map[string]any{
		"inference_library": "latdiff", "ensemble": e.Name, "description": description, "sample_dims": dimensions,
	})
	s.array("chain", "<i8", dimensions[:1], []int{len(chain)}, nil, chain)
	s.array("draw", "<i8", dimensions[1:], []int{draws}, nil, draw)
	for _, o := range e.Observables {
		if slices.Contains(dimensions, o.Name) || slices.Contains([]rune(o.Name), '/') {
			return nil, fmt.Errorf("interchange: expected a name of an observable that is no dimension and has no slash, got %q", o.Name)
		}
		values := make([]float64, 0, len(chain)*draws)
		for _, r := range o.Replicas {
			for i := range draw {
				if int64(r.step(i)) != draw[i] {
					return nil, fmt.Errorf("interchange: expected the steps of all replicas of %s to be the same, got %d and %d", o.Name, draw[i], r.step(i))
				}
			}
			values = append(values, r.Values[:draws]...)
		}
		s.array(o.Name, "<f8", dimensions, []int{len(chain), draws}, "NaN", values)
	}
	return s.close()
}

// posterior is the group for the draws of a Markov chain.
const posterior = "posterior"

// dimensions are those of every variable.
var dimensions = []string{"chain", "draw"}

// store is a Zarr store (https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html) in memory.
type store struct {
	files map[string][]byte
	// metadata is all of the JSON files together, which readers look for first.
	metadata map[string]any
	err      error
}

func (s *store) json(name string, v any) {
	data, err := json.MarshalIndent(v, "", " ")
	if s.err == nil {
		s.err = err
	}
	s.files[name] = data
	s.metadata[name] = v
}

func (s *store) group(name string, attributes map[string]any) {
	if name != "" {
		name += "/"
	}
	s.json(name+".zgroup", map[string]int{"zarr_format": 2})
	s.json(name+".zattrs", attributes)
}

// array adds an array in one chunk; values is a slice of numbers of a fixed size.
func (s *store) array(name, dtype string, dims []string, shape []int, fill, values any) {
	name = posterior + "/" + name
	s.json(name+"/.zarray", map[string]any{
		"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": dtype, "order": "C", "fill_value": fill,
		"compressor": nil, "filters": nil,
	})
	s.json(name+"/.zattrs", map[string]any{"_ARRAY_DIMENSIONS": dims})
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, values); s.err == nil {
		s.err = err
	}
	chunk := "0"
	if len(shape) == 2 {
		chunk = "0.0"
	}
	s.files[name+"/"+chunk] = b.Bytes()
}

func (s *store) close() (map[string][]byte, error) {
	data, err := json.MarshalIndent(map[string]any{"zarr_consolidated_format": 1, "metadata": s.metadata}, "", " ")
	if s.err == nil {
		s.err = err
	}
	s.files[".zmetadata"] = data
	for name := range s.files {
		if !fs.ValidPath(name) {
			return nil, fmt.Errorf("interchange: expected names of observables that are names of folders, got %q", name)
		}
	}
	return s.files, s.err
}
