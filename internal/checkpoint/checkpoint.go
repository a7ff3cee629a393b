// Package checkpoint says when a run writes the state from which it could be continued: after
// a time, so that a run which is killed loses no more than that, however long its steps are.
package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Default is the time between two checkpoints where none is given, neither by a program nor by
// the environment variable called Variable, as "5s" or "10m".
const (
	Default  = 30 * time.Second
	Variable = "LATDIFF_CHECKPOINT_EVERY"
)

// interval returns the time between checkpoints where a program gives none.
func interval() (time.Duration, error) {
	text := os.Getenv(Variable)
	if text == "" {
		return Default, nil
	}
	every, err := time.ParseDuration(text)
	if err != nil || every <= 0 {
		return Default, fmt.Errorf("expected a time such as 30s in the environment variable %s, got %q", Variable, text)
	}
	return every, nil
}

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

// New starts a timer; every 0 stands for the time of the environment, see [Check], or [Default].
func New(every time.Duration) *Timer { return start(every, time.Now) }

func start(every time.Duration, now func() time.Time) *Timer {
	if every == 0 {
		every, _ = interval() // Check has told what is wrong
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

// Check returns an error if a checkpoint is wanted where it cannot be written, which would
// otherwise be found after the first steps, or at times that the environment does not tell. An
// empty path wants none.
func Check(path string) error {
	if path == "" {
		return nil
	}
	if _, err := interval(); err != nil {
		return err
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
