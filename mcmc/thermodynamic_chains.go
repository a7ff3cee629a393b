package mcmc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latdiff/latdiff/lattice"
)

// integration is the simulations of a thermodynamic integration.
type integration struct {
	ThermodynamicConfig
	path  ThermodynamicPath
	nodes []ThermodynamicNode
	all   []nodeChain
	saved *savedRun

	mu   sync.Mutex
	done int // steps, as reported
}

// nodeChain is a chain at a node with its series of ∂S/∂t. The chain is nil before the first and
// after the last step.
type nodeChain struct {
	chain  *Chain
	series []float64
}

// simulate returns the series of ∂S/∂t of all chains of all nodes.
func (cfg ThermodynamicConfig) simulate(ctx context.Context, path ThermodynamicPath, nodes []ThermodynamicNode) (series [][]float64, err error) {
	s := &integration{ThermodynamicConfig: cfg, path: path, nodes: nodes, all: make([]nodeChain, len(nodes)*cfg.Chains)}
	if s.saved, err = newSavedRun(cfg.Checkpoint, cfg.CheckpointEvery, "thermodynamic integration", s.fingerprint); err != nil {
		return nil, err
	}
	if _, err := s.saved.restore(s.read); err != nil {
		return nil, err
	}
	// A part is long enough for a step, whatever the time between checkpoints.
	for least := time.Millisecond; ; {
		before := s.made()
		var pause chan struct{}
		var alarm *time.Timer
		if s.saved != nil {
			pause = make(chan struct{})
			alarm = time.AfterFunc(max(s.saved.timer.Left(), least), func() { close(pause) })
		}
		err := s.part(ctx, pause)
		if alarm != nil {
			alarm.Stop()
		}
		paused := errors.Is(err, errPaused)
		if paused && s.made() == before {
			least *= 2
		}
		if err == nil || paused || ctx.Err() != nil {
			if e := s.saved.save(s.write); e != nil {
				return nil, e
			}
		}
		if !paused {
			for _, w := range s.all {
				series = append(series, w.series)
			}
			return series, err
		}
	}
}

// made returns the number of steps that all chains have made.
func (s *integration) made() (n int) {
	for _, w := range s.all {
		switch {
		case w.chain != nil:
			n += w.chain.steps
		case w.series != nil:
			n += s.Thermalisation + s.Steps
		}
	}
	return n
}

// part lets the chains go on until all are finished, or with errPaused until pause is closed.
func (s *integration) part(ctx context.Context, pause <-chan struct{}) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var paused atomic.Bool
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(s.Workers, len(s.all)) {
		wg.Go(func() {
			for inner.Err() == nil && !paused.Load() {
				c := int(next.Add(1)) - 1
				if c >= len(s.all) {
					return
				}
				switch err := s.advance(inner, c, pause); {
				case errors.Is(err, errPaused):
					paused.Store(true)
				case err != nil:
					cancel(fmt.Errorf("mcmc: chain at t = %v: %w", s.nodes[c/s.Chains].T, err))
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := context.Cause(inner); err != nil {
		return err
	}
	if paused.Load() {
		return errPaused
	}
	return nil
}

// reported is the number of steps from one report to the next.
const reported = 100

// advance lets chain number c of all go on.
func (s *integration) advance(ctx context.Context, c int, pause <-chan struct{}) error {
	w, at := &s.all[c], s.nodes[c/s.Chains].T
	if len(w.series) == s.Steps {
		return nil
	}
	if w.chain == nil {
		if err := s.start(c); err != nil {
			return err
		}
	}
	w.chain.pause = pause
	if w.chain.steps < s.Thermalisation {
		if err := w.chain.thermalise(ctx, s.Thermalisation, w.chain.steps); err != nil {
			return err
		}
		s.report(s.Thermalisation)
	}
	for len(w.series) < s.Steps {
		if err := w.chain.Run(ctx, 1); err != nil {
			return err
		}
		w.series = append(w.series, s.path.Derivative(at, w.chain.phi))
		if n := len(w.series); n%reported == 0 {
			s.report(reported)
		} else if n == s.Steps {
			s.report(n % reported)
		}
	}
	w.chain = nil
	return nil
}

// start makes chain number c of all.
func (s *integration) start(c int) error {
	a, err := s.path.Action(s.nodes[c/s.Chains].T)
	if err != nil {
		return err
	}
	if err := lattice.CheckAction(a); err != nil {
		return err
	}
	kernel, err := s.NewKernel(a)
	if err != nil {
		return err
	}
	chain, err := NewChain(kernel, make([]float64, a.Layout().Size()), s.Seed, uint64(c))
	if err != nil {
		return err
	}
	if c%s.Chains%2 == 0 {
		HotStart(chain.rng, chain.phi)
	} else {
		ColdStart(chain.phi, 1)
	}
	s.all[c] = nodeChain{chain: chain, series: make([]float64, 0, s.Steps)}
	return nil
}

func (s *integration) report(steps int) {
	if s.Progress == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done += steps
	s.Progress(s.done, len(s.all)*(s.Thermalisation+s.Steps))
}

// fingerprint says which run it is, with the actions at both ends.
func (s *integration) fingerprint() (string, error) {
	text := fmt.Sprintf("(nodes %d, breaks %v, chains %d, steps %d after %d, seed %d, path from %v at log Z %v to %v",
		s.Nodes, s.Breaks, s.Chains, s.Steps, s.Thermalisation, s.Seed, s.path.From, s.path.LogZ, s.path.To)
	for _, t := range []float64{s.path.From, s.path.To} {
		a, err := s.path.Action(t)
		if err == nil {
			err = lattice.CheckAction(a)
		}
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf(", action %s [%s]", lattice.Describe(a), lattice.Fingerprint(a))
	}
	return text + ")", nil
}

func (s *integration) write(e *stateWriter) error {
	for _, w := range s.all {
		e.floats(w.series)
		if w.chain == nil {
			e.bytes(nil)
			continue
		}
		b, err := w.chain.MarshalBinary()
		if err != nil {
			return err
		}
		e.bytes(b)
	}
	return nil
}

// read reads what write wrote.
func (s *integration) read(d *stateReader) error {
	for c := range s.all {
		series, state := d.floats(nil, s.Steps), d.bytes()
		if d.err != nil {
			return d.err
		}
		if err := lattice.CheckField(series, len(series)); err != nil {
			return err
		}
		if err := s.resume(c, series, state); err != nil {
			return err
		}
	}
	return nil
}

// resume lets chain number c of all be as it was saved.
func (s *integration) resume(c int, series []float64, state []byte) error {
	w, n := &s.all[c], len(series)
	switch {
	case len(state) == 0 && n == 0: // not begun
		return nil
	case len(state) == 0 && n == s.Steps: // finished
		w.series = series
		s.done += s.Thermalisation + s.Steps
		return nil
	case len(state) == 0 || n == s.Steps:
		return errNoState
	}
	if err := s.start(c); err != nil {
		return err
	}
	if err := w.chain.UnmarshalBinary(state); err != nil {
		return err
	}
	w.series = append(w.series, series...)
	steps := w.chain.steps
	if steps < 0 || steps != s.Thermalisation+n && (n > 0 || steps > s.Thermalisation) {
		return errNoState
	}
	if steps >= s.Thermalisation {
		s.done += s.Thermalisation + n - n%reported
	}
	return nil
}
