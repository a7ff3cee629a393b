package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
)

// outcome is the files of a folder by their names.
type outcome map[string][]byte

func read(folder string) (outcome, error) {
	o := outcome{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		// When and where a run was made is not what it gave.
		if err == nil && d.Name() == program.ResultsFile {
			text, err = results.Numbers(text)
		}
		o[filepath.ToSlash(name)] = text
		return err
	})
	return o, err
}

// reference is what undisturbed runs have in common.
type reference struct {
	files outcome
	// loose are the files whose bytes differ from one undisturbed run to the next, with the
	// places in JSON texts where they do; nil for others.
	loose map[string]map[string]bool
}

// common returns what two undisturbed runs have in common.
func common(a, b outcome) (*reference, error) {
	if x, y := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)); !slices.Equal(x, y) {
		return nil, fmt.Errorf("expected the same files from two undisturbed runs, got %q and %q", x, y)
	}
	r := &reference{files: a, loose: map[string]map[string]bool{}}
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			r.loose[name] = nil
			if strings.HasSuffix(name, ".json") {
				r.loose[name] = map[string]bool{}
			}
		}
	}
	// Digests of files that differ differ too, and so do numbers that come from times.
	for name := range r.loose {
		if r.loose[name] == nil {
			continue
		}
		x, err := leaves(a[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		y, err := leaves(b[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for place := range differing(x, y) {
			r.loose[name][place] = true
		}
	}
	return r, nil
}

// differences lists what a disturbed run has left that is not what undisturbed ones leave.
func (r *reference) differences(o outcome) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		got, ok := o[name]
		places, loose := r.loose[name]
		switch {
		case !ok:
			list = append(list, name+" is missing")
		case bytes.Equal(got, r.files[name]) || loose && places == nil:
		case !loose:
			list = append(list, name+" has other bytes")
		default:
			want, err1 := leaves(r.files[name])
			have, err2 := leaves(got)
			if err1 != nil || err2 != nil {
				list = append(list, name+" is no JSON")
				continue
			}
			for _, place := range slices.Sorted(maps.Keys(differing(want, have))) {
				if !places[place] {
					list = append(list, fmt.Sprintf("%s differs at %s", name, place))
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if _, ok := r.files[name]; !ok {
			list = append(list, name+" is left over")
		}
	}
	return list
}

// summary says what is not compared.
func (r *reference) summary() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r.loose)) {
		if places := r.loose[name]; places != nil {
			list = append(list, fmt.Sprintf("%d numbers of %s", len(places), name))
		} else {
			list = append(list, name)
		}
	}
	if list == nil {
		return "–"
	}
	return strings.Join(list, ", ")
}

// leaves returns the values in a JSON text by their places.
func leaves(text []byte) (map[string]string, error) {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	out := map[string]string{}
	collect(out, "", value)
	return out, nil
}

func collect(out map[string]string, place string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, x := range v {
			collect(out, place+"/"+key, x)
		}
	case []any:
		for i, x := range v {
			collect(out, fmt.Sprintf("%s/%d", place, i), x)
		}
	default:
		out[place] = fmt.Sprint(v)
	}
}

// differing returns the places at which two texts differ.
func differing(a, b map[string]string) map[string]bool {
	places := map[string]bool{}
	for _, pair := range [][2]map[string]string{{a, b}, {b, a}} {
		for place, x := range pair[0] {
			if y, ok := pair[1][place]; !ok || x != y {
				places[place] = true
			}
		}
	}
	return places
}
