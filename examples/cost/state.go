package main

import (
	"errors"
	"io/fs"
	"time"

	"github.com/latdiff/latdiff/internal/checkpoint"
	"github.com/latdiff/latdiff/internal/stage"
)

// measurement is a measurement that takes a given time, with a state from which a process that was
// killed goes on. How much it measures follows the clock, so that it is not the measurement that it would
// have been, but one of the same length.
type measurement[T any] struct {
	job   *job
	state T
	timer *checkpoint.Timer
}

// timed is the file of a state, with the time that was used.
type timed[T any] struct {
	State T
	Used  time.Duration
}

// resume returns the measurement that a job is, as far as an earlier process has come.
func resume[T any](j *job) (*measurement[T], error) {
	m := &measurement[T]{job: j, timer: checkpoint.New(0)}
	if err := checkpoint.Check(j.state); err != nil {
		return nil, err
	}
	have, err := stage.Load[timed[T]](j.state, stateName)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	m.state = have.State
	j.spend(have.Used)
	return m, err
}

const stateName = "unfinished"

// saveDue writes the state as set changes it, if that is due.
func (m *measurement[T]) saveDue(set func(*T) error) error {
	return m.timer.SaveDue(func() error {
		if err := set(&m.state); err != nil {
			return err
		}
		return m.save()
	})
}

func (m *measurement[T]) save() error {
	return stage.Save(m.job.state, stateName, timed[T]{m.state, m.job.used})
}
