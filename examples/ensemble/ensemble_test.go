package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// command is a short run of an algorithm.
func command(dir, alg string, more ...string) []string {
	return append([]string{"-out", dir, "-alg", alg, "-dims", "4x6", "-kappa", "0.2", "-lambda", "0.1", "-n", "40"}, more...)
}

var algorithms = []struct {
	name string
	args []string
}{
	{"hmc", []string{"-thermalisation", "100"}},
	{"metropolis", []string{"-thermalisation", "100", "-chains", "4"}},
	{"cluster", []string{"-float32"}},
	{"langevin", []string{"-dtau", "0.05", "-thin", "30"}},
	{"langevin", []string{"-mala", "-thin", "30", "-start", "cold"}},
	{"paper", nil},
}

func start(t *testing.T, args []string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), &out, args); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	return programtest.Read(t, dir, name)
}

// TestRun runs every algorithm twice into different folders, and a third time in the
// folder of the first: all results and files are the same.
func TestRun(t *testing.T) {
	for _, c := range algorithms {
		first, second := t.TempDir(), t.TempDir()
		text := start(t, command(first, c.name, c.args...))
		start(t, command(second, c.name, c.args...))
		for _, name := range []string{ensembleFile, resultsFile} {
			if !bytes.Equal(read(t, first, name), read(t, second, name)) {
				t.Errorf("%s %v: %s differs between two runs", c.name, c.args, name)
			}
		}
		if again := start(t, command(first, c.name, c.args...)); again != text {
			t.Errorf("%s: expected the finished run to print\n%s\ngot\n%s", c.name, text, again)
		}
		for _, want := range []string{"⟨|M|⟩", "acceptance", "thermalisation is not checked", "hot and cold starts agree", "in the paper's protocol", "bias"} {
			cold := len(c.args) > 0 && c.args[len(c.args)-1] == "cold"
			expected := true
			switch want {
			case "thermalisation is not checked":
				expected = cold
			case "hot and cold starts agree":
				expected = !cold
			case "in the paper's protocol":
				expected = c.name == "paper"
			case "bias":
				expected = c.name == "langevin" && c.args[0] == "-dtau"
			}
			if strings.Contains(text, want) != expected {
				t.Errorf("%s %v: expected %q to be printed: %v, got\n%s", c.name, c.args, want, expected, text)
			}
		}
		checkFiles(t, first, c.name)
		entries, err := os.ReadDir(first)
		if err != nil || len(entries) != 3 {
			t.Errorf("%s: expected three files, got %v", c.name, entries)
		}
	}
}

// checkFiles reads the files of a run back.
func checkFiles(t *testing.T, dir, alg string) {
	t.Helper()
	ens, err := lattice.ReadEnsemble(filepath.Join(dir, ensembleFile))
	if err != nil {
		t.Fatal(err)
	}
	action, err := ens.Phi4()
	if err != nil {
		t.Fatal(err)
	}
	if ens.Len() != 40 || ens.Lattice.String() != "4x6" || action.Kappa() != 0.2 || action.Lambda() != 0.1 {
		t.Errorf("%s: expected 40 configurations on 4x6, got %d on %v", alg, ens.Len(), ens.Lattice)
	}
	// Single precision moves S by far less than 1e-4.
	for i, s := range ens.Extra["action"] {
		if v := action.Value(ens.Config(i)); math.Abs(v-s) > 1e-4 {
			t.Errorf("%s: configuration %d has the action %v, expected %v", alg, i, v, s)
		}
	}
	f := new(results.File)
	if err := json.Unmarshal(read(t, dir, resultsFile), f); err != nil {
		t.Fatal(err)
	}
	if f.Parameters["alg"] != alg || f.Parameters["lambda"] != 0.1 {
		t.Errorf("%s: unexpected parameters %v", alg, f.Parameters)
	}
	for _, name := range []string{measure.M, measure.AbsM, measure.Chi2, measure.Binder, measure.ActionDensity, measure.Phi2, measure.Acceptance} {
		if e, ok := f.Get(alg, name); !ok || math.IsNaN(e.Value) || !(e.Error >= 0) {
			t.Errorf("%s: expected %s with an error, got %v", alg, name, e)
		}
	}
}

