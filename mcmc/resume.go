package mcmc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/checkpoint"
)

// Resume is Run, after Restore from the Checkpoint of the configuration if there is such a
// file and the generator is fresh. It returns the errors of both.
func (g *Generator) Resume(ctx context.Context) error {
	if err := g.restoreFile(); err != nil {
		return err
	}
	return g.Run(ctx)
}

func (g *Generator) restoreFile() error {
	if g.cfg.Checkpoint == "" || g.made() > 0 {
		return nil
	}
	f, err := os.Open(g.cfg.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("mcmc: checkpoint: %w", err)
	}
	defer f.Close()
	if err := g.Restore(bufio.NewReaderSize(f, 1<<18)); err != nil {
		return fmt.Errorf("%w (checkpoint %s)", err, g.cfg.Checkpoint)
	}
	return nil
}

// made returns the number of steps that all chains have made.
func (g *Generator) made() (steps int) {
	for _, w := range g.workers {
		steps += w.chain.steps
	}
	return steps
}

// runSaving is run in parts, between which the chains stand still and their state is written.
func (g *Generator) runSaving(ctx context.Context) error {
	timer := checkpoint.New(g.cfg.CheckpointEvery)
	defer g.pauseAt(nil)
	// A part is long enough for a step, whatever the time between checkpoints.
	for least := time.Millisecond; ; {
		before := g.made()
		pause := make(chan struct{})
		alarm := time.AfterFunc(max(timer.Left(), least), func() { close(pause) })
		g.pauseAt(pause)
		err := g.run(ctx)
		alarm.Stop()
		paused := errors.Is(err, errPaused)
		if paused && g.made() == before {
			least *= 2
		}
		if paused || err == nil || ctx.Err() != nil {
			save := func() error { return atomicfile.Write(g.cfg.Checkpoint, g.Save) }
			if e := timer.Save(save); e != nil {
				return fmt.Errorf("mcmc: checkpoint: %w", e)
			}
		}
		if !paused {
			return err
		}
	}
}

// pauseAt makes all chains stop before a step once the channel is closed.
func (g *Generator) pauseAt(pause <-chan struct{}) {
	for _, w := range g.workers {
		w.chain.pause = pause
	}
}
