// Package blocks divides the draws of a model between processes: every share draws a block of
// what one process would draw, and merging joins the blocks bit by bit.
package blocks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
)

// Run is a run whose configurations are shared.
type Run struct {
	// Task is that of the process, Out the folder of the run and Table its results.
	Task  program.Task
	Out   string
	Table *results.File
	// Action is that of the configurations, which have S and log q with them.
	Action lattice.Action
}

// Block is what a share draws into a file.
type Block struct {
	// File is that of the block and, in the folder of the run, that of all.
	File string
	// Name is the ensemble in the results.
	Name string
	// N is the number of configurations in all shares.
	N int
	// Draw returns a share of them, with "action" and "logq".
	Draw func(ctx context.Context, share, shares int) (*lattice.Ensemble, error)
}

// Flow is the block of proposals of a flow.
func Flow(f *flow.ProbabilityFlow, action lattice.Action, name string, n int, seed uint64) Block {
	return Block{File: program.ProposalsFile, Name: name, N: n, Draw: func(ctx context.Context, share, shares int) (*lattice.Ensemble, error) {
		s, err := f.SampleShare(ctx, n, share, shares, seed)
		if err != nil {
			return nil, err
		}
		s.Annotate(action, s.Ensemble)
		return s.Ensemble, nil
	}}
}

// piece is about the number of configurations after which a share saves them.
const piece = 1024

// Draw draws the blocks of a share into its folder, piece by piece, where no earlier process
// has. open returns the blocks. The result is the folder and for every block the mean time of a draw
// in seconds, 0 if there was none to draw.
func (p *Run) Draw(ctx context.Context, open func() ([]Block, error)) (run *program.Run, seconds []float64, err error) {
	if run, err = p.Task.Open(p.Out, p.Table.Parameters); err != nil {
		return nil, nil, err
	}
	if done, err := run.Has(program.ResultsFile); done || err != nil {
		return run, nil, err
	}
	blocks, err := open()
	if err != nil {
		return nil, nil, err
	}
	table := results.New(p.Table.Parameters)
	table.Provenance.Backend, table.Provenance.Device = p.Table.Provenance.Backend, p.Table.Provenance.Device
	table.Provenance.Inputs = p.Table.Provenance.Inputs
	var pieces []string
	for _, b := range blocks {
		ens, used, names, err := p.block(ctx, run, b)
		if err != nil {
			return nil, nil, err
		}
		seconds, pieces = append(seconds, used), append(pieces, names...)
		if err := run.SaveEnsemble(b.File, ens); err != nil {
			return nil, nil, err
		}
		if err := table.Of(b.Name).Block(ens.Extra["action"], ens.Extra["logq"]); err != nil {
			return nil, nil, err
		}
	}
	if err := run.Save(program.ResultsFile, table.Write); err != nil {
		return nil, nil, err
	}
	for _, name := range pieces {
		if err := run.Remove(name); err != nil {
			return nil, nil, err
		}
	}
	return run, seconds, nil
}

// block returns a block, the seconds of a draw, and the files of its pieces, which are shares of
// more shares.
func (p *Run) block(ctx context.Context, run *program.Run, b Block) (ens *lattice.Ensemble, seconds float64, names []string, err error) {
	parts := make([]*lattice.Ensemble, max(1, (b.N/p.Task.Shares+piece-1)/piece))
	drawn := 0
	for i := range parts {
		name := fmt.Sprintf("%s-%d.npz", strings.TrimSuffix(b.File, ".npz"), i)
		names = append(names, name)
		if done, err := run.Has(name); err != nil {
			return nil, 0, nil, err
		} else if done {
			if parts[i], err = lattice.ReadEnsemble(run.Path(name)); err != nil {
				return nil, 0, nil, err
			}
			continue
		}
		start := time.Now()
		if parts[i], err = b.Draw(ctx, p.Task.Share*len(parts)+i, p.Task.Shares*len(parts)); err != nil {
			return nil, 0, nil, err
		}
		seconds += time.Since(start).Seconds()
		drawn += parts[i].Len()
		if err := run.SaveEnsemble(name, parts[i]); err != nil {
			return nil, 0, nil, err
		}
	}
	ens, err = lattice.Join(p.Action, parts...)
	return ens, seconds / float64(max(drawn, 1)), names, err
}

// Merge returns the folders of all shares, whose provenance it adds to the results.
func (p *Run) Merge() (Shares, error) {
	shares, err := p.Task.Collect(p.Out, p.Table.Parameters)
	if err != nil {
		return nil, err
	}
	return shares, p.Table.Merged(program.ResultsPaths(shares)...)
}

// Shares are the folders of all shares of a run.
type Shares []*program.Run

// Join returns the n configurations that the shares have in a file.
func (s Shares) Join(action lattice.Action, file string, n int) (*lattice.Ensemble, error) {
	parts := make([]*lattice.Ensemble, len(s))
	for i, run := range s {
		var err error
		if parts[i], err = lattice.ReadEnsemble(run.Path(file)); err != nil {
			return nil, err
		}
	}
	all, err := lattice.Join(action, parts...)
	if err == nil && all.Len() != n {
		err = fmt.Errorf("expected %d configurations in the %s of all shares, got %d", n, file, all.Len())
	}
	return all, err
}