// TestResume interrupts runs again and again, wherever they are after a while that
// grows, until one ends; the files are those of a run without interruption.
func TestResume(t *testing.T) {
	for _, c := range algorithms {
		args := append([]string{"-n", "400"}, c.args...)
		whole, parts := t.TempDir(), t.TempDir()
		text := start(t, command(whole, c.name, args...))
		kept := 0
		for wait := time.Millisecond; ; wait += time.Millisecond {
			ctx, cancel := context.WithCancel(t.Context())
			timer := time.AfterFunc(wait, cancel)
			err := run(ctx, io.Discard, command(parts, c.name, args...))
			timer.Stop()
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(parts, stateFile)); err == nil {
				kept++
			}
			if _, err := os.Stat(filepath.Join(parts, resultsFile)); err == nil {
				t.Fatalf("%s: results of an unfinished run", c.name)
			}
		}
		if kept == 0 {
			t.Errorf("%s: expected an interruption that keeps the state", c.name)
		}
		for _, name := range []string{ensembleFile, resultsFile} {
			if !bytes.Equal(read(t, whole, name), read(t, parts, name)) {
				t.Errorf("%s %v: %s of the resumed run differs", c.name, c.args, name)
			}
		}
		if again := start(t, command(parts, c.name, args...)); strings.ReplaceAll(again, parts, whole) != text {
			t.Errorf("%s: expected\n%s\ngot\n%s", c.name, text, again)
		}
	}
}

// TestInterruptedBefore: a run that is interrupted from the start writes no results.
func TestInterruptedBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if err := run(ctx, io.Discard, command(dir, "cluster")); !errors.Is(err, context.Canceled) {
		t.Fatalf("expected cancellation, got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ensembleFile)); err == nil {
		t.Error("an ensemble of an interrupted run")
	}
}

// TestDamagedState: a state file that is not one of this run stops the program, which
// leaves it there.
func TestDamagedState(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, io.Discard, command(dir, "cluster")); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	path := filepath.Join(dir, stateFile)
	state := read(t, dir, stateFile)
	state[len(state)/2] ^= 1
	if err := os.WriteFile(path, state, 0o666); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), io.Discard, command(dir, "cluster"))
	if err == nil || !strings.Contains(err.Error(), stateFile) {
		t.Errorf("expected an error that names the file, got %v", err)
	}
	if !bytes.Equal(read(t, dir, stateFile), state) {
		t.Error("the file changed")
	}
}

// TestBadInput: every error comes before anything is written.
func TestBadInput(t *testing.T) {
	for _, c := range []struct {
		alg  string
		args []string
	}{
		{"cluster", []string{"-lambda", "-1"}},
		{"cluster", []string{"-lambda", "NaN"}},
		{"cluster", []string{"-kappa", "Inf"}},
		{"cluster", []string{"-lambda", "0", "-kappa", "0.3"}},
		{"cluster", []string{"-dims", "0x4"}},
		{"cluster", []string{"-dims", "4x"}},
		{"cluster", []string{"-dims", "100000x100000"}},
		{"none", nil},
		{"", nil},
		{"cluster", []string{"-n", "0"}},
		{"cluster", []string{"-n", "-3"}},
		{"cluster", []string{"-n", "1"}},
		{"cluster", []string{"-n", "1000000000000000"}},
		{"cluster", []string{"-n", "1000000000"}},
		{"cluster", []string{"-n", "x"}},
		{"cluster", []string{"-seed", "-1"}},
		{"cluster", []string{"-chains", "-1"}},
		{"cluster", []string{"-chains", "41"}},
		{"cluster", []string{"-thin", "-1"}},
		{"cluster", []string{"-decorrelation", "NaN"}},
		{"cluster", []string{"-decorrelation", "-1"}},
		{"cluster", []string{"-start", "warm"}},
		{"cluster", []string{"-steps", "3"}},
		{"paper", []string{"-flip"}},
		{"cluster", []string{"stray"}},
		{"cluster", []string{"-unknown"}},
		{"paper", []string{"-chains", "4"}},
		{"paper", []string{"-n", "0"}},
		{"hmc", []string{"-length", "NaN"}},
		{"hmc", []string{"-length", "Inf"}},
		{"hmc", []string{"-length", "0"}},
		{"hmc", []string{"-steps", "-1"}},
		{"hmc", []string{"-steps", "4", "-acceptance", "0.7"}},
		{"hmc", []string{"-acceptance", "1"}},
		{"hmc", []string{"-acceptance", "NaN"}},
		{"hmc", []string{"-integrator", "euler"}},
		{"hmc", []string{"-jitter", "1"}},
		{"hmc", []string{"-jitter", "NaN"}},
		{"cluster", []string{"-backend", "go"}},
		{"cluster", []string{"-memory", "0"}},
		{"cluster", []string{"-memory", "NaN"}},
		{"cluster", []string{"-memory", "Inf"}},
		{"cluster", []string{"-memory", "1e-6"}},
		{"cluster", []string{"-thin", "1000000000"}},
		{"hmc", []string{"-dtau", "0.1"}},
		{"metropolis", []string{"-hits", "0"}},
		{"metropolis", []string{"-acceptance", "2"}},
		{"metropolis", []string{"-mala"}},
		{"langevin", []string{"-dtau", "NaN"}},
		{"langevin", []string{"-dtau", "-0.1"}},
		{"langevin", []string{"-steps", "-1"}},
		{"langevin", []string{"-acceptance", "0.5"}},
		{"langevin", []string{"-mala", "-dtau", "Inf"}},
		{"langevin", []string{"-mala", "-acceptance", "1"}},
	} {
		dir := filepath.Join(t.TempDir(), "new")
		err := run(t.Context(), io.Discard, command(dir, c.alg, c.args...))
		if err == nil {
			t.Errorf("%s %v: expected an error", c.alg, c.args)
			continue
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %v: expected one line, got %q", c.alg, c.args, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s %v: the output folder was made", c.alg, c.args)
		}
	}
}

