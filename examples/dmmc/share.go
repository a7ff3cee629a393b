package main

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/internal/blocks"
	"github.com/latdiff/latdiff/internal/program"
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

// share draws one block of the proposals and one of the reverse process.
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
	return d.Task(ctx, fmt.Sprintf("share %v of the draws", &d.o.task), func(t *progress.Task) error {
		run, seconds, err := d.blocks().Draw(ctx, func() ([]blocks.Block, error) { return d.Blocks(m, exact, published, t) })
		if err != nil || seconds == nil {
			return err
		}
		clock, err := openTimes(run)
		if err != nil {
			return err
		}
		for i, name := range []string{exact, published} {
			if err := clock.set(name, seconds[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *dmmc) blocks() *blocks.Run {
	return &blocks.Run{Task: d.o.task, Out: d.o.Out, Table: d.Results(), Action: d.Action()}
}

// merge lets the draws be those of all shares, unless an earlier process has joined them. The
// time of a draw is the mean of those of the shares.
func (d *dmmc) merge() error {
	done := true
	for _, file := range []string{program.ProposalsFile, program.ReverseFile} {
		have, err := d.Folder().Has(file)
		if err != nil {
			return err
		}
		done = done && have
	}
	if done {
		return nil
	}
	shares, err := d.blocks().Merge()
	if err != nil {
		return err
	}
	d.Joined = func(file string) (*lattice.Ensemble, error) { return shares.Join(d.Action(), file, d.o.Samples) }
	for _, name := range []string{exact, published} {
		seconds := 0.0
		for _, run := range shares {
			clock, err := openTimes(run)
			if err != nil {
				return err
			}
			seconds += clock.Seconds[name] / float64(len(shares))
		}
		if err := d.times.set(name, seconds); err != nil {
			return err
		}
	}
	return nil
}
