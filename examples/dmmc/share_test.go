package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
)

// drawn runs the stages up to the draws, from which on a merged run is as any other.
func drawn(t *testing.T, args []string) error {
	t.Helper()
	o, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDMMC(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.open(); err != nil {
		return err
	}
	ens, err := d.TrainingEnsemble(t.Context())
	if err != nil {
		return err
	}
	m, err := d.Train(t.Context(), ens)
	if err != nil {
		return err
	}
	if err := d.draw(t.Context(), m, ens); err != nil {
		return err
	}
	if !(d.times.Seconds[exact] > 0 && d.times.Seconds[published] > 0) {
		t.Errorf("no times of the draws: %v", d.times.Seconds)
	}
	return nil
}

// Blocks of proposals that several processes draw from one model, a network that a process of its own
// has trained, are the proposals of one process, bit by bit.
func TestShares(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	args := func(out, task string) []string {
		return tiny(out, "-model", "pretrained", "-n", "128", "-samples", "140", "-steps", "10", "-batch", "8", "-equilibrium", "32", "-task", task)
	}
	if err := run(t.Context(), args(parts, "0/2")); err == nil || !strings.Contains(err.Error(), "-task train") {
		t.Errorf("expected a share without a model to be refused, got %v", err)
	}
	for _, task := range []string{"train", "1/2", "0/2"} {
		if err := run(t.Context(), args(parts, task)); err != nil {
			t.Fatal(err)
		}
	}
	if err := drawn(t, args(parts, "merge/1")); err == nil || !strings.Contains(err.Error(), "task-1-of-2, which is foreign") {
		t.Errorf("expected an error that names foreign shares, got %v", err)
	}
	for _, a := range [][]string{args(parts, "merge/2"), args(whole, "")} {
		if err := drawn(t, a); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{program.ProposalsFile, program.ReverseFile} {
		if !bytes.Equal(programtest.Read(t, whole, name), programtest.Read(t, parts, name)) {
			t.Errorf("%s of the shares is another than that of one process", name)
		}
	}
}
