package program_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
)

func TestTaskFlag(t *testing.T) {
	array := func(id, least, most, count, step string) {
		for name, v := range map[string]string{"ID": id, "MIN": least, "MAX": most, "COUNT": count, "STEP": step} {
			t.Setenv("SLURM_ARRAY_TASK_"+name, v)
		}
	}
	share := func(i, n int) program.Task { return program.Task{Part: program.OneShare, Share: i, Shares: n} }
	array("5", "3", "9", "4", "2")
	for value, want := range map[string]program.Task{
		"": {}, "train": {Part: program.Train}, "merge/8": {Part: program.Merge, Shares: 8},
		"0/1": share(0, 1), "7/8": share(7, 8), "slurm": share(1, 4), "slurm/8": share(5, 8),
	} {
		var got program.Task
		if err := got.Set(value); err != nil || got != want {
			t.Errorf("%q is %+v, %v", value, got, err)
		}
	}
	for _, value := range []string{"8/8", "-1/8", "0/0", "1", "a/b", "merge", "merge/0", "merge/x", "slurm/5", "slurm/x", "train/2"} {
		var got program.Task
		if err := got.Set(value); err == nil {
			t.Errorf("%q was accepted as %+v", value, got)
		}
	}
	var task program.Task
	for _, trains := range []bool{true, false} {
		fs := flag.NewFlagSet("test", flag.ContinueOnError)
		task.Register(fs, trains)
		if err := program.Parse(fs, []string{"-task", "train"}); (err == nil) != trains {
			t.Errorf("a program with training (%v): %v", trains, err)
		}
		if err := program.Parse(fs, []string{"-task", "1/2"}); err != nil || task != share(1, 2) {
			t.Errorf("got %+v, %v", task, err)
		}
	}
	// Arrays that a number of shares cannot be read from, such as 1,4,5, and no array.
	for _, a := range [][5]string{{"5", "1", "5", "3", ""}, {"4", "3", "9", "4", "2"}, {"", "", "", "", ""}, {"1", "0", "3", "4", "0"}} {
		array(a[0], a[1], a[2], a[3], a[4])
		var got program.Task
		if err := got.Set("slurm"); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("array %v: %+v, %v", a, got, err)
		}
	}
}

// Collect takes what all shares have left, and names what is wrong with each of them.
func TestCollect(t *testing.T) {
	parameters := map[string]any{"kappa": 0.25, "dims": []int{4, 4}, "seed": uint64(1)}
	save := func(t *testing.T, dir string, p map[string]any, i, n int) *program.Run {
		t.Helper()
		task := program.Task{Part: program.OneShare, Share: i, Shares: n}
		run, err := task.Open(dir, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"x", program.ResultsFile} {
			if err := run.Save(name, func(path string) error { return os.WriteFile(path, []byte{byte('0' + i)}, 0o666) }); err != nil {
				t.Fatal(err)
			}
		}
		return run
	}
	merge := program.Task{Part: program.Merge, Shares: 3}
	prepare := func(t *testing.T) string {
		t.Helper()
		dir := t.TempDir()
		for i := range 3 {
			save(t, dir, parameters, i, 3)
		}
		return dir
	}
	dir := prepare(t)
	runs, err := merge.Collect(dir, parameters)
	if err != nil || len(runs) != 3 {
		t.Fatalf("%d shares, %v", len(runs), err)
	}
	whole, err := program.OpenRun(dir, parameters)
	if err != nil {
		t.Fatal(err)
	}
	if err := whole.Take(runs[2], "x"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "x")); err != nil || string(text) != "2" || !whole.Intact("x") {
		t.Errorf("took %q, %v", text, err)
	}
	if _, err := (&program.Task{Part: program.OneShare, Share: 1, Shares: 3}).Open(dir, map[string]any{"kappa": 0.26}); err == nil {
		t.Error("a share of another run was accepted beside it")
	}
	at := func(dir string, i string) string { return filepath.Join(dir, "task-"+i+"-of-3") }
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string) error
		want   string
	}{
		"missing": {func(_ *testing.T, dir string) error { return os.RemoveAll(at(dir, "1")) }, "share 1 missing"},
		"two missing": {func(_ *testing.T, dir string) error {
			return errors.Join(os.RemoveAll(at(dir, "1")), os.RemoveAll(at(dir, "2")))
		}, "shares 1-2 missing"},
		"not finished": {func(_ *testing.T, dir string) error {
			return os.Remove(filepath.Join(at(dir, "1"), program.ResultsFile))
		},
			"share 1 not finished"},
		"lost": {func(_ *testing.T, dir string) error { return os.Remove(filepath.Join(at(dir, "2"), "x")) }, "share 2 without its x"},
		"changed": {func(_ *testing.T, dir string) error {
			return os.WriteFile(filepath.Join(at(dir, "2"), "x"), nil, 0o666)
		}, "changed or damaged"},
		"duplicate": {func(_ *testing.T, dir string) error {
			if err := os.RemoveAll(at(dir, "2")); err != nil {
				return err
			}
			return os.CopyFS(at(dir, "2"), os.DirFS(at(dir, "0")))
		}, "share 2 a duplicate of share 0"},
		"another coupling": {func(t *testing.T, dir string) error {
			other := map[string]any{"kappa": 0.26, "dims": []int{4, 4}, "seed": uint64(1)}
			if err := os.RemoveAll(at(dir, "0")); err != nil {
				return err
			}
			save(t, dir, other, 0, 3)
			return nil
		}, "share 0 foreign, with kappa = 0.26 in place of 0.25"},
		"another division": {func(t *testing.T, dir string) error { save(t, dir, parameters, 1, 4); return nil }, "task-1-of-4, which is foreign"},
		"damaged parameters": {func(_ *testing.T, dir string) error {
			return os.WriteFile(filepath.Join(at(dir, "0"), "parameters.json"), []byte("{"), 0o666)
		}, "share 0 with a damaged parameters.json"},
	} {
		dir := prepare(t)
		if err := c.change(t, dir); err != nil {
			t.Fatal(err)
		}
		if _, err := merge.Collect(dir, parameters); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: expected %q, got %v", name, c.want, err)
		}
	}
}
