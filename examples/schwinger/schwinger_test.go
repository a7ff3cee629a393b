package main

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
)

func tiny(out string, more ...string) []string {
	return append([]string{
		"-out", out, "-dims", "4x4", "-beta", "1", "-kappa", "0.24", "-n", "4096", "-steps", "150", "-samples", "1500", "-trajectories", "1000", "-hidden", "12", "-context", "3",
	}, more...)
}

// On a small lattice the chain of the model agrees with hybrid Monte Carlo with the exact
// determinant and with reweighting, in all observables and in log Z, and the network makes
// better proposals than draws of the pure theory.
func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out)); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, out, "history.png", "dmmc.npz", "proposals.npz", modelFile)
	text := programtest.Read(t, out, program.ResultsFile)
	file := programtest.Results(t, text)
	agree := func(observable, first, second string) {
		a, okA := file.Get(first, observable)
		b, okB := file.Get(second, observable)
		if !okA || !okB || !(math.Abs(a.Value-b.Value) < 4.5*math.Hypot(a.Error, b.Error)) {
			t.Errorf("%s is %v in %s, %v in %s", observable, a, first, b, second)
		}
	}
	for _, observable := range []string{"plaquette", "q2", "condensate", "pion"} {
		agree(observable, "dmmc", "hmc_hop")
		agree(observable, "hmc", "hmc_hop")
	}
	agree("plaquette", "pure_mc", "hmc_hop")
	agree("log_z", "dmmc", "reweighted")
	learned, _ := file.Get("dmmc", "ess")
	pure, _ := file.Get("reweighted", "ess")
	if !(learned.Value > pure.Value && learned.Value > 0.9) {
		t.Errorf("ESS/N is %v, %v without a model", learned, pure)
	}
	ens, err := lattice.ReadEnsemble(filepath.Join(out, "dmmc.npz"))
	if err != nil {
		t.Fatal(err)
	}
	if ens.Components != 2 || ens.Len() != 1500 {
		t.Errorf("%d configurations of %v", ens.Len(), ens.Layout)
	}
	// Once more: model and proposals are read from the files.
	if err := run(t.Context(), tiny(out)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, programtest.Read(t, out, program.ResultsFile)) {
		t.Error("a run that was finished gave other results")
	}
	testShares(t, filepath.Join(out, modelFile), filepath.Join(out, program.ProposalsFile))
	programtest.Refuses(t, run, tiny, map[string][]string{
		"other coupling": {"-model", filepath.Join(out, modelFile), "-kappa", "0.2"},
	})
}

// testShares: the blocks that two processes draw from a model are what one process has drawn
// first, in a file.
func testShares(t *testing.T, model, file string) {
	out := filepath.Join(t.TempDir(), "out")
	args := func(task string, more ...string) []string {
		return tiny(out, append([]string{"-samples", "256", "-task", task}, more...)...)
	}
	if err := run(t.Context(), args("0/2")); err == nil || !strings.Contains(err.Error(), "-task train") {
		t.Errorf("expected a share without a model to be refused, got %v", err)
	}
	out = filepath.Join(t.TempDir(), "out")
	for _, task := range []string{"1/2", "0/2"} {
		if err := run(t.Context(), args(task, "-model", model)); err != nil {
			t.Fatal(err)
		}
	}
	o, err := parse(args("merge/2", "-model", model))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSchwinger(o)
	if err != nil {
		t.Fatal(err)
	}
	if s.folder, err = program.OpenRun(out, s.parameters()); err != nil {
		t.Fatal(err)
	}
	s.table = results.New(s.parameters())
	got, _, err := s.drawn(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := lattice.ReadEnsemble(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.Len() != 256 || !slices.Equal(got.Data, want.Slice(0, 256).Data) || !slices.Equal(got.Extra["logq"], want.Extra["logq"][:256]) {
		t.Errorf("the %d proposals of shares are other ones than those of one process", got.Len())
	}
}

func TestRefuses(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"odd extent": {"-dims", "3x4"}, "beta": {"-beta", "0"}, "model": {"-model", "no-such-file.npz"}, "samples": {"-samples", "1"},
		"grid": {"-grid", "0"}, "backend": {"-backend", "abacus"},
	})
}
