package main

import (
	"context"

	"github.com/latdiff/latdiff/internal/program"
)

// train makes what the shares draw from.
func (d *dmmc) train(ctx context.Context) error {
	if err := d.open(); err != nil {
		return err
	}
	return d.Prepare(ctx)
}

// share draws one block of the proposals and one of the reverse process.
func (d *dmmc) share(ctx context.Context) error {
	if err := d.open(); err != nil {
		return err
	}
	m, err := d.Prepared(ctx)
	if err != nil {
		return err
	}
	run, seconds, err := d.Draw(ctx, m, exact, published)
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
}

// merge lets the draws be those of all shares, unless an earlier process has joined them. The
// time of a draw is the mean of those of the shares.
func (d *dmmc) merge() error {
	shares, err := d.JoinShares(program.ProposalsFile, program.ReverseFile)
	if err != nil || shares == nil {
		return err
	}
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
