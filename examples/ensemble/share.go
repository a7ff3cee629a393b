package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/latdiff/latdiff/internal/program"
)

// stages are the runs of which shares keep the states.
func (e *ensemble) stages() []*stage {
	if e.check == nil {
		return []*stage{e.chains}
	}
	return []*stage{e.chains, e.check}
}

// share runs the chains of one share. Its files are the states of the generators, with all
// configurations, and the results of these chains alone.
func (e *ensemble) share(ctx context.Context, out io.Writer) error {
	done, err := e.folder.Has(resultsFile)
	if err != nil {
		return err
	}
	if !done {
		if err := e.produce(ctx); err != nil {
			return err
		}
		for _, s := range e.stages() {
			if err := e.folder.Save(s.state, s.save); err != nil {
				return err
			}
		}
		if err := e.folder.Save(resultsFile, e.file.Write); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "share %v of the chains is finished in %s\n", &e.o.Task, e.folder.Path(""))
	return err
}

// merge reads the chains of all shares.
func (e *ensemble) merge() error {
	shares, err := e.o.Task.Collect(e.o.Out, e.parameters)
	if err != nil {
		return err
	}
	for _, s := range e.stages() {
		if err := s.merge(shares); err != nil {
			return err
		}
	}
	return e.file.Merged(program.ResultsPaths(shares)...)
}

// merge reads the states that the shares left of a stage.
func (s *stage) merge(shares []*program.Run) error {
	states := make([]io.Reader, len(shares))
	for i, run := range shares {
		f, err := os.Open(run.Path(s.state))
		if err != nil {
			return err
		}
		defer f.Close()
		states[i] = bufio.NewReaderSize(f, stateBuffer)
	}
	return s.generator.Merge(states...)
}
