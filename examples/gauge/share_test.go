package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/internal/results"
)

// drawn runs the stages up to the proposals of the model, from which on a merged run is as any
// other.
func drawn(t *testing.T, args []string) {
	t.Helper()
	o, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGauge(o)
	if err != nil {
		t.Fatal(err)
	}
	if g.folder, err = program.OpenRun(o.Out, g.parameters()); err != nil {
		t.Fatal(err)
	}
	g.table = results.New(g.parameters())
	m, err := g.model(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.drawn(t.Context(), "dmmc", m, o.samples); err != nil {
		t.Fatal(err)
	}
}

// Blocks of proposals of one model are the proposals of one process, bit by bit.
func TestShares(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	args := func(out, task string) []string {
		return tiny(out, "-model", "solution", "-samples", "300", "-exact", "16", "-task", task)
	}
	if err := run(t.Context(), args(parts, "0/2")); err == nil || !strings.Contains(err.Error(), "-task train") {
		t.Errorf("expected a share without a model to be refused, got %v", err)
	}
	for _, task := range []string{"train", "1/2", "0/2"} {
		if err := run(t.Context(), args(parts, task)); err != nil {
			t.Fatal(err)
		}
	}
	drawn(t, args(whole, ""))
	drawn(t, args(parts, "merge/2"))
	if !bytes.Equal(programtest.Read(t, whole, program.ProposalsFile), programtest.Read(t, parts, program.ProposalsFile)) {
		t.Error("the proposals of the shares are other ones than those of one process")
	}
}
