package stage_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/stage"
)

type outcome struct {
	X []float64
	N int
}

// A finished stage is not repeated and keeps every bit, NaN included; one that failed
// or was cancelled leaves no file.
func TestDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "first")
	calls := 0
	want := outcome{[]float64{math.Pi, math.NaN(), -1e-300}, 7}
	f := func() (outcome, error) { calls++; return want, nil }
	failure := errors.New("failure")
	if _, err := stage.Do(t.Context(), path, "first", func() (outcome, error) { return want, failure }); !errors.Is(err, failure) {
		t.Errorf("expected the error of the stage, got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := stage.Do(ctx, path, "first", f); !errors.Is(err, context.Canceled) || calls != 0 {
		t.Errorf("expected no call after an interruption, got %d calls and %v", calls, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a stage that is not finished left a file")
	}
	for range 2 {
		got, err := stage.Do(t.Context(), path, "first", f)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range want.X {
			if math.Float64bits(got.X[i]) != math.Float64bits(v) {
				t.Errorf("expected %v, got %v", v, got.X[i])
			}
		}
		if got.N != want.N || calls != 1 {
			t.Errorf("got N = %d after %d calls", got.N, calls)
		}
	}
}

// A file that is damaged or of another stage is refused and left as it is.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "first")
	f := func() (outcome, error) { return outcome{[]float64{1, 2}, 3}, nil }
	if _, err := stage.Do(t.Context(), path, "first", f); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stage.Do(t.Context(), path, "second", f); err == nil {
		t.Error("accepted the file of another stage")
	}
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-1] ^= 1
	for name, bad := range map[string][]byte{"empty": {}, "truncated": good[:len(good)-1], "one bit": flipped, "text": []byte("latdiff stage first x\n")} {
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := stage.Do(t.Context(), path, "first", f); err == nil {
			t.Errorf("%s: accepted a damaged file", name)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(bad) {
			t.Errorf("%s: a damaged file was changed", name)
		}
	}
}
