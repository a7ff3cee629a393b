package pipeline

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/blocks"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/lattice"
)

// Prepare makes what the shares draw from, in the open folder of the run.
func (r *Run) Prepare(ctx context.Context) error {
	ens, err := r.TrainingEnsemble(ctx)
	if err != nil {
		return err
	}
	_, err = r.Train(ctx, ens)
	return err
}

// Prepared returns the model that the shares draw from, which Prepare has made.
func (r *Run) Prepared(ctx context.Context) (diffusion.ScoreModel, error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	var ens *lattice.Ensemble
	if r.o.Model == settings.Gaussian {
		var err error
		if ens, err = r.TrainingEnsemble(ctx); err != nil {
			return nil, err
		}
	}
	return r.Train(ctx, ens)
}

// ready returns an error unless there is nothing to train and nothing to measure for Train.
func (r *Run) ready() error {
	file := program.ModelFile
	switch {
	case r.in.Model != nil:
		return nil
	case r.o.Model == settings.Gaussian:
		if r.in.Ensemble != nil {
			return nil
		}
		file = program.EnsembleFile
	}
	done, err := r.folder.Has(file)
	if err == nil && !done {
		err = fmt.Errorf("expected the %s of a finished -task train in %s, got none", file, r.o.Out)
	}
	return err
}

// Draw draws what a share has of the draws from m, through the flow, called name in the results, and by
// the reverse SDE, called reverse, and of the further ones. It returns the folder of the share and the mean
// time of a draw in each of them in seconds, nil if they were finished.
func (r *Run) Draw(ctx context.Context, m diffusion.ScoreModel, name, reverse string, further ...blocks.Block) (run *program.Run, seconds []float64, err error) {
	err = r.Task(ctx, fmt.Sprintf("share %v of the draws", &r.Share), func(t *progress.Task) (err error) {
		run, seconds, err = r.blocks().Draw(ctx, func() ([]blocks.Block, error) {
			list, err := r.draws(m, name, reverse, t)
			return append(list, further...), err
		})
		return err
	})
	return run, seconds, err
}

func (r *Run) blocks() *blocks.Run {
	return &blocks.Run{Task: r.Share, Out: r.o.Out, Table: r.table, Action: r.action}
}

// draws are the blocks that shares draw of what one process draws: through the flow, called name
// in the results, and by the reverse SDE, called reverse.
func (r *Run) draws(m diffusion.ScoreModel, name, reverse string, t *progress.Task) ([]blocks.Block, error) {
	// Blocks are kept piece by piece, without a state.
	through := r.o.Flow()
	through.Progress = t.Set
	f, err := flow.New(r.backend, m, through)
	if err != nil {
		return nil, err
	}
	cfg := r.o.Sampler()
	cfg.Progress = t.Set
	sampler, err := diffusion.NewSampler(r.backend, m, cfg)
	if err != nil {
		return nil, err
	}
	return []blocks.Block{
		blocks.Flow(f, r.action, name, r.o.Samples, r.FlowSeed()),
		{File: program.ReverseFile, Name: reverse, N: r.o.Samples, Draw: func(ctx context.Context, share, shares int) (*lattice.Ensemble, error) {
			drawn, first, err := sampler.SampleShare(ctx, r.o.Samples, share, shares, r.o.Part(seedReverse))
			if err != nil {
				return nil, err
			}
			l, err := f.LogProbShare(ctx, drawn, first, r.FlowSeed())
			if err != nil {
				return nil, err
			}
			l.Annotate(r.action, drawn)
			return drawn, nil
		}},
	}, nil
}

// FurtherBlock is what shares draw of the draws of Further.
func (r *Run) FurtherBlock(m diffusion.ScoreModel, number int, file string, n int) (blocks.Block, error) {
	sampler, err := diffusion.NewSampler(r.backend, m, r.o.Sampler())
	return blocks.Block{File: file, Name: file, N: n, Draw: func(ctx context.Context, share, shares int) (*lattice.Ensemble, error) {
		ens, _, err := sampler.SampleShare(ctx, n, share, shares, r.o.Part(seedFurther+number))
		return ens, err
	}}, err
}

// JoinShares lets the draws be those of all shares, which it returns, unless an earlier process has
// joined them into all the files.
func (r *Run) JoinShares(files ...string) (blocks.Shares, error) {
	done := true
	for _, file := range files {
		have, err := r.folder.Has(file)
		if err != nil {
			return nil, err
		}
		done = done && have
	}
	if done {
		return nil, nil
	}
	shares, err := r.blocks().Merge()
	if err != nil {
		return nil, err
	}
	r.Joined = func(file string, n int) (*lattice.Ensemble, error) { return shares.Join(r.action, file, n) }
	return shares, nil
}
