package main

import (
	"errors"
	"os"
	"slices"
	"time"
)

// piloted is the state of a measurement whose length a pilot tells. The run of that length keeps
// what it has done in files of its own.
type piloted struct {
	// Size is the length, 0 before the end of the pilot.
	Size int
	// Elapsed is the time that the run had had when it last wrote one of its files.
	Elapsed time.Duration
}

// withPilot lets a pilot tell the length of a run, which is not 0, and makes the run, or goes on with
// the one that an earlier process has left in the given files. It returns the length of the run and
// its time in seconds, of all processes, without what was lost between a writing and the end of a process that
// was killed. The pilot spends its time itself.
func withPilot[T any](j *job, files []string, pilot func() (size int, err error), run func(size int) (T, error)) (r T, size int, seconds float64, err error) {
	m, err := resume[piloted](j)
	if err != nil {
		return r, 0, 0, err
	}
	if m.state.Size == 0 {
		if m.state.Size, err = pilot(); err != nil {
			return r, 0, 0, err
		}
		if err = m.save(); err != nil {
			return r, 0, 0, err
		}
	}
	c := &clock{measurement: m, files: files, since: time.Now(), seen: look(files)}
	stop, stopped := make(chan struct{}), make(chan error)
	go func() { stopped <- c.watch(stop) }()
	r, err = run(m.state.Size)
	close(stop)
	err = errors.Join(err, <-stopped)
	c.count()
	return r, m.state.Size, m.state.Elapsed.Seconds(), err
}

// clock counts the time of a run that writes files by itself.
type clock struct {
	*measurement[piloted]
	files []string
	// since is the moment up to which the time is counted, seen are the files as they were found last.
	since time.Time
	seen  []os.FileInfo
}

// glance is the time after which the files are looked at again.
const glance = 10 * time.Millisecond

// watch keeps the time that has passed when one of the files has been written, until stop is closed,
// so that both tell of the same part of the run.
func (c *clock) watch(stop <-chan struct{}) error {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for more := true; more; {
		select {
		case <-ticker.C:
		case <-stop:
			more = false
		}
		files := look(c.files)
		if slices.EqualFunc(files, c.seen, same) {
			continue
		}
		c.seen = files
		c.count()
		if err := c.save(); err != nil {
			return err
		}
	}
	return nil
}

// count adds the time since it was last counted.
func (c *clock) count() {
	now := time.Now()
	d := now.Sub(c.since)
	c.since = now
	c.state.Elapsed += d
	c.job.spend(d)
}

// look returns the files as they are, nil for those that are not there.
func look(files []string) []os.FileInfo {
	all := make([]os.FileInfo, len(files))
	for i, path := range files {
		all[i], _ = os.Stat(path)
	}
	return all
}

// same tells whether a file is the one that it was: every writing renames another one to its name.
func same(a, b os.FileInfo) bool {
	return a == nil && b == nil || a != nil && b != nil && os.SameFile(a, b)
}
