package main

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/blocks"
)

// share draws one block of the proposals.
func (s *schwingerRun) share(ctx context.Context) error {
	m, err := s.trained()
	if err != nil {
		return err
	}
	_, err = s.display.Timed(ctx, fmt.Sprintf("share %v of the proposals", &s.o.task), func(set func(done, total int)) error {
		_, _, err := s.blocks().Draw(ctx, func() (*flow.ProbabilityFlow, error) {
			return flow.New(s.backend, m, flow.Config{Batch: batch, Progress: set})
		})
		return err
	})
	return err
}

func (s *schwingerRun) blocks() *blocks.Proposals {
	return &blocks.Proposals{
		Task: s.o.task, Out: s.o.out, Table: s.table, Action: s.lift, N: s.o.samples, Seed: s.seed(proposalPart), Name: "dmmc",
	}
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
		return nil, fmt.Errorf("expected the %s of a finished -task train in %s, got none", modelFile, s.o.out)
	}
	return s.load(s.folder.Path(modelFile))
}
