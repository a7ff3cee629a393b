// Package progress shows the progress of long calculations on a terminal. Where the
// output is not a terminal it prints one line when a task ends.
package progress

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Display is where tasks appear.
type Display struct {
	out      *os.File
	terminal bool
}

// New returns a display on out, usually os.Stderr.
func New(out *os.File) *Display {
	info, err := out.Stat()
	return &Display{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// Task is one bar.
type Task struct {
	display *Display
	name    string
	start   time.Time
	pool    *mpb.Progress
	bar     *mpb.Bar
	mu      sync.Mutex
	note    string
	closed  bool
}

// Start begins a task. The caller must end it with Done, also after an error.
func (d *Display) Start(ctx context.Context, name string) *Task {
	t := &Task{display: d, name: name, start: time.Now()}
	if d.terminal {
		t.pool = mpb.NewWithContext(ctx, mpb.WithOutput(d.out), mpb.WithWidth(40))
		t.bar = t.pool.AddBar(1,
			mpb.PrependDecorators(decor.Name(fmt.Sprintf("%-34s", name))),
			mpb.AppendDecorators(
				decor.Percentage(decor.WC{W: 5}),
				decor.Elapsed(decor.ET_STYLE_GO, decor.WC{W: 8}),
				decor.Any(func(decor.Statistics) string {
					t.mu.Lock()
					defer t.mu.Unlock()
					return t.note
				}),
			))
	}
	return t
}

// Timed runs a task with a name on the display and returns the seconds that it took.
func (d *Display) Timed(ctx context.Context, name string, task func(set func(done, total int)) error) (float64, error) {
	start := time.Now()
	t := d.Start(ctx, name)
	err := task(t.Set)
	t.Done(err)
	return time.Since(start).Seconds(), err
}

// Set reports that done of total units are finished. It may be called from any
// goroutine.
func (t *Task) Set(done, total int) {
	if t.bar != nil {
		t.bar.SetTotal(int64(total), false)
		t.bar.SetCurrent(int64(done))
	}
}

// Note sets the text behind the bar.
func (t *Task) Note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note = "  " + fmt.Sprintf(format, args...)
}

// Done ends the task. Calls after the first do nothing.
func (t *Task) Done(err error) {
	t.mu.Lock()
	closed := t.closed
	t.closed = true
	t.mu.Unlock()
	if closed {
		return
	}
	if t.bar != nil {
		if err != nil {
			t.bar.Abort(false)
		} else {
			t.bar.SetTotal(-1, true)
		}
		t.pool.Wait()
		return
	}
	state := "done"
	if err != nil {
		state = "stopped"
	}
	fmt.Fprintf(t.display.out, "%-34s %s in %.1f s%s\n", t.name, state, time.Since(t.start).Seconds(), t.note)
}