// TestOtherRun: the folder of another run is refused and left as it is.
func TestOtherRun(t *testing.T) {
	dir := t.TempDir()
	start(t, command(dir, "cluster"))
	before := read(t, dir, resultsFile)
	for _, args := range [][]string{command(dir, "cluster", "-seed", "2"), command(dir, "metropolis"), command(dir, "cluster", "-n", "41")} {
		if err := run(t.Context(), io.Discard, args); err == nil {
			t.Errorf("%v: expected an error", args)
		}
	}
	if !bytes.Equal(read(t, dir, resultsFile), before) {
		t.Error("the results changed")
	}
}

// TestDiverged: a Langevin step that is too large is an error that says so.
func TestDiverged(t *testing.T) {
	err := run(t.Context(), io.Discard, command(t.TempDir(), "langevin", "-dtau", "3"))
	if err == nil || !strings.Contains(err.Error(), "-dtau") {
		t.Errorf("expected the advice of a smaller step, got %v", err)
	}
}

// TestVerdict: what the chains do not tell by an error gets a warning. The protocol of the
// paper is too short near the critical point.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-alg", "paper", "-dims", "16x16", "-kappa", "0.27", "-n", "64", "-thermalisation", "4"},
			"hot and cold starts disagree"},
		{[]string{"-alg", "hmc", "-dims", "8x8", "-kappa", "0.2", "-n", "32", "-steps", "1", "-length", "1.6", "-jitter", "0", "-thin", "2", "-thermalisation", "10"},
			"chains accept less than 1 %"},
		{[]string{"-alg", "metropolis", "-dims", "16x16", "-kappa", "0.26", "-n", "2", "-thermalisation", "10"},
			"autocorrelation time is not known"},
	} {
		text := start(t, append(c.args, "-out", t.TempDir()))
		if !strings.Contains(text, c.want) {
			t.Errorf("%v: expected %q, got\n%s", c.args, c.want, text)
		}
	}
}

// TestNotEquilibrated: chains that are not thermalised, that stay in different places or
// that do not move at all are an error. In the broken phase a quench from a hot start
// leaves some chains with two domains; at strong coupling trajectories do not cross
// between the wells of a site.
func TestNotEquilibrated(t *testing.T) {
	for _, c := range []struct {
		args       []string
		observable string
	}{
		{[]string{"-alg", "metropolis", "-dims", "16x16", "-kappa", "0.27", "-n", "128", "-chains", "64", "-thermalisation", "10", "-thin", "1"}, "|M|"},
		{[]string{"-alg", "metropolis", "-dims", "8x32", "-kappa", "0.4", "-n", "256", "-chains", "8", "-thermalisation", "200", "-thin", "2"}, ""},
		{[]string{"-alg", "hmc", "-dims", "4x4", "-kappa", "0.1", "-lambda", "50", "-flip=false", "-n", "64"}, "|M|"},
		{[]string{"-alg", "hmc", "-dims", "8x8", "-kappa", "0.1", "-lambda", "50", "-steps", "1", "-n", "64"}, "acceptance"},
	} {
		err := run(t.Context(), io.Discard, append(c.args, "-out", t.TempDir()))
		var e *mcmc.NotEquilibratedError
		if !errors.As(err, &e) {
			t.Errorf("%v: expected chains that are not in equilibrium, got %v", c.args, err)
		} else if c.observable != "" && e.Observable != c.observable {
			t.Errorf("%v: expected %s to show it, got %v", c.args, c.observable, err)
		}
	}
}

// TestFew: a few configurations are enough for every algorithm.
func TestFew(t *testing.T) {
	for _, n := range []string{"2", "3", "19"} {
		for _, alg := range []string{"hmc", "metropolis", "cluster", "langevin", "paper"} {
			start(t, command(t.TempDir(), alg, "-n", n))
		}
	}
}

