package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
)

// propose runs the stages up to the proposals, from which on a merged run is as any other.
func propose(t *testing.T, args []string) error {
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
	if _, err := d.drawProposals(t.Context(), m); err != nil {
		return err
	}
	if !(d.times.Seconds[exact] > 0) {
		t.Error("no time of a proposal")
	}
	return nil
}

// Blocks of proposals that several processes draw from one model are the proposals of one
// process, bit by bit: of a Gaussian, and of a network that a process of its own has trained.
func TestShares(t *testing.T) {
	for _, model := range []string{"gaussian", "pretrained"} {
		whole, parts := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
		args := func(out, task string) []string {
			return tiny(out, "-model", model, "-n", "128", "-samples", "150", "-steps", "10", "-batch", "8", "-equilibrium", "32", "-task", task)
		}
		if err := run(t.Context(), args(parts, "0/3")); err == nil || !strings.Contains(err.Error(), "-task train") {
			t.Errorf("%s: expected a share without a model to be refused, got %v", model, err)
		}
		for _, task := range []string{"train", "2/3", "0/3", "1/3"} {
			if err := run(t.Context(), args(parts, task)); err != nil {
				t.Fatal(err)
			}
		}
		if err := propose(t, args(parts, "merge/2")); err == nil || !strings.Contains(err.Error(), "task-2-of-3, which is foreign") {
			t.Errorf("%s: expected an error that names foreign shares, got %v", model, err)
		}
		for _, a := range [][]string{args(parts, "merge/3"), args(whole, "")} {
			if err := propose(t, a); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(programtest.Read(t, whole, program.ProposalsFile), programtest.Read(t, parts, program.ProposalsFile)) {
			t.Errorf("%s: the proposals of the shares are other ones than those of one process", model)
		}
	}
}
