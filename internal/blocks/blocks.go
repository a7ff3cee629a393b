// Package blocks divides the proposals of a model between processes: every share draws a block
// of what one process would draw, and merging joins the blocks bit by bit.
package blocks

import (
	"context"
	"fmt"
	"time"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
)

// Proposals are those of a run.
type Proposals struct {
	// Task is that of the process, Out the folder of the run and Table its results.
	Task  program.Task
	Out   string
	Table *results.File
	// Action is that of the configurations, of which there are N in all shares, drawn with Seed.
	Action lattice.Action
	N      int
	Seed   uint64
	// Name is the ensemble of the proposals in the results.
	Name string
}

// piece is about the number of proposals after which a share saves them.
const piece = 1024

// Draw draws the block of a share into its folder, piece by piece, where no earlier process
// has. open returns the flow of the model. The result is the folder and the mean time of a draw
// in seconds, 0 if there was none to draw.
func (p *Proposals) Draw(ctx context.Context, open func() (*flow.ProbabilityFlow, error)) (run *program.Run, seconds float64, err error) {
	if run, err = p.Task.Open(p.Out, p.Table.Parameters); err != nil {
		return nil, 0, err
	}
	if done, err := run.Has(program.ResultsFile); done || err != nil {
		return run, 0, err
	}
	f, err := open()
	if err != nil {
		return nil, 0, err
	}
	pieces := (p.N/p.Task.Shares + piece - 1) / piece
	parts := make([]*lattice.Ensemble, max(pieces, 1))
	drawn, start := 0, time.Now()
	for i := range parts {
		if parts[i], err = p.piece(ctx, f, run, i, len(parts), &drawn); err != nil {
			return nil, 0, err
		}
	}
	if drawn > 0 {
		seconds = time.Since(start).Seconds() / float64(drawn)
	}
	all, err := lattice.Join(p.Action, parts...)
	if err != nil {
		return nil, 0, err
	}
	if err := run.SaveEnsemble(program.ProposalsFile, all); err != nil {
		return nil, 0, err
	}
	table := results.New(p.Table.Parameters)
	table.Provenance.Backend, table.Provenance.Inputs = p.Table.Provenance.Backend, p.Table.Provenance.Inputs
	if err := table.Of(p.Name).Block(all.Extra["action"], all.Extra["logq"]); err != nil {
		return nil, 0, err
	}
	if err := run.Save(program.ResultsFile, table.Write); err != nil {
		return nil, 0, err
	}
	for i := range parts {
		if err := run.Remove(pieceFile(i)); err != nil {
			return nil, 0, err
		}
	}
	return run, seconds, nil
}

func pieceFile(i int) string { return fmt.Sprintf("proposals-%d.npz", i) }

// piece returns one of the pieces of a share: a share of more shares.
func (p *Proposals) piece(ctx context.Context, f *flow.ProbabilityFlow, run *program.Run, i, pieces int, drawn *int) (*lattice.Ensemble, error) {
	if done, err := run.Has(pieceFile(i)); err != nil {
		return nil, err
	} else if done {
		return lattice.ReadEnsemble(run.Path(pieceFile(i)))
	}
	s, err := f.SampleShare(ctx, p.N, p.Task.Share*pieces+i, p.Task.Shares*pieces, p.Seed)
	if err != nil {
		return nil, err
	}
	*drawn += s.Ensemble.Len()
	s.Annotate(p.Action, s.Ensemble)
	return s.Ensemble, run.SaveEnsemble(pieceFile(i), s.Ensemble)
}

// Merge returns the proposals of all shares and their folders.
func (p *Proposals) Merge() (*lattice.Ensemble, []*program.Run, error) {
	shares, err := p.Task.Collect(p.Out, p.Table.Parameters)
	if err != nil {
		return nil, nil, err
	}
	parts := make([]*lattice.Ensemble, len(shares))
	for i, run := range shares {
		if parts[i], err = lattice.ReadEnsemble(run.Path(program.ProposalsFile)); err != nil {
			return nil, nil, err
		}
		if err := p.Table.Merged(run.Path(program.ResultsFile)); err != nil {
			return nil, nil, err
		}
	}
	all, err := lattice.Join(p.Action, parts...)
	if err == nil && all.Len() != p.N {
		err = fmt.Errorf("expected %d proposals in all shares, got %d", p.N, all.Len())
	}
	return all, shares, err
}
