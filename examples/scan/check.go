package main

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// check compares the log-weights of the draws at a coupling with those of configurations of a
// Markov chain, if there is to be a comparison: draws alone say nothing about regions where they never are.
func (s *scan) check(ctx context.Context, i int, p *point, a lattice.Action, m *diffusion.Model) error {
	if s.o.check == 0 {
		return nil
	}
	seed := checkPart + i
	ens, err := s.folder.Ensemble(ctx, fmt.Sprintf("theory-%v.npz", p.kappa), fmt.Sprintf("comparison at κ = %v", p.kappa), a.Layout(), s.o.check, func(t *progress.Task) (*lattice.Ensemble, error) {
		ens, err := s.generate(ctx, t, a, s.o.check, seed)
		if err != nil {
			return nil, err
		}
		f, err := s.flowOf(m)
		if err != nil {
			return nil, err
		}
		density, err := f.LogProb(ctx, ens, s.o.Part(seed))
		if err != nil {
			return nil, err
		}
		density.Annotate(a, ens)
		return ens, nil
	})
	if err != nil {
		return err
	}
	sides, err := stats.CompareLogWeights(p.logw, measure.LogWeights(ens.Extra["action"], ens.Extra["logq"]))
	p.sides = &sides
	return err
}
