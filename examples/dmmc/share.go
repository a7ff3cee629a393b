package main

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/blocks"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/lattice"
)

// train makes what the shares draw from.
func (d *dmmc) train(ctx context.Context) error {
	if err := d.open(); err != nil {
		return err
	}
	ens, err := d.TrainingEnsemble(ctx)
	if err != nil {
		return err
	}
	_, err = d.Train(ctx, ens)
	return err
}

// share draws one block of the proposals.
func (d *dmmc) share(ctx context.Context) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.Ready(); err != nil {
		return err
	}
	var ens *lattice.Ensemble
	var err error
	if d.o.Model == settings.Gaussian {
		if ens, err = d.TrainingEnsemble(ctx); err != nil {
			return err
		}
	}
	m, err := d.Train(ctx, ens)
	if err != nil {
		return err
	}
	return d.Task(ctx, fmt.Sprintf("share %v of the proposals", &d.o.task), func(t *progress.Task) error {
		run, seconds, err := d.blocks().Draw(ctx, func() (*flow.ProbabilityFlow, error) { return d.Flow(m, t) })
		if err != nil || seconds == 0 {
			return err
		}
		clock, err := openTimes(run)
		if err != nil {
			return err
		}
		return clock.set(exact, seconds)
	})
}

func (d *dmmc) blocks() *blocks.Proposals {
	return &blocks.Proposals{
		Task: d.o.task, Out: d.o.Out, Table: d.Results(), Action: d.Action(), N: d.o.Samples, Seed: d.FlowSeed(), Name: exact,
	}
}

// merge joins the blocks of all shares, whose mean time is that of a draw.
func (d *dmmc) merge(ctx context.Context, f *flow.ProbabilityFlow) (*lattice.Ensemble, error) {
	ens, shares, err := d.blocks().Merge()
	if err != nil {
		return nil, err
	}
	seconds := 0.0
	for _, run := range shares {
		clock, err := openTimes(run)
		if err != nil {
			return nil, err
		}
		seconds += clock.Seconds[exact] / float64(len(shares))
	}
	if err := d.times.set(exact, seconds); err != nil {
		return nil, err
	}
	l := &flow.Likelihood{LogQ: ens.Extra["logq"], ProbeError: ens.Extra["logq_error"]}
	return d.Annotate(ctx, f, ens, l, d.FlowSeed())
}
