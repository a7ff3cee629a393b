package main

import (
	"context"
	"fmt"
	"time"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
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
	run, err := d.o.task.Open(d.o.Out, d.Results().Parameters)
	if err != nil {
		return err
	}
	if done, err := run.Has(program.ResultsFile); done || err != nil {
		return err
	}
	return run.Task(ctx, fmt.Sprintf("share %v of the proposals", &d.o.task), func(t *progress.Task) error {
		f, err := d.Flow(m, t)
		if err != nil {
			return err
		}
		clock, err := openTimes(run)
		if err != nil {
			return err
		}
		start := time.Now()
		s, err := f.SampleShare(ctx, d.o.Samples, d.o.task.Share, d.o.task.Shares, d.FlowSeed())
		if err != nil {
			return err
		}
		if err := clock.set(exact, time.Since(start).Seconds()/float64(s.Ensemble.Len())); err != nil {
			return err
		}
		s.Annotate(d.Action(), s.Ensemble)
		if err := run.SaveEnsemble(program.ProposalsFile, s.Ensemble); err != nil {
			return err
		}
		file := results.New(d.Results().Parameters)
		if err := file.Of(exact).Block(s.Ensemble.Extra["action"], s.LogQ); err != nil {
			return err
		}
		return run.Save(program.ResultsFile, file.Write)
	})
}

// merge joins the blocks of all shares, whose mean time is that of a draw.
func (d *dmmc) merge(ctx context.Context, f *flow.ProbabilityFlow) (*lattice.Ensemble, error) {
	shares, err := d.o.task.Collect(d.o.Out, d.Results().Parameters)
	if err != nil {
		return nil, err
	}
	ens, err := program.Join(d.Action(), shares, program.ProposalsFile)
	if err != nil {
		return nil, err
	}
	if ens.Len() != d.o.Samples {
		return nil, fmt.Errorf("expected %d proposals in all shares, got %d", d.o.Samples, ens.Len())
	}
	seconds := 0.0
	for _, run := range shares {
		clock, err := openTimes(run)
		if err != nil {
			return nil, err
		}
		seconds += clock.Seconds[exact] / float64(len(shares))
		if err := d.Results().Merged(run.Path(program.ResultsFile)); err != nil {
			return nil, err
		}
	}
	if err := d.times.set(exact, seconds); err != nil {
		return nil, err
	}
	l := &flow.Likelihood{LogQ: ens.Extra["logq"], ProbeError: ens.Extra["logq_error"]}
	return d.Annotate(ctx, f, ens, l, d.FlowSeed())
}
