package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShares: shares of every kind of chain, each in a process of its own, merge to the files
// of one process, byte by byte.
func TestShares(t *testing.T) {
	for _, c := range []struct {
		alg    string
		shares int
		args   []string
	}{
		{"hmc", 3, []string{"-thin", "2", "-thermalisation", "100", "-chains", "7"}},
		{"cluster", 2, []string{"-thin", "3", "-float32"}},
		{"langevin", 2, []string{"-dtau", "0.05", "-thin", "30", "-chains", "4"}},
		{"paper", 5, nil},
	} {
		whole, parts := t.TempDir(), t.TempDir()
		text := start(t, command(whole, c.alg, c.args...))
		task := func(name string) []string { return command(parts, c.alg, append(c.args, "-task", name)...) }
		for i := range c.shares - 1 {
			start(t, task(fmt.Sprintf("%d/%d", i, c.shares)))
		}
		merge, last := task(fmt.Sprintf("merge/%d", c.shares)), fmt.Sprint(c.shares-1)
		if err := run(t.Context(), io.Discard, merge); err == nil || !strings.Contains(err.Error(), "share "+last+" missing") {
			t.Errorf("%s: expected an error that names the missing share, got %v", c.alg, err)
		}
		t.Setenv("SLURM_ARRAY_TASK_ID", last)
		start(t, task(fmt.Sprintf("slurm/%d", c.shares)))
		again := start(t, task("0/"+fmt.Sprint(c.shares)))
		if !strings.Contains(again, "share 0/") {
			t.Errorf("%s: a finished share prints %q", c.alg, again)
		}
		if got := start(t, merge); strings.ReplaceAll(got, parts, whole) != text {
			t.Errorf("%s: expected\n%s\ngot\n%s", c.alg, text, got)
		}
		for _, name := range []string{ensembleFile, resultsFile, "parameters.json"} {
			if !bytes.Equal(read(t, whole, name), read(t, parts, name)) {
				t.Errorf("%s: %s of the shares is another than that of one process", c.alg, name)
			}
		}
		data, err := os.ReadFile(filepath.Join(parts, resultsFile))
		if err != nil || strings.Count(string(data), `"command"`) != 1+c.shares {
			t.Errorf("%s: expected the provenance of the run and of its shares, got %s, %v", c.alg, data, err)
		}
	}
}

// TestShareResumes: a share that stops goes on with the same command.
func TestShareResumes(t *testing.T) {
	whole, parts := t.TempDir(), t.TempDir()
	args := func(dir, task string) []string {
		return command(dir, "metropolis", "-thin", "2", "-n", "400", "-chains", "4", "-task", task)
	}
	start(t, args(whole, ""))
	for i := range 2 {
		task := fmt.Sprintf("%d/2", i)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := run(ctx, io.Discard, args(parts, task)); !errors.Is(err, context.Canceled) {
			t.Errorf("expected an interruption, got %v", err)
		}
		start(t, args(parts, task))
	}
	start(t, args(parts, "merge/2"))
	for _, name := range []string{ensembleFile, resultsFile} {
		if !bytes.Equal(read(t, whole, name), read(t, parts, name)) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestShareFlags: tasks that there are not, and shares without thinning, leave no folder.
func TestShareFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-task", "0/2"}, {"-task", "merge/2"}, {"-task", "train", "-thin", "2"}, {"-task", "2/2", "-thin", "2"}, {"-task", "0/41", "-thin", "2"}, {"-task", "slurm", "-thin", "2"},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		if err := run(t.Context(), io.Discard, command(dir, "cluster", args...)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: got %v", args, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%v: the output folder was made", args)
		}
	}
}
