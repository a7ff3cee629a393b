package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/lattice"
)

// tiny are the settings of a run of a few seconds on a 4×4 lattice.
func tiny(out string, more ...string) []string {
	return append([]string{"-out", out, "-dims", "4x4", "-kappa", "0.2", "-lambda", "0.1", "-n", "256", "-steps", "40", "-batch", "16",
		"-samples", "64", "-reverse-steps", "20", "-flow-steps", "4", "-probes", "2"}, more...)
}

// The whole program: every file is there, the table is complete, and a second run with the
// same seed, interrupted in the middle, gives the same numbers.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	if err := run(t.Context(), tiny(first), nil); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, first, program.EnsembleFile, program.HMCFile, program.ModelFile, program.ReverseFile, program.ProposalsFile, program.ResultsFile,
		"parameters.json", "denoising.png", "magnetization.png", "action.png", "autocorrelation.png")
	want := programtest.Read(t, first, program.ResultsFile)
	file := programtest.Results(t, want)
	for ensemble, observables := range map[string][]string{
		"reference": {"m", "abs_m", "chi2", "chi2_connected", "binder", "action_density", "phi2", "phi4", "tau_int_abs_m"},
		"hmc":       {"abs_m", "chi2", "acceptance", "tau_int_abs_m"},
		"gaussian":  {"chi2", "sd_log_w", "ess", "acceptance", "acceptance_predicted", "r2", "pearson_r2"},
		"dm":        {"chi2", "sd_log_w", "ess", "acceptance_predicted", "r2", "pearson_r2"},
		"dm_ode":    {"chi2", "sd_log_w", "ess", "acceptance_predicted", "r2", "pearson_r2"},
		"dmmc":      {"chi2", "acceptance", "acceptance_predicted", "ess", "sd_log_w", "tau_int_abs_m"},
	} {
		for _, o := range observables {
			if e, ok := file.Get(ensemble, o); !ok || math.IsNaN(e.Value) {
				t.Errorf("results.json lacks %s of %s", o, ensemble)
			}
		}
	}
	// Interrupt when the training has left its first checkpoint, then continue.
	ctx, cancel := context.WithCancel(t.Context())
	err := run(ctx, tiny(second), func(p diffusion.TrainProgress) {
		if p.Step == 17 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted run: %v", err)
	}
	if _, err := os.Stat(filepath.Join(second, program.TrainFile)); err != nil {
		t.Fatal("an interrupted training left no state")
	}
	if err := run(t.Context(), tiny(second), nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(programtest.Read(t, second, program.ResultsFile), want) {
		t.Error("the same seed gave other results after an interruption")
	}
}

// Bad input gives one line of error and leaves everything as it was.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	if err := run(t.Context(), tiny(good), nil); err != nil {
		t.Fatal(err)
	}
	ensemble := programtest.Read(t, good, program.EnsembleFile)
	truncated := filepath.Join(dir, "truncated.npz")
	if err := os.WriteFile(truncated, ensemble[:len(ensemble)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	ens, err := lattice.ReadEnsemble(filepath.Join(good, program.EnsembleFile))
	if err != nil {
		t.Fatal(err)
	}
	nan := filepath.Join(dir, "nan.npy")
	if err := os.WriteFile(nan, npyWithNaN(), 0o666); err != nil {
		t.Fatal(err)
	}
	ens.Params["kappa"] = 0.1
	foreign := filepath.Join(dir, "foreign.npz")
	if err := lattice.WriteEnsemble(foreign, ens); err != nil {
		t.Fatal(err)
	}
	constant, few, tinyFields := filepath.Join(dir, "constant.npz"), filepath.Join(dir, "few.npz"), filepath.Join(dir, "tiny.npz")
	for file, change := range map[string]func(e *lattice.Ensemble) *lattice.Ensemble{
		constant: func(e *lattice.Ensemble) *lattice.Ensemble {
			for i := range e.Data {
				e.Data[i] = 1
			}
			return e
		},
		few: func(e *lattice.Ensemble) *lattice.Ensemble { return e.Slice(0, 15) },
		tinyFields: func(e *lattice.Ensemble) *lattice.Ensemble {
			for i := range e.Data {
				e.Data[i] *= 1e-20
			}
			return e
		},
	} {
		changed := &lattice.Ensemble{Layout: ens.Layout, Data: slices.Clone(ens.Data)}
		if err := lattice.WriteEnsemble(file, change(changed)); err != nil {
			t.Fatal(err)
		}
	}
	before := snapshot(t, good)
	for name, args := range map[string][]string{
		"negative λ":                  {"-lambda", "-0.1"},
		"free field without mass":     {"-lambda", "0", "-kappa", "0.25"},
		"NaN κ":                       {"-kappa", "NaN"},
		"an extent of zero":           {"-dims", "0x4"},
		"malformed extents":           {"-dims", "4by4"},
		"no configurations":           {"-n", "0"},
		"too few configurations":      {"-n", "15"},
		"too few draws":               {"-samples", "2"},
		"more draws than memory":      {"-samples", "2000000000"},
		"more noise levels":           {"-reverse-steps", "2000000000"},
		"a constant ensemble":         {"-ensemble", constant},
		"a small ensemble":            {"-ensemble", few},
		"fields of another size":      {"-ensemble", tinyFields},
		"no steps":                    {"-steps", "-3"},
		"unknown objective":           {"-objective", "magic"},
		"unknown backend":             {"-backend", "abacus"},
		"unknown flag":                {"-gamma", "1"},
		"a model of another lattice":  {"-dims", "8x4", "-model", filepath.Join(good, program.ModelFile)},
		"no model":                    {"-model", filepath.Join(good, "nothing.npz")},
		"an ensemble as model":        {"-model", filepath.Join(good, program.EnsembleFile)},
		"a truncated ensemble":        {"-ensemble", truncated},
		"NaN in a field":              {"-ensemble", nan},
		"another lattice":             {"-dims", "4x8", "-ensemble", filepath.Join(good, program.EnsembleFile)},
		"an ensemble of another κ":    {"-ensemble", foreign},
		"the folder of another run":   {"-seed", "99"},
		"an output name that is used": {"-out", truncated},
	} {
		// Most of these reuse the folder of the good run; none may touch it.
		err := run(t.Context(), append(tiny(good), args...), nil)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if args[0] == "-ensemble" && !strings.Contains(err.Error(), filepath.Base(args[1])) {
			t.Errorf("%s: the error does not name the file: %v", name, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has more than one line: %q", name, err)
		}
		if after := snapshot(t, good); !slices.Equal(after, before) {
			t.Fatalf("%s: the folder changed", name)
		}
	}
	// A plot that is damaged is drawn again.
	picture := filepath.Join(good, "denoising.png")
	want := programtest.Read(t, picture)
	if err := os.WriteFile(picture, want[:len(want)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), tiny(good), nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(programtest.Read(t, picture), want) {
		t.Error("a damaged plot was not drawn again")
	}
	// A file of an earlier run that is damaged is refused, not overwritten.
	damaged := filepath.Join(good, program.ReverseFile)
	if err := os.WriteFile(damaged, programtest.Read(t, truncated), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), tiny(good), nil); err == nil {
		t.Error("a damaged file of an earlier run was accepted")
	}
	if !bytes.Equal(programtest.Read(t, damaged), programtest.Read(t, truncated)) {
		t.Error("a damaged file of an earlier run was overwritten")
	}
}

// npyWithNaN returns a .npy file of one 4×4 field with one NaN.
func npyWithNaN() []byte {
	header := "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 4, 4), }"
	header += strings.Repeat(" ", 117-len(header)) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	b = append(b, header...)
	b = append(b, make([]byte, 15*8)...)
	return append(b, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f)
}

// snapshot describes all files of a folder by name and content.
func snapshot(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name()+"\x00"+string(programtest.Read(t, dir, e.Name())))
	}
	return all
}

// Lattices of other shapes and the other network run through too.
func TestShapes(t *testing.T) {
	for dims, model := range map[string]string{"6": "hollow", "4x6": "unet", "2x4x2": "hollow", "3x5": "unet"} {
		out := filepath.Join(t.TempDir(), "out")
		if err := run(t.Context(), tiny(out, "-dims", dims, "-model", model, "-kappa", "0.1", "-steps", "10", "-objective", "denoising"), nil); err != nil {
			t.Errorf("%s: %v", dims, err)
		}
	}
}
