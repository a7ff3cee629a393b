package program_test

import (
	"cmp"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
)

func TestOpenRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	first := map[string]any{"kappa": 0.25, "seed": uint64(1)}
	run, err := program.OpenRun(dir, first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(run.Path("x"), []byte("1"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := program.OpenRun(dir, first); err != nil {
		t.Errorf("the same run was refused: %v", err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "parameters.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := program.OpenRun(dir, map[string]any{"kappa": 0.26, "seed": uint64(1)}); err == nil {
		t.Error("another run was accepted")
	}
	after, err := os.ReadFile(filepath.Join(dir, "parameters.json"))
	if err != nil || string(after) != string(before) {
		t.Error("a refused run changed the folder")
	}
	if _, err := program.OpenRun("", first); err == nil {
		t.Error("an empty folder name was accepted")
	}
	if _, err := program.OpenRun(run.Path("x"), first); err == nil {
		t.Error("a file was accepted as folder")
	}
}

// Only a file that was finished and is as it was left counts as done.
func TestHas(t *testing.T) {
	dir := t.TempDir()
	open := func() *program.Run {
		t.Helper()
		run, err := program.OpenRun(dir, map[string]any{"seed": 1})
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	run := open()
	writer := func(text string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o666) }
	}
	check := func(name string, want, fails bool) {
		t.Helper()
		for _, r := range []*program.Run{run, open()} {
			if got, err := r.Has(name); got != want || (err != nil) != fails {
				t.Errorf("%s: %v, %v", name, got, err)
			}
			if r.Intact(name) != want {
				t.Errorf("%s: intact: %v", name, !want)
			}
		}
	}
	check("a/x", false, false)
	if err := run.Save("a/x", writer("1")); err != nil {
		t.Fatal(err)
	}
	check("a/x", true, false)
	if err := writer("2")(run.Path("a/x")); err != nil {
		t.Fatal(err)
	}
	check("a/x", false, true)
	if err := os.Remove(run.Path("a/x")); err != nil {
		t.Fatal(err)
	}
	check("a/x", false, false)
	if err := writer("1")(run.Path("y")); err != nil {
		t.Fatal(err)
	}
	check("y", false, false)
	if err := run.Save("z", func(string) error { return os.ErrInvalid }); err == nil {
		t.Error("Save dropped an error")
	}
	check("z", false, false)
	for _, text := range []string{"{", "null", `{"../x": ""}`} {
		if err := writer(text)(run.Path("files.json")); err != nil {
			t.Fatal(err)
		}
		if _, err := program.OpenRun(dir, map[string]any{"seed": 1}); err == nil {
			t.Errorf("the digests %s were accepted", text)
		}
	}
}

func TestCheckSize(t *testing.T) {
	if err := program.CheckSize("n", program.MaxNumbers/256, 256); err != nil {
		t.Error(err)
	}
	if err := program.CheckSize("n", program.MaxNumbers/256+1, 256); err == nil {
		t.Error("more than the memory was accepted")
	}
}

func TestFlags(t *testing.T) {
	var f program.Flags
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	f.Register(fs, program.Flags{Out: "out", Seed: 3, Backend: "go", Dims: "16x16", Kappa: 0.25, Lambda: 0.022})
	if err := program.Parse(fs, []string{"-dims", "4x6", "-kappa", "0.2"}); err != nil {
		t.Fatal(err)
	}
	action, err := f.Phi4()
	if err != nil {
		t.Fatal(err)
	}
	if action.Layout().Lattice.String() != "4x6" || action.Kappa() != 0.2 || action.Lambda() != 0.022 || f.Seed != 3 {
		t.Errorf("got %+v", f)
	}
	for _, args := range [][]string{{"-dims", "0x4"}, {"-dims", "4y4"}, {"-lambda", "-1"}, {"-kappa", "NaN"}} {
		if err := program.Parse(fs, args); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Phi4(); err == nil {
			t.Errorf("%v accepted", args)
		}
		f.Dims, f.Kappa, f.Lambda = "4x4", 0.2, 0.022
	}
	for _, args := range [][]string{{"-no-such-flag"}, {"-kappa", "x"}, {"word"}} {
		if err := program.Parse(fs, args); err == nil {
			t.Errorf("%v accepted", args)
		}
	}
}

// A program has the flags that it has defaults for, and says what it is about.
func TestNewFlagSet(t *testing.T) {
	var f program.Flags
	fs := program.NewFlagSet("test", "Test does nothing.")
	f.Register(fs, program.Flags{Out: "out", Seed: 3, Lambda: 0.022})
	var help strings.Builder
	fs.SetOutput(&help)
	if err := program.Parse(fs, []string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("got the error %v", err)
	}
	if !strings.HasPrefix(help.String(), "Test does nothing.\n  -lambda") || strings.Count(help.String(), "\n  -") != 3 {
		t.Errorf("the help is %s", help.String())
	}
}

// The first number that is too small is named.
func TestAtLeast(t *testing.T) {
	err := cmp.Or(program.AtLeast("n", 5, 5), program.AtLeast("steps", 0, 1), program.AtLeast("samples", 0, 1))
	if err == nil || err.Error() != "expected -steps of at least 1, got 0" {
		t.Errorf("got the error %v", err)
	}
}
