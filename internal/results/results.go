// Package results collects the numbers of an example program and writes them to
// results.json, in a form that other programs can compare.
package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/provenance"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// File is the content of results.json. The order of results is that of Add.
type File struct {
	Parameters map[string]any `json:"parameters"`
	Results    []Result       `json:"results"`
	// Provenance says where the numbers come from. It is no part of them: runs with the same
	// parameters differ in it, see [Numbers].
	Provenance *provenance.Record `json:"provenance,omitempty"`
}

// Result is one number: the value of an observable on an ensemble. Value and Error
// are nil where they are not known or not finite.
type Result struct {
	Ensemble   string   `json:"ensemble"`
	Observable string   `json:"observable"`
	Value      *float64 `json:"value"`
	Error      *float64 `json:"error"`
}

// New returns an empty file with the given parameters, whose seed and backend are also its
// provenance.
func New(parameters map[string]any) *File {
	p := provenance.New()
	p.Seed, p.Backend = parameters["seed"], parameters["backend"]
	return &File{Parameters: parameters, Results: []Result{}, Provenance: p}
}

// Inputs adds the digests of files that the user named to the provenance.
func (f *File) Inputs(paths ...string) error {
	for _, path := range paths {
		if err := f.Provenance.Input(path); err != nil {
			return err
		}
	}
	return nil
}

// Block adds what the log-weights of a block of proposals say, if they are many enough for
// errors.
func (e Ensemble) Block(action, logq []float64) error {
	const least = 16
	if len(logq) < least {
		return nil
	}
	return e.Add(measure.Likelihood(action, logq))
}

// Merged adds the provenance of the shares whose results are in the given files.
func (f *File) Merged(paths ...string) error {
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("results: %w", err)
		}
		var share File
		if err := json.Unmarshal(text, &share); err != nil {
			return fmt.Errorf("results: %s: %w", path, err)
		}
		f.Provenance.Shares = append(f.Provenance.Shares, share.Provenance)
	}
	return nil
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

// Write writes the file, atomically. A file that has the same numbers already stays as it is,
// with the provenance of the run that found them. One that was read may have no provenance.
func (f *File) Write(path string) error {
	if f.Provenance != nil {
		f.Provenance.Finish()
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", " ")
	if err := e.Encode(f); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	if same, err := sameNumbers(path, text.Bytes()); same || err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(text.Bytes())
		return err
	})
}

// sameNumbers tells whether there is a file with a provenance and the numbers of text.
func sameNumbers(path string, text []byte) (bool, error) {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("results: %w", err)
	}
	had, err := Numbers(old)
	if err != nil {
		return false, nil // damaged, and written again
	}
	has, err := Numbers(text)
	return bytes.Equal(had, has) && bytes.Contains(old, []byte(`"provenance"`)), err
}

// Numbers returns the content of a results.json without its provenance, for comparisons: runs
// with the same parameters agree in it byte by byte.
func Numbers(text []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	delete(members, "provenance")
	numbers, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return numbers, nil
}
