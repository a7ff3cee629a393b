// Package results collects the numbers of an example program and writes them to
// results.json, in a form that other programs can compare.
package results

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/mcmc/measure"
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

// Ensemble is the part of a file that is about one ensemble.
type Ensemble struct {
	file *File
	name string
}

// Of returns the part of the file about an ensemble.
func (f *File) Of(ensemble string) Ensemble { return Ensemble{f, ensemble} }

// Add appends what a function of package measure returned, or returns its error with the
// name of the ensemble.
func (e Ensemble) Add(values measure.Values, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	for _, v := range values {
		e.file.Add(e.name, v.Name, v.Estimate)
	}
	return nil
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
