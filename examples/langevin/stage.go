package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/internal/stage"
)

// stagesFolder is the folder of the finished stages within that of the run.
const stagesFolder = "stages"

// finished is the file of a finished stage: what it added to the table.
type finished struct {
	Stage   string           `json:"stage"`
	Results []results.Result `json:"results"`
	// SHA256 is the sum of the results as JSON without white space. A float64 survives
	// JSON exactly, so that the sum can be taken of what was read.
	SHA256 string `json:"sha256"`
}

func stagePath(name string) string { return filepath.Join(stagesFolder, name+".json") }

// stage runs f, a part of the run whose outcome is its plots and what it adds to the
// table, unless it belongs to another share.
func (l *langevin) stage(ctx context.Context, name string, f func() error) error {
	number := l.stages
	l.stages++
	if l.o.task.Part != program.OneShare {
		return l.repeat(ctx, name, f)
	}
	if !l.o.task.Has(number) {
		return nil
	}
	return l.folder.Save(stagePath(name), func(string) error { return l.repeat(ctx, name, f) })
}

// merge takes the stages of all shares with their plots.
func (l *langevin) merge() error {
	shares, err := l.o.task.Collect(l.o.Out, l.parameters())
	if err != nil {
		return err
	}
	for _, s := range shares {
		for _, name := range s.Finished() {
			if name == program.ResultsFile {
				continue
			}
			if err := l.folder.Take(s, name); err != nil {
				return err
			}
		}
	}
	return l.table.Merged(program.ResultsPaths(shares)...)
}

// repeat runs f, or repeats what f added to the table if an earlier run has finished the stage. It
// counts as finished once its file is there, which is written last.
func (l *langevin) repeat(ctx context.Context, name string, f func() error) error {
	path := l.folder.Path(stagePath(name))
	switch rows, err := readStage(path, name); {
	case err == nil:
		l.table.Results = append(l.table.Results, rows...)
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	before := len(l.table.Results)
	if err := f(); err != nil {
		return err
	}
	if err := writeStage(path, name, l.table.Results[before:]); err != nil {
		return err
	}
	if err := os.Remove(stage.State(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readStage returns the results of a finished stage. The error is fs.ErrNotExist if it
// is not finished; any other one means a file that cannot be trusted.
func readStage(path, name string) ([]results.Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	damaged := func(what any) error {
		return fmt.Errorf("expected the finished stage %s in %s, got a damaged file: %v; remove it to repeat this stage", name, path, what)
	}
	var have finished
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&have); err != nil {
		return nil, damaged(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, damaged("text behind its end")
	}
	if have.Stage != name {
		return nil, damaged(fmt.Sprintf("it is of stage %q", have.Stage))
	}
	sum, err := checksum(have.Results)
	if err != nil {
		return nil, damaged(err)
	}
	if len(have.Results) == 0 || sum != have.SHA256 {
		return nil, damaged("the checksum of its results differs")
	}
	return have.Results, nil
}

func writeStage(path, name string, rows []results.Result) error {
	sum, err := checksum(rows)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(finished{name, rows, sum}, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

func checksum(rows []results.Result) (string, error) {
	text, err := json.Marshal(rows)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
