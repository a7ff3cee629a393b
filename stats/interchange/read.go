package interchange

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/latdiff/latdiff/stats"
)

// maxBytes bounds the text of a file, of which a thousandth may be enough compressed.
const maxBytes = 256 << 20

// document is the part of a pyerrors file that is read.
type document struct {
	Description json.RawMessage `json:"description"`
	Structures  []structure     `json:"obsdata"`
}

// structure is an Obs, or a List or Array of those with common steps.
type structure struct {
	Type   string            `json:"type"`
	Tag    json.RawMessage   `json:"tag"`
	Value  []float64         `json:"value"`
	Data   []ensembleData    `json:"data"`
	Others []json.RawMessage `json:"cdata"`
}

type ensembleData struct {
	ID      string `json:"id"`
	Replica []struct {
		Name string `json:"name"`
		// Deltas has the step and the deviation of every observable, for each measurement.
		Deltas [][]float64 `json:"deltas"`
	} `json:"replica"`
}

// ReadPyerrors reads a file in the JSON format of pyerrors, gzipped or not: its description,
// and its observables by ensembles, in the order of the file. An Obs is an observable whose
// name is its tag; of a list or an array every element is one. Without a tag the name is obs
// with the number of the structure, and of the element in brackets. For an Obs that is a
// function of others the series is the linearised one, as pyerrors has it.
//
// It returns an error for a file that is none or is longer than 256 MiB, for correlators (Corr;
// convert them to lists), for an Obs of several ensembles or with given covariances, and for
// steps that do not ascend.
func ReadPyerrors(r io.Reader) (description string, ensembles []Ensemble, err error) {
	doc, err := parse(r)
	if err != nil {
		return "", nil, fmt.Errorf("interchange: pyerrors file: %w", err)
	}
	// Of a dictionary the description is a structure, which stays text.
	if json.Unmarshal(doc.Description, &description) != nil {
		description = string(doc.Description)
	}
	at := map[string]int{}
	for i, s := range doc.Structures {
		name, observables, err := s.observables(i)
		if err != nil {
			return "", nil, fmt.Errorf("interchange: pyerrors file: structure %d: %w", i, err)
		}
		if _, ok := at[name]; !ok {
			at[name] = len(ensembles)
			ensembles = append(ensembles, Ensemble{Name: name})
		}
		e := &ensembles[at[name]]
		e.Observables = append(e.Observables, observables...)
	}
	return description, ensembles, nil
}

func parse(r io.Reader) (*document, error) {
	b := bufio.NewReader(r)
	// An error of Peek shows again in what follows.
	magic, _ := b.Peek(2)
	var text io.Reader = b
	if string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		text = z
	}
	limited := &io.LimitedReader{R: text, N: maxBytes}
	var doc document
	err := json.NewDecoder(limited).Decode(&doc)
	switch {
	case limited.N <= 0:
		return nil, fmt.Errorf("expected at most %d bytes of text", maxBytes)
	case err != nil:
		return nil, err
	case len(doc.Structures) == 0:
		return nil, errors.New("expected at least one structure in obsdata, got none")
	}
	return &doc, nil
}

// observables returns the observables of a structure, and the name of their ensemble.
func (s structure) observables(number int) (ensemble string, out []Observable, err error) {
	switch {
	case s.Type != "Obs" && s.Type != "List" && s.Type != "Array":
		return "", nil, fmt.Errorf("expected an Obs, List or Array, got %q", s.Type)
	case len(s.Others) > 0 || len(s.Data) != 1:
		return "", nil, fmt.Errorf("expected measurements on one ensemble, got %d and %d given covariances", len(s.Data), len(s.Others))
	case len(s.Value) == 0 || s.Type == "Obs" && len(s.Value) != 1:
		return "", nil, fmt.Errorf("expected a value of %s, got %d", s.Type, len(s.Value))
	}
	data := s.Data[0]
	// Tags that are not text are no names.
	var tags []*string
	if json.Unmarshal(s.Tag, &tags) != nil {
		tags = nil
	}
	for k, value := range s.Value {
		o := Observable{Name: fmt.Sprintf("obs%d", number)}
		if s.Type != "Obs" {
			o.Name += fmt.Sprintf("[%d]", k)
		}
		if k < len(tags) && tags[k] != nil {
			o.Name = *tags[k]
		}
		for _, r := range data.Replica {
			rep := Replica{Name: strings.TrimPrefix(strings.TrimPrefix(r.Name, data.ID), "|")}
			if rep.Name == "" {
				rep.Name = r.Name
			}
			rep.Replica = stats.Replica{Steps: make([]int, len(r.Deltas)), Values: make([]float64, len(r.Deltas))}
			for j, d := range r.Deltas {
				if len(d) != 1+len(s.Value) {
					return "", nil, fmt.Errorf("expected a step and %d deviations in each row of replica %s, got %d numbers", len(s.Value), r.Name, len(d))
				}
				if d[0] != math.Trunc(d[0]) || math.Abs(d[0]) > math.MaxInt32 {
					return "", nil, fmt.Errorf("expected whole numbers of 32 bits as steps of replica %s, got %v", r.Name, d[0])
				}
				rep.Steps[j], rep.Values[j] = int(d[0]), value+d[1+k]
			}
			o.Replicas = append(o.Replicas, rep)
		}
		if err := o.check(); err != nil {
			return "", nil, err
		}
		out = append(out, o)
	}
	return data.ID, out, nil
}
