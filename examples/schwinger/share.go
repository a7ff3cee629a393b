package main

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/blocks"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
)

// share draws one block of the proposals.
func (s *schwingerRun) share(ctx context.Context) error {
	m, err := s.trained()
	if err != nil {
		return err
	}
	_, err = s.display.Timed(ctx, fmt.Sprintf("share %v of the proposals", &s.o.task), func(set func(done, total int)) error {
		_, _, err := s.blocks().Draw(ctx, func() ([]blocks.Block, error) {
			f, err := flow.New(s.backend, m, flow.Config{Batch: batch, Progress: set})
			return []blocks.Block{blocks.Flow(f, s.lift, "dmmc", s.o.samples, s.seed(proposalPart))}, err
		})
		return err
	})
	return err
}

func (s *schwingerRun) blocks() *blocks.Run {
	return &blocks.Run{Task: s.o.task, Out: s.o.Out, Table: s.table, Action: s.lift}
}

// trained returns the model that all shares draw from.
func (s *schwingerRun) trained() (*diffusion.Model, error) {
	if s.o.model != "" {
		return s.load(s.o.model)
	}
	done, err := s.folder.Has(modelFile)
	if err != nil {
		return nil, err
	}
	if !done {
		return nil, fmt.Errorf("expected the %s of a finished -task train in %s, got none", modelFile, s.o.Out)
	}
	return s.load(s.folder.Path(modelFile))
}

// merge makes the file of the proposals of the blocks of all shares.
func (s *schwingerRun) merge() (*lattice.Ensemble, error) {
	shares, err := s.blocks().Merge()
	if err != nil {
		return nil, err
	}
	draws, err := shares.Join(s.lift, program.ProposalsFile, s.o.samples)
	if err != nil {
		return nil, err
	}
	return draws, s.folder.SaveEnsemble(program.ProposalsFile, draws)
}
