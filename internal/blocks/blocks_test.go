package blocks_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/blocks"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
)

// Shares that stop in the middle go on behind the pieces that they have saved, and their union
// is the draw of one process.
func TestProposals(t *testing.T) {
	lat, err := lattice.New(2, 2)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewFreeField(lat, 0.15)
	if err != nil {
		t.Fatal(err)
	}
	spectrum, err := action.FreeSpectrum(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: action.Layout(), Spectrum: spectrum})
	if err != nil {
		t.Fatal(err)
	}
	const n, seed = 2*1024 + 1000, 5
	stop := func() {}
	updates := 0
	newFlow := func() (*flow.ProbabilityFlow, error) {
		return flow.New(backendtest.Open(), m, flow.Config{Steps: 2, Progress: func(done, total int) {
			if updates++; updates == 40 {
				stop()
			}
		}})
	}
	open := func() ([]blocks.Block, error) {
		f, err := newFlow()
		return []blocks.Block{blocks.Flow(f, action, "dmmc", n, seed)}, err
	}
	f, err := newFlow()
	if err != nil {
		t.Fatal(err)
	}
	want, err := f.Sample(t.Context(), n, seed)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	proposals := func(task string) *blocks.Run {
		p := &blocks.Run{Out: dir, Table: results.New(map[string]any{"kappa": 0.15}), Action: action}
		if err := p.Task.Set(task); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, task := range []string{"0/2", "1/2"} {
		ctx, cancel := context.WithCancel(t.Context())
		updates, stop = 0, cancel
		if _, _, err := proposals(task).Draw(ctx, open); !errors.Is(err, context.Canceled) {
			t.Fatalf("expected an interruption, got %v", err)
		}
		cancel()
		folder := filepath.Join(dir, "task-"+task[:1]+"-of-2")
		if _, err := os.Stat(filepath.Join(folder, "proposals-0.npz")); err != nil {
			t.Fatalf("the first piece is lost: %v", err)
		}
		if _, err := proposals("merge/2").Merge(); err == nil {
			t.Error("an unfinished share was merged")
		}
		updates = 41
		run, seconds, err := proposals(task).Draw(t.Context(), open)
		if err != nil || !(seconds[0] > 0) || run.Exists("proposals-0.npz") {
			t.Errorf("share %s took %v s, %v", task, seconds, err)
		}
		if _, seconds, err := proposals(task).Draw(t.Context(), open); err != nil || seconds != nil {
			t.Errorf("a finished share took %v s, %v", seconds, err)
		}
	}
	merge := proposals("merge/2")
	shares, err := merge.Merge()
	if err != nil {
		t.Fatal(err)
	}
	got, err := shares.Join(action, program.ProposalsFile, n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shares.Join(action, program.ProposalsFile, n+1); err == nil {
		t.Error("too few proposals were accepted")
	}
	if len(shares) != 2 || len(merge.Table.Provenance.Shares) != 2 || !shares[0].Intact(program.ResultsFile) {
		t.Errorf("%d shares, provenance %v", len(shares), merge.Table.Provenance.Shares)
	}
	if !slices.Equal(got.Data, want.Ensemble.Data) || !slices.Equal(got.Extra["logq"], want.LogQ) {
		t.Error("the shares draw other proposals than one process")
	}
}
