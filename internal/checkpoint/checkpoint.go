// Package checkpoint says when a run writes the state from which it could be continued: after
// a time, so that a run which is killed loses no more than that, however long its steps are.
package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Default is the time between two checkpoints where none is given.
const Default = 30 * time.Second

// share bounds the part of the time that goes to checkpoints: one that took long is followed
// by share times as long without.
const share = 4

// Timer tells when a checkpoint is due. It reads the monotonic clock that a [time.Time] of the
// process has, which does not follow changes of the clock on the wall; should a clock run
// backwards all the same, a checkpoint is due at once. It is not safe for concurrent use.
type Timer struct {
	every, cost time.Duration
	last        time.Time
	now         func() time.Time
}

// New starts a timer; every 0 stands for [Default].
func New(every time.Duration) *Timer { return start(every, time.Now) }

func start(every time.Duration, now func() time.Time) *Timer {
	if every == 0 {
		every = Default
	}
	return &Timer{every: every, last: now(), now: now}
}

// Left returns the time until a checkpoint is due, 0 if it is.
func (t *Timer) Left() time.Duration {
	elapsed := t.now().Sub(t.last)
	if elapsed < 0 {
		return 0
	}
	return max(0, max(t.every, share*t.cost)-elapsed)
}

// Save writes a checkpoint and starts the time to the next one.
func (t *Timer) Save(write func() error) error {
	begin := t.now()
	err := write()
	t.last = t.now()
	t.cost = max(0, t.last.Sub(begin))
	return err
}

// SaveDue is Save if a checkpoint is due.
func (t *Timer) SaveDue(write func() error) error {
	if t.Left() > 0 {
		return nil
	}
	return t.Save(write)
}

// CheckFolder returns an error if a checkpoint is wanted where it cannot be written, which
// would otherwise be found after the first steps. An empty path wants none.
func CheckFolder(path string) error {
	if path == "" {
		return nil
	}
	folder := filepath.Dir(path)
	switch info, err := os.Stat(folder); {
	case err != nil:
		return fmt.Errorf("expected a folder for the checkpoint %s, got %w", path, err)
	case !info.IsDir():
		return fmt.Errorf("expected a folder for the checkpoint %s, got the file %s", path, folder)
	}
	return nil
}