// TestDamagedResult: a finished run is read before it is taken as done.
func TestDamagedResult(t *testing.T) {
	whole := t.TempDir()
	text := start(t, command(whole, "cluster"))
	for _, name := range []string{ensembleFile, resultsFile} {
		data := read(t, whole, name)
		for what, damaged := range map[string][]byte{
			"empty": {}, "garbage": []byte("garbage"), "truncated": data[:len(data)/2], "flipped": flip(data),
		} {
			if name == resultsFile && what == "flipped" {
				continue // JSON has no checksum
			}
			dir := t.TempDir()
			for _, f := range []string{ensembleFile, resultsFile} {
				if err := os.WriteFile(filepath.Join(dir, f), read(t, whole, f), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, damaged, 0o666); err != nil {
				t.Fatal(err)
			}
			err := run(t.Context(), io.Discard, command(dir, "cluster"))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s, %s: expected an error that names it, got %v", name, what, err)
				continue
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if again := start(t, command(dir, "cluster")); strings.ReplaceAll(again, dir, whole) != text {
				t.Errorf("%s, %s: expected the repeated run to print\n%s\ngot\n%s", name, what, text, again)
			}
		}
	}
}

func flip(data []byte) []byte {
	out := bytes.Clone(data)
	out[len(out)/2] ^= 1
	return out
}

// TestAlgorithmsAgree compares all exact algorithms, and the Langevin equation after
// removing its bias, with the free field, whose ⟨φ²⟩, V⟨M²⟩ and ⟨S⟩/V = 1/2 are known.
func TestAlgorithmsAgree(t *testing.T) {
	const kappa, dtau = 0.15, 0.02
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	free, err := lattice.NewFreeField(lat, kappa)
	if err != nil {
		t.Fatal(err)
	}
	spectrum, err := free.FreeSpectrum(nil)
	if err != nil {
		t.Fatal(err)
	}
	phi2 := 0.0
	for _, c := range spectrum {
		phi2 += c / float64(len(spectrum))
	}
	exact := map[string]float64{measure.Phi2: phi2, measure.Chi2: spectrum[0], measure.ActionDensity: 0.5}
	for _, c := range algorithms {
		args := append([]string{}, c.args...)
		if c.name != "paper" {
			args = append(args, "-n", "16", "-chains", "16", "-thin", "1000")
		} else {
			args = append(args, "-n", "1000")
		}
		if c.name == "langevin" && c.args[0] == "-dtau" {
			args = append(args, "-dtau", "0.02")
		}
		dir := t.TempDir()
		start(t, append(command(dir, c.name, args...), "-dims", "4x4", "-kappa", "0.15", "-lambda", "0"))
		f := new(results.File)
		if err := json.Unmarshal(read(t, dir, resultsFile), f); err != nil {
			t.Fatal(err)
		}
		for name, want := range exact {
			e, _ := f.Get(c.name, name)
			tolerance := 5 * e.Error
			if b, ok := f.Get(c.name, measure.Bias+name); ok {
				e.Value -= b.Value
				// What is left is of second order: the bias of ⟨φ²⟩ is Δτ/2, and every
				// factor ω_kΔτ of higher order is below (1+4κ)Δτ.
				tolerance = 5*(e.Error+b.Error) + 3*math.Abs(b.Value)*(1+4*kappa)*dtau
			}
			if d := e.Value - want; !(math.Abs(d) < tolerance) {
				t.Errorf("%s %v: %s = %v, expected %v", c.name, c.args, name, e, want)
			}
		}
	}
}

// TestUnknownDeviation: a deviation that results.json cannot hold is still one.
func TestUnknownDeviation(t *testing.T) {
	e := &ensemble{o: &options{Algorithm: "hmc"}, file: results.New(nil)}
	for _, c := range checked {
		e.file.Add("hmc", hot+c.name, stats.Estimate{Value: 1})
		e.file.Add("hmc", cold+c.name, stats.Estimate{Value: 2})
		e.add(zScore+c.name, math.Inf(-1))
		e.add(rHat+c.name, math.NaN())
	}
	if worst := e.printStarts(io.Discard); !math.IsInf(worst, 1) {
		t.Errorf("expected +Inf, got %v", worst)
	}
}

// TestLangevinCorrection compares δS with its definition, the derivatives of the
// drift taken as differences.
func TestLangevinCorrection(t *testing.T) {
	lat, err := lattice.New(3, 4)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.2, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	const dtau, h = 0.1, 1e-5
	phi := make([]float64, lat.Volume())
	mcmc.HotStart(rand.New(rand.NewPCG(1, 2)), phi)
	want := 0.0
	drift := action.Drift(nil, phi)
	for x := range phi {
		v := phi[x]
		phi[x] = v + h
		up := action.Drift(nil, phi)[x]
		phi[x] = v - h
		down := action.Drift(nil, phi)[x]
		phi[x] = v
		want += dtau / 4 * (2*(down-up)/(2*h) - drift[x]*drift[x])
	}
	// The error of the symmetric difference is rounding, about 1e-16/h of each term.
	if got := langevinCorrection(action, dtau)(phi); math.Abs(got-want) > 1e-8*(1+math.Abs(want)) {
		t.Errorf("δS = %v, expected %v", got, want)
	}
}
