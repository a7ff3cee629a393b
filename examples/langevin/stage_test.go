package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/stats"
)

// until is a context that is cancelled once a folder has n files.
type until struct {
	context.Context
	cancel context.CancelFunc
	folder string
	n      int
}

func (u *until) Err() error {
	if list, err := os.ReadDir(u.folder); err == nil && len(list) >= u.n {
		u.cancel()
	}
	return u.Context.Err()
}

// modified returns the time of the last change of every stage of a run.
func modified(t *testing.T, out string) map[string]time.Time {
	t.Helper()
	times := map[string]time.Time{}
	list, err := os.ReadDir(filepath.Join(out, stagesFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		times[e.Name()] = info.ModTime()
	}
	return times
}

// testResume: a run interrupted again and again repeats no finished stage and ends with
// want, the results of a run in one go.
func testResume(t *testing.T, want []byte) {
	out := t.TempDir()
	before := modified(t, out)
	keeps := func() {
		t.Helper()
		after := modified(t, out)
		for name, at := range before {
			if !after[name].Equal(at) {
				t.Errorf("stage %s was repeated", name)
			}
		}
		before = after
	}
	// There are four stages of the toy potential, two exact algorithms, and two theories
	// at four time steps: the run stops within the first and the third of these groups,
	// and between the groups.
	for _, n := range []int{2, 4, 6, 9} {
		ctx, cancel := context.WithCancel(context.Background())
		err := run(&until{Context: ctx, cancel: cancel, folder: filepath.Join(out, stagesFolder), n: n}, tiny(out))
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("after %d stages: expected an interruption, got %v", n, err)
		}
		if keeps(); len(before) != n {
			t.Fatalf("expected %d finished stages, got %v", n, before)
		}
	}
	if err := run(context.Background(), tiny(out)); err != nil {
		t.Fatal(err)
	}
	if keeps(); len(before) != 4+2+2*4 {
		t.Errorf("expected all stages, got %v", before)
	}
	if !bytes.Equal(programtest.Read(t, out, program.ResultsFile), want) {
		t.Error("an interrupted run ended with other results")
	}
}

// TestStageFile: numbers come back exactly, those that are not finite as null, and a
// file that differs in anything is an error that leaves it alone.
func TestStageFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, stagesFolder, "mala.json")
	table := results.New(nil)
	for _, v := range []float64{1. / 3, -0.1, math.Copysign(0, -1), 5e-324, math.MaxFloat64, math.NaN(), math.Inf(1)} {
		table.Add("mala", "phi2", stats.Estimate{Value: v, Error: math.NaN()})
	}
	if err := writeStage(path, "mala", table.Results); err != nil {
		t.Fatal(err)
	}
	rows, err := readStage(path, "mala")
	if err != nil || !reflect.DeepEqual(rows, table.Results) {
		t.Errorf("expected %v, got %v, %v", table.Results, rows, err)
	}
	if rows[2].Value == nil || !math.Signbit(*rows[2].Value) || rows[5].Value != nil || rows[6].Value != nil {
		t.Errorf("expected -0 and two numbers not known, got %v", rows)
	}
	if _, err := readStage(filepath.Join(dir, "none.json"), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("expected no stage, got %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	for name, bad := range map[string]string{
		"empty":           "",
		"truncated":       good[:len(good)/2],
		"digit":           strings.Replace(good, "0.333", "0.334", 1),
		"other stage":     strings.Replace(good, `"stage": "mala"`, `"stage": "reference"`, 1),
		"unknown field":   strings.Replace(good, `"stage"`, `"part": 1, "stage"`, 1),
		"other ensemble":  strings.Replace(good, `"ensemble": "mala"`, `"ensemble": "hmc"`, 1),
		"text behind":     good + "x",
		"nothing in it":   `{"stage": "mala"}`,
		"not even object": "null",
	} {
		if bad == good {
			t.Fatalf("%s: the file is not damaged", name)
		}
		if err := os.WriteFile(path, []byte(bad), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := readStage(path, "mala"); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: expected an error that names the file, got %v", name, err)
		}
	}
}

// TestDamagedStage: the program stops at a damaged stage and leaves its file alone.
func TestDamagedStage(t *testing.T) {
	out := t.TempDir()
	path := filepath.Join(out, stagePath("spectrum_mu2_-0.3"))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), tiny(out)); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("expected an error for the damaged file, got %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "{" {
		t.Errorf("expected the damaged file as it was, got %q, %v", text, err)
	}
	if got := modified(t, out); len(got) != 1 {
		t.Errorf("expected no other stage, got %v", got)
	}
	if _, err := os.Stat(filepath.Join(out, program.ResultsFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a damaged stage led to results")
	}
}
