package main

import (
	"context"

	"github.com/latdiff/latdiff/internal/blocks"
	"github.com/latdiff/latdiff/internal/program"
)

// share trains the models of some sizes of figure 11, size k being of share k mod n, and draws one
// block of all that is drawn from the model of the other figures.
func (s *symmetric) share(ctx context.Context) error {
	// The folder of the share is its own before those in it are.
	if _, err := s.Share.Open(s.o.Out, s.Results().Parameters); err != nil {
		return err
	}
	m, err := s.Prepared(ctx)
	if err != nil {
		return err
	}
	for i := range s.runs {
		if !s.Share.Has(i) {
			continue
		}
		ens, err := s.TrainingEnsemble(ctx)
		if err != nil {
			return err
		}
		if _, err := s.trainingSize(ctx, i, every(ens, s.sizes[i])); err != nil {
			return err
		}
	}
	var further []blocks.Block
	if more := s.o.pool - s.o.Samples; more > 0 {
		b, err := s.FurtherBlock(m, 0, furtherFile, more)
		if err != nil {
			return err
		}
		further = append(further, b)
	}
	_, _, err = s.Draw(ctx, m, "dm_ode", "dm", further...)
	return err
}

// merge lets the draws be those of all shares.
func (s *symmetric) merge() error {
	files := []string{program.ReverseFile, program.ProposalsFile}
	if s.o.pool > s.o.Samples {
		files = append(files, furtherFile)
	}
	_, err := s.JoinShares(files...)
	return err
}
