package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/latdiff/latdiff/internal/checkpoint"
	"github.com/latdiff/latdiff/mcmc"
)

// WalkConfig says how long a chain is and what is measured.
type WalkConfig struct {
	// Path is the file of the state, in a folder that is made if need be, and empty for none. Name, a
	// word, says which chain it is.
	Path, Name string
	// Settle is the number of steps before those that are measured, in whose first half an adaptive
	// kernel adapts; Steps is that of the others.
	Settle, Steps int
	// Columns is the number of series, to which Observe appends after every step.
	Columns int
	Observe func(chain *mcmc.Chain, columns [][]float64) error
	// Progress, if not nil, is called with the number of steps that are measured.
	Progress func(done int)
}

// WalkResult is what a chain has given. The acceptance is that of the measured steps.
type WalkResult struct {
	Columns    [][]float64
	Acceptance float64
	// Seconds is the time of all steps and measurements, of all processes.
	Seconds float64
}

// walkState is what the file keeps.
type walkState struct {
	Chain   []byte
	Columns [][]float64
	Seconds float64
}

// walker is a chain on its way.
type walker struct {
	WalkConfig
	chain *mcmc.Chain
	state walkState
	timer *checkpoint.Timer
}

// Walk makes the steps of a fresh chain, or those that an earlier process has left, and measures
// after each. The state is written every so often (see package checkpoint), when ctx ends, and in the end, so that a chain
// which is finished is not run again. A step is never interrupted: a chain that goes on is bit by
// bit the one that was not stopped. It returns the errors of the chain, of Observe and of ctx, and one for
// a state that is damaged or of another chain.
func Walk(ctx context.Context, chain *mcmc.Chain, cfg WalkConfig) (*WalkResult, error) {
	w := &walker{WalkConfig: cfg, chain: chain, state: walkState{Columns: make([][]float64, cfg.Columns)}, timer: checkpoint.New(0)}
	if err := w.load(); err != nil {
		return nil, err
	}
	for chain.Steps() < cfg.Settle+cfg.Steps {
		if err := ctx.Err(); err != nil {
			if e := w.save(); e != nil {
				return nil, e
			}
			return nil, err
		}
		if err := w.step(ctx); err != nil {
			return nil, err
		}
		if w.Path != "" {
			if err := w.timer.SaveDue(w.save); err != nil {
				return nil, err
			}
		}
	}
	if err := w.save(); err != nil {
		return nil, err
	}
	return &WalkResult{Columns: w.state.Columns, Acceptance: chain.Stats().Acceptance(), Seconds: w.state.Seconds}, nil
}

func (w *walker) load() error {
	if w.Path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(w.Path), 0o777); err != nil {
		return err
	}
	if err := checkpoint.Check(w.Path); err != nil {
		return err
	}
	s, err := Load[walkState](w.Path, w.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// Of a series without entries gob keeps nothing.
	copy(w.state.Columns, s.Columns)
	w.state.Seconds = s.Seconds
	if err := w.chain.UnmarshalBinary(s.Chain); err != nil {
		return fmt.Errorf("%s: %w", w.Path, err)
	}
	if n := w.chain.Steps(); n < 0 || n > w.Settle+w.Steps || len(s.Columns) != w.Columns {
		return fmt.Errorf("expected the state of a chain of %d steps with %d series in %s, got %d steps with %d", w.Settle+w.Steps, w.Columns, w.Path, n, len(s.Columns))
	}
	return nil
}

func (w *walker) save() error {
	if w.Path == "" {
		return nil
	}
	var err error
	if w.state.Chain, err = w.chain.MarshalBinary(); err != nil {
		return err
	}
	return Save(w.Path, w.Name, w.state)
}

// step makes a step and measures.
func (w *walker) step(ctx context.Context) error {
	begin := time.Now()
	n := w.chain.Steps()
	if k, ok := w.chain.Kernel().(mcmc.Adaptive); ok && n <= w.Settle/2 {
		k.SetAdaptation(n < w.Settle/2)
	}
	if n == w.Settle {
		w.chain.ClearStats()
	}
	if err := w.chain.Run(context.WithoutCancel(ctx), 1); err != nil {
		return err
	}
	if n >= w.Settle {
		if err := w.Observe(w.chain, w.state.Columns); err != nil {
			return err
		}
	}
	w.state.Seconds += time.Since(begin).Seconds()
	if n >= w.Settle && w.Progress != nil {
		w.Progress(n + 1 - w.Settle)
	}
	return nil
}
