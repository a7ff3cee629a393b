// Package stage keeps the outcome of finished parts of a run in files, and Markov chains on their
// way, so that an interrupted run continues behind them with the numbers that it would have had.
package stage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/latdiff/latdiff/internal/atomicfile"
)

const magic = "latdiff stage"

// Do returns the outcome of the stage called name: what f returns, or if the file at
// path holds it, what f returned in an earlier run. The file appears whole, once f has
// succeeded, in a folder that is made if need be; the numbers in a slice survive it
// bit by bit, a field of a struct that is -0 becomes 0. Before f is called the folder exists,
// so that f can keep its own [State] there, which is removed in the end. It
// returns the errors of ctx and of f, and an error for a file that is damaged or of
// another stage, which stays as it is. T must be fit for encoding/gob and hold no maps.
func Do[T any](ctx context.Context, path, name string, f func() (T, error)) (T, error) {
	outcome, err := Load[T](path, name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return outcome, err
	}
	if err := ctx.Err(); err != nil {
		return outcome, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return outcome, err
	}
	if outcome, err = f(); err != nil {
		return outcome, err
	}
	if err := Save(path, name, outcome); err != nil {
		return outcome, err
	}
	if err := os.Remove(State(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return outcome, err
	}
	return outcome, nil
}

// State returns the path at which a stage keeps the state of what is unfinished.
func State(path string) string { return path + ".state" }

func header(name string, payload []byte) string {
	sum := sha256.Sum256(payload)
	return fmt.Sprintf("%s %s %s\n", magic, name, hex.EncodeToString(sum[:]))
}

// Load reads what [Save] wrote. The error is fs.ErrNotExist if there is no such file; any other one
// means a file that is damaged or of another stage.
func Load[T any](path, name string) (T, error) {
	var outcome T
	if err := checkType(reflect.TypeFor[T]()); err != nil {
		return outcome, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return outcome, err
	}
	first, payload, _ := bytes.Cut(text, []byte("\n"))
	if !strings.HasPrefix(string(first), magic+" "+name+" ") || string(first)+"\n" != header(name, payload) {
		return outcome, fmt.Errorf("expected the finished stage %s in %s, got a damaged file; remove it to repeat this stage", name, path)
	}
	if err := gob.NewDecoder(bytes.NewReader(payload)).Decode(&outcome); err != nil {
		return outcome, fmt.Errorf("expected the finished stage %s in %s: %w; remove it to repeat this stage", name, path, err)
	}
	return outcome, nil
}

// checkType returns an error for a type that holds a map: encoding/gob makes one as large as a file says
// before it reads what is in it, of any size for a few bytes.
func checkType(t reflect.Type) error {
	seen := map[reflect.Type]bool{}
	var holds func(t reflect.Type) bool
	holds = func(t reflect.Type) bool {
		if seen[t] {
			return false
		}
		seen[t] = true
		switch t.Kind() {
		case reflect.Map:
			return true
		case reflect.Slice, reflect.Array, reflect.Pointer:
			return holds(t.Elem())
		case reflect.Struct:
			for field := range t.Fields() {
				if holds(field.Type) {
					return true
				}
			}
		}
		return false
	}
	if holds(t) {
		return fmt.Errorf("expected an outcome without maps for a stage, got %v", t)
	}
	return nil
}

// Save writes the outcome of the stage called name, or what there is of it. The file appears whole.
func Save[T any](path, name string, outcome T) error {
	if err := checkType(reflect.TypeFor[T]()); err != nil {
		return err
	}
	var payload bytes.Buffer
	if err := gob.NewEncoder(&payload).Encode(outcome); err != nil {
		return fmt.Errorf("outcome of the stage %s: %w", name, err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, header(name, payload.Bytes())); err != nil {
			return err
		}
		_, err := w.Write(payload.Bytes())
		return err
	})
}
