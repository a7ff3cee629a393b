// Package results collects the numbers of an example program and writes them to
// results.json, in a form that other programs can compare.
package results

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/stats"
)

// File is the content of results.json. The order of results is that of Add.
type File struct {
	Parameters map[string]any `json:"parameters"`
	Results    []Result       `json:"results"`
}

// Result is one number: the value of an observable on an ensemble. Value and Error
// are nil where they are not known or not finite.
type Result struct {
	Ensemble   string   `json:"ensemble"`
	Observable string   `json:"observable"`
	Value      *float64 `json:"value"`
	Error      *float64 `json:"error"`
}

// New returns an empty file with the given parameters.
func New(parameters map[string]any) *File {
	return &File{Parameters: parameters, Results: []Result{}}
}

// Add appends a number with its error; a NaN error means that it is not known.
func (f *File) Add(ensemble, observable string, e stats.Estimate) {
	f.Results = append(f.Results, Result{ensemble, observable, finite(e.Value), finite(e.Error)})
}

// Get returns a number added before, and whether there is one.
func (f *File) Get(ensemble, observable string) (stats.Estimate, bool) {
	for _, r := range f.Results {
		if r.Ensemble == ensemble && r.Observable == observable {
			e := stats.Estimate{Value: math.NaN(), Error: math.NaN()}
			if r.Value != nil {
				e.Value = *r.Value
			}
			if r.Error != nil {
				e.Error = *r.Error
			}
			return e, true
		}
	}
	return stats.Estimate{}, false
}

func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// Write writes the file, atomically.
func (f *File) Write(path string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		if err := e.Encode(f); err != nil {
			return fmt.Errorf("results: %w", err)
		}
		return nil
	})
}
