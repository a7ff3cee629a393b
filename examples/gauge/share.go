package main

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/blocks"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
)

// share draws one block of the proposals.
func (g *gaugeRun) share(ctx context.Context) error {
	m, err := g.trained()
	if err != nil {
		return err
	}
	_, err = g.display.Timed(ctx, fmt.Sprintf("share %v of the proposals", &g.o.task), func(set func(done, total int)) error {
		_, _, err := g.blocks().Draw(ctx, func() ([]blocks.Block, error) {
			f, err := g.flow(m, g.o.flowSteps, set, "")
			return []blocks.Block{blocks.Flow(f, g.lift, "dmmc", g.o.samples, g.seed(proposalPart))}, err
		})
		return err
	})
	return err
}

func (g *gaugeRun) blocks() *blocks.Run {
	return &blocks.Run{Task: g.o.task, Out: g.o.Out, Table: g.table, Action: g.lift}
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
		return nil, fmt.Errorf("expected the %s of a finished -task train in %s, got none", modelFile, g.o.Out)
	}
	return diffusion.LoadModel(g.folder.Path(modelFile))
}

// merge makes the file of the proposals of the blocks of all shares.
func (g *gaugeRun) merge() (*lattice.Ensemble, error) {
	shares, err := g.blocks().Merge()
	if err != nil {
		return nil, err
	}
	draws, err := shares.Join(g.lift, program.ProposalsFile, g.o.samples)
	if err != nil {
		return nil, err
	}
	return draws, g.folder.SaveEnsemble(program.ProposalsFile, draws)
}
