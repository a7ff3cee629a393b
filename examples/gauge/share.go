package main

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
)

// share draws one block of the proposals.
func (g *gaugeRun) share(ctx context.Context) error {
	run, err := g.o.task.Open(g.o.out, g.parameters())
	if err != nil {
		return err
	}
	if done, err := run.Has(program.ResultsFile); done || err != nil {
		return err
	}
	m, err := g.trained()
	if err != nil {
		return err
	}
	_, err = g.display.Timed(ctx, fmt.Sprintf("share %v of the proposals", &g.o.task), func(set func(done, total int)) error {
		f, err := flow.New(g.backend, m, flow.Config{Batch: batch, Progress: set})
		if err != nil {
			return err
		}
		s, err := f.SampleShare(ctx, g.o.samples, g.o.task.Share, g.o.task.Shares, g.seed(proposalPart))
		if err != nil {
			return err
		}
		s.Annotate(g.lift, s.Ensemble)
		if err := run.SaveEnsemble(program.ProposalsFile, s.Ensemble); err != nil {
			return err
		}
		table := results.New(g.parameters())
		if err := table.Of("dmmc").Block(s.Ensemble.Extra["action"], s.LogQ); err != nil {
			return err
		}
		return run.Save(program.ResultsFile, table.Write)
	})
	return err
}

// trained returns the model that all shares draw from.
func (g *gaugeRun) trained() (*diffusion.Model, error) {
	kind, err := g.checkModel(g.o.model)
	if err != nil {
		return nil, err
	}
	if m, err := g.given(kind); m != nil || err != nil {
		return m, err
	}
	done, err := g.folder.Has(modelFile)
	if err != nil {
		return nil, err
	}
	if !done {
		return nil, fmt.Errorf("expected the %s of a finished -task train in %s, got none", modelFile, g.o.out)
	}
	return diffusion.LoadModel(g.folder.Path(modelFile))
}

// merge makes the file of the proposals of the blocks of all shares.
func (g *gaugeRun) merge() (*lattice.Ensemble, error) {
	shares, err := g.o.task.Collect(g.o.out, g.parameters())
	if err != nil {
		return nil, err
	}
	draws, err := program.Join(g.lift, shares, program.ProposalsFile)
	if err != nil {
		return nil, err
	}
	if draws.Len() != g.o.samples {
		return nil, fmt.Errorf("expected %d proposals in all shares, got %d", g.o.samples, draws.Len())
	}
	for _, run := range shares {
		if err := g.table.Merged(run.Path(program.ResultsFile)); err != nil {
			return nil, err
		}
	}
	return draws, g.folder.SaveEnsemble(program.ProposalsFile, draws)
}
